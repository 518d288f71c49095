"""How the console looks, and that nobody is shut out by it. The pictures of the docs are taken here when asked for."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.console import Console, a_context, opened, writes_to
from tests.rig.house import Tenant
from tests.rig.waiting import until

PICTURES = Path(__file__).parents[2] / "docs/images"
TAKES_PICTURES = os.environ.get("TAKE_PICTURES") == "1"
SHOWN = {
    "console-overview-laptop-light.png",
    "console-house-laptop-dark.png",
    "console-conversation-laptop-dark.png",
    "console-conversation-phone-light.png",
    "console-conversations-phone-dark.png",
    "console-phone-laptop-dark.png",
    "console-leads-laptop-light.png",
    "console-lead-phone-dark.png",
}
ROOM = "Do you have a double room with a view of the sea this weekend?"
ANSWER = (
    "Yes, we have one from Friday to Sunday: two nights, breakfast included, free to cancel until 18:00 of the day "
    "before. Shall I hold it for you?"
)
PLEASE = "Yes please! And is there parking?"
HAND = "Maria from the front desk here: I have put the room aside, and parking is free for guests."
PEOPLE = ("Mary Shelley", "Grace Hopper", "José Martínez", "Søren Ørsted", "Łucja Nowak", "Amina Diallo")
WISHES = {
    "Mary Shelley": "Hello, I am Mary Shelley. I need two single rooms tomorrow, write to mary@example.com",
    "José Martínez": "I am José Martínez, call +34 612 345 678. I want a room for 3 people. My budget is 450 euros",
    "Amina Diallo": "I am Amina Diallo and I need a hall for 80 people. Budget 2.500 EUR, amina.diallo@example.com",
    "Søren Ørsted": "We want a table by the window on Saturday, call +45 32 12 34 56",
}
# For the pictures: what was answered just now was answered in the course of an hour.
SPREAD = """
with turn as (
    select t.id, row_number() over (order by t.id) * 61 %% 3500 * interval '1 second' as ago
    from turns t join conversations c on c.id = t.conversation_id where t.user_id = %s and c.human_replied_at is null
), message as (
    update messages m set created_at = m.created_at - turn.ago
        - case when m.direction = 'inbound' then random() * random() * interval '3 seconds' else '0' end
    from turn where m.turn_id = turn.id
)
update turns t set begun_at = t.begun_at - turn.ago, ended_at = t.ended_at - turn.ago from turn where t.id = turn.id
"""


@pytest.fixture(scope="module")
def tenant(house) -> Tenant:
    """A business with customers, a reply by hand, one that failed, and an alert."""
    tenant = house.tenant()
    house.rest("PATCH", tenant.path, {"name": "Hotel Miramar"})
    tenant.change_number(display_name="Reception", number="+34 900 123 456")
    (agent,) = tenant.get("agents")["items"]
    house.rest("PATCH", f"{tenant.path}/agents/{agent['id']}", {"name": "Front desk"})
    house.openai.script(ROOM, answer=ANSWER)
    ada = writes_to(tenant, ROOM)
    tenant.settled(ada)
    house.openai.script(PLEASE, answer="I am glad! Let me ask a colleague about parking.")
    writes_to(tenant, PLEASE, sender=ada)
    tenant.settled(ada)
    house.openai.script("Hello?", answer="Hello! How can I help you?")
    tenant.settled(writes_to(tenant, "Hello?", name="Simulated customer", sender="15550009999"))
    for name, wish in WISHES.items():
        writes_to(tenant, wish, name=name)
    tenant.settled()
    assert house.rest("POST", f"{tenant.path}/agents/{agent['id']}/extract", key=tenant.key).status == 202
    until(lambda: {run["status"] for run in tenant.get("extractions")["items"]} == {"completed"})
    conversation = tenant.conversation(ada)
    path = f"{tenant.path}/conversations/{conversation['id']}/messages"
    assert house.rest("POST", path, {"text": HAND}, tenant.key).status == 202
    house.meta.script("Invoice", kind="message", error={"http_status": 400, "code": 131026, "message": "Undeliverable"})
    writes_to(tenant, "Invoice, please", name="Grace Hopper")
    for place in range(150 if TAKES_PICTURES else 3):
        writes_to(tenant, "Are you open today?", name=PEOPLE[place % len(PEOPLE)])
    tenant.settled()
    if TAKES_PICTURES:
        house.sql(SPREAD, tenant.id)
    expired = {"http_status": 401, "code": 190, "subcode": 463}
    house.meta.script("Is the pool heated?", kind="message", error=expired)
    writes_to(tenant, "Is the pool heated?", name="Grace Hopper")
    until(lambda: tenant.alerts() == ["access_refused"])
    return tenant


PAGES = {
    "overview": "",
    "conversations": "/conversations",
    "conversation": "/conversations/{conversation}",
    "leads": "/leads",
    "lead": "/leads/{lead}",
    "trace": "/messages/{message}",
    "agents": "/agents",
    "prompt": "/prompts/{prompt}",
    "phone-numbers": "/phone_numbers",
    "credits": "/credits",
    "alerts": "/alerts?show=all",
    "phone": "/phone",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_axe_finds_no_serious_fault_on_any_page(tenant, house, browser, size, scheme):
    context = a_context(browser, size, scheme)
    console = opened(tenant, context)
    console.page.goto(f"{console.url}/dashboard")
    found = _faults(console, "sign-in", size, scheme)
    console.signs_in()
    for name, path in PAGES.items():
        console.opens(path.format(**_things(tenant)))
        found += _faults(console, name, size, scheme)
    console.page.goto(f"{console.home}/conversations/{tenant.id}")
    found += _faults(console, "error", size, scheme)
    context.clear_cookies()
    console.signs_in(house.ready["admin_api_key"])
    found += _faults(console, "house", size, scheme)
    context.close()

    assert found == []


def _things(tenant: Tenant) -> dict[str, str]:
    talk = next(one for one in tenant.get("conversations")["items"] if one["paused_reason"] == "human_replied")
    messages = tenant.get(f"messages?conversation_id={talk['id']}")["items"]
    prompt = tenant.get("prompts")["items"][0]["id"]
    lead = next(one for one in tenant.get("leads")["items"] if one["customer"]["name"] == "Amina Diallo")
    return {"lead": lead["id"], "conversation": talk["id"], "message": messages[0]["id"], "prompt": prompt}


def _faults(console: Console, name: str, size: str, scheme: str) -> list[str]:
    """What axe calls serious or critical, and whether something sticks out of the window."""
    expect(console.page.locator("h1")).to_be_visible()
    if TAKES_PICTURES and (picture := f"console-{name}-{size}-{scheme}.png") in SHOWN:
        console.page.screenshot(path=PICTURES / picture)
    violations = Axe().run(console.page).response["violations"]
    faults = [
        f"{name} {fault['id']}: {node['html']}"
        for fault in violations
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]
    wide = console.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*faults, *([f"{name} is wider than its window"] if wide else [])]

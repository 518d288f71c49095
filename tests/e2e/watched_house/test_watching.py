"""What a house tells of itself: the way of a message, how much and how long, and nothing of anybody."""

import base64
import json
import re
from typing import Any

from tests.rig.house import a_customer, call, delivery, text_message
from tests.rig.waiting import until

NAME = "Wilhelmina Quackenbush"
TEXT = "my secret is xylophone-7781"
TOKEN = "EAAplantedTokenOfNobody1234567890"


def lines(house) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]


def scraped(url: str) -> dict[str, float]:
    answer = call(url, "GET", "/metrics")
    assert answer.status == 200, answer.content
    rows = [row for row in answer.content.decode().splitlines() if not row.startswith("#")]
    return {series: float(value) for series, _, value in (row.rpartition(" ") for row in rows)}


def reported(house, tenant, sender: str) -> str:
    """Customer `sender` writes; the id of their message, once all statuses of the answer are told of."""
    tenant.receives(_named(tenant.account, text_message(sender, f"{TEXT} {sender}")))
    tenant.once(lambda messages: messages[-1]["status"] == "read", sender)
    return tenant.messages(sender)[0]["id"]


def _named(account: str, message: dict[str, Any]) -> dict[str, Any]:
    body = delivery(account, message)
    body["entry"][0]["changes"][0]["value"]["contacts"] = [{"wa_id": message["from"], "profile": {"name": NAME}}]
    return body


def test_one_search_finds_the_whole_way_of_a_message(watched):
    house = watched.house
    tenant = house.tenant()

    message_id = reported(house, tenant, a_customer())

    def way() -> list[dict[str, Any]]:
        return [line for line in lines(house) if message_id in line.get("message_ids", ())]

    until(lambda: len(way()) == 5, 10, lambda: f"{way()}")
    stored, turn, *statuses = sorted(way(), key=lambda line: ("receipts" in line, line["event"] == "turn_ended"))
    assert (stored["event"], stored["route"], stored["accepted"]) == ("request", "/webhooks/meta", 1)
    assert (turn["event"], turn["status"], turn["process"]) == ("turn_ended", "answered", "worker")
    assert turn["model_ms"] > 0
    assert turn["input_tokens"] > 0
    assert [line["receipts"] for line in statuses] == [1, 1, 1]
    (asked,) = [
        one for one in house.openai.records("response") if one.get("metadata", {}).get("message_id") == message_id
    ]
    (sent,) = tenant.sends()
    assert asked["client_request_id"].startswith(message_id)
    assert sent["callback_data"] == f"{turn['reply_id']} {message_id}"


def test_a_message_s_way_is_one_trace_over_the_processes(watched):
    tenant = watched.house.tenant()
    message_id = reported(watched.house, tenant, a_customer())

    def way() -> list[Any]:
        spans = watched.collector.spans()
        trace_ids = {span.trace_id for span in spans if span.facts.get("frontdesk.message_id") == message_id}
        return [span for span in spans if span.trace_id in trace_ids]

    until(lambda: len(way()) >= 6, 15, lambda: f"{way()}")
    by_name = {span.name: span for span in way()}
    assert len({span.trace_id for span in way()}) == 1
    assert {(span.name, span.role) for span in way()} == {
        ("message stored", "rest"),
        ("queued", "worker"),
        ("turn", "worker"),
        ("model open_conversation", "worker"),
        ("model answer", "worker"),
        ("send", "worker"),
    }
    assert by_name["turn"].parent_id == by_name["message stored"].span_id
    assert by_name["send"].parent_id == by_name["turn"].span_id


ANSWERED = 'frontdesk_turns_total{reason="",status="answered"}'


UNDER_WAY = """
select (select count(*) from turns where status = 'open')
    + (select count(*) from messages where status = 'received' and turn_id is null)
"""


def counted(house):
    """The metrics, once nothing is under way; a turn is counted behind the commit that ends it."""
    until(lambda: house.sql(UNDER_WAY) == [(0,)], 60, lambda: f"{house.sql(UNDER_WAY)}")
    ((answered,),) = house.sql("select count(*) from turns where status = 'answered'")
    until(lambda: scraped(house.ready["rest_url"]).get(ANSWERED, 0) >= answered)
    return scraped(house.ready["rest_url"])


def test_metrics_tell_of_all_processes_of_the_machine(watched):
    house = watched.house
    tenant = house.tenant()
    before = counted(house)
    for _ in range(6):
        tenant.hears("Hello", a_customer())
    tenant.settled()

    after = counted(house)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert grown[ANSWERED] == 6
    assert grown['frontdesk_sends_total{channel="whatsapp",outcome="accepted"}'] == 6
    assert grown["frontdesk_end_to_end_seconds_count"] == 6
    assert {role: after[f'frontdesk_processes{{role="{role}"}}'] for role in ("rest", "grpc", "scheduler")} == {
        "rest": 1, "grpc": 1, "scheduler": 1,
    }  # fmt: skip
    assert after['frontdesk_processes{role="worker"}'] == 2
    assert after["frontdesk_workers_alive"] == 2


def test_a_worker_that_is_killed_takes_nothing_from_what_was_counted(watched):
    house = watched.house
    tenant = house.tenant()
    tenant.hears("Hello", a_customer())
    tenant.settled()
    before = counted(house)[ANSWERED]

    for worker in house.workers():
        worker.kill()

    until(lambda: len(house.workers()) == 2, 20, house.log.read_text)
    workers = 'frontdesk_processes{role="worker"}'
    until(lambda: scraped(house.ready["rest_url"]).get(workers) == 2, 20, house.log.read_text)
    assert scraped(house.ready["rest_url"])[ANSWERED] == before


def test_the_workers_own_door_tells_of_them(watched):
    for path in ("/health/live", "/health/ready"):
        until(lambda path=path: call(watched.workers_url, "GET", path).status == 200, 20, str)
    ready = call(watched.workers_url, "GET", "/health/ready").json
    assert {name: state["status"] for name, state in ready["dependencies"].items()} == {
        "postgres": "ok", "redis": "ok", "workers": "ok",
    }  # fmt: skip
    assert 'frontdesk_processes{role="worker"}' in scraped(watched.workers_url)


def test_the_scheduler_s_own_door_tells_of_it_and_of_who_comes_after_it(watched):
    def are_well() -> bool:
        try:
            answers = [call(watched.scheduler_url, "GET", path) for path in ("/health/live", "/health/ready")]
        except OSError:
            return False
        return [answer.status for answer in answers] == [200, 200]

    until(are_well)
    ready = call(watched.scheduler_url, "GET", "/health/ready").json
    assert set(ready["dependencies"]) == {"postgres", "redis", "chores"}
    assert 'frontdesk_processes{role="scheduler"}' in scraped(watched.scheduler_url)

    watched.house.scheduler().kill()
    until(lambda: not are_well())
    until(are_well, 60)


def test_nothing_of_anybody_is_told(watched):
    house = watched.house
    tenant = house.tenant()
    tenant.change_number(access_token=TOKEN)
    sender, refused, broken = a_customer(), a_customer(), a_customer()
    house.openai.script(refused, error={"http_status": 400, "code": "bad", "message": f"{TEXT} of {refused}"})
    house.meta.script(broken, error={"http_status": 400, "code": 131026, "message": f"{broken} is {NAME}"})
    reported(house, tenant, sender)
    for each in (refused, broken):
        tenant.receives(_named(tenant.account, text_message(each, f"{TEXT} {each}")))
    tenant.settled()
    forged = json.dumps(_named(tenant.account, text_message(sender, TEXT))).encode()
    assert house.post_webhook(forged, {"X-Hub-Signature-256": "sha256=00"}).status == 403
    assert house.rest("GET", f"{tenant.path}/messages?customer={sender}", key=tenant.key).status == 200
    assert house.rest("GET", f"/users/{sender}/{TOKEN}", key=TOKEN).status in {401, 404}

    written = [line for line in house.log.read_text().splitlines() if "Admin key" not in line]  # `dev` shows it
    told = "\n".join(written) + str(scraped(house.ready["rest_url"])) + str(watched.collector.bodies)
    assert '"event":"turn_ended"' in told
    planted = [NAME, "Wilhelmina", TEXT, "xylophone", TOKEN, tenant.key, house.ready["admin_api_key"]]
    for number in (sender, refused, broken):
        encoded = [base64.b64encode(b"\x00" * pad + number.encode()).decode()[4:-4] for pad in range(3)]
        planted += [number, f"+{number}", *encoded]
    assert [each for each in planted if each in told] == []


def test_every_line_is_json_with_the_same_facts(watched):
    ours = [line for line in watched.house.log.read_text().splitlines() if re.match(r"^\{", line)]
    assert ours
    for line in map(json.loads, ours):
        assert {"event", "level", "timestamp", "process"} <= set(line)

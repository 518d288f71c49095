"""What platforms, models and money do to a business: the fault, the alert, its end. Days are skipped, no fault is."""

import secrets

from tests.e2e.alarmed_house.alarms import ends, opens, restart_scheduler
from tests.rig.house import a_customer, account_news, delivery, text_message
from tests.rig.waiting import until


def test_an_account_that_meta_bans_is_told_of_until_it_is_reinstated(tenant):
    business = secrets.token_hex(8)
    tenant.receives(delivery(tenant.account, text_message(a_customer(), "Hello"), business=business))
    tenant.settled()
    banned, back = ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": to}} for to in ("DISABLE", "REINSTATE"))

    tenant.receives(account_news(business, account_update=banned))
    opens(tenant, "channel_restricted")
    tenant.receives(account_news(business, account_update=back))

    ends(tenant, "channel_restricted")


def test_a_token_that_ends_soon_is_told_of_until_a_new_one_is_set(alarmed):
    tenant = alarmed.tenant(channel="instagram")
    alarmed.sql("update phone_numbers set token_set_at = now() - interval '51 days' where user_id = %s", tenant.id)
    with alarmed.meta.turned(token_days=2):
        restart_scheduler(alarmed)  # it renews once an hour; what Meta gives now lasts two days
        opens(tenant, "token_ending")

    tenant.change_number(access_token="a-new-one")

    ends(tenant, "token_ending")


def test_a_send_whose_fate_nobody_knows_is_told_of_until_meta_tells_it(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, error={"http_status": 500, "code": 131000, "message": "Something went wrong"})
    tenant.hears("Hello", sender)
    opens(tenant, "send_undecided")
    reply = tenant.messages()[-1]

    body = delivery(tenant.account)
    word = {"id": "wamid.told-later", "recipient_id": "1", "status": "delivered", "timestamp": "1750000000"}
    body["entry"][0]["changes"][0]["value"]["statuses"] = [{**word, "biz_opaque_callback_data": reply["id"]}]
    tenant.receives(body)

    ends(tenant, "send_undecided")
    assert tenant.statuses() == ["answered", "delivered"]


def test_a_request_that_meta_calls_wrong_is_told_of_until_a_later_one_is_taken(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, error={"http_status": 400, "code": 131009, "message": "Not valid"})
    tenant.hears("Hello", sender)
    opens(tenant, "request_refused")

    tenant.hears("Hello again", sender)

    ends(tenant, "request_refused")


def test_messages_that_wait_for_credits_are_told_of_until_there_are_some(alarmed):
    tenant = alarmed.tenant(credits=0)
    tenant.hears("Hello", a_customer())
    opens(tenant, "credits_exhausted")

    tenant.make("credits/add", {"amount": 10})

    ends(tenant, "credits_exhausted")
    tenant.settled()
    assert tenant.statuses()[0] == "answered"


def test_conversations_that_cannot_be_read_are_told_of_until_one_is_read(alarmed, tenant):
    for number in range(3):
        tenant.hears(f"Hello #{number}", a_customer())
    tenant.settled()
    alarmed.openai.script("Hello #", kind="structured", times=9, refusal="I would rather not.")
    conversations = [each["id"] for each in tenant.get("conversations")["items"]]
    for conversation in conversations:
        extract(tenant, conversation)

    def have_failed():
        alarmed.sql("update extractions set due_at = now() where user_id = %s and status = 'pending'", tenant.id)
        return [run["status"] for run in tenant.get("extractions")["items"]] == ["failed"] * 3

    until(have_failed, 60)
    opens(tenant, "extractions_failing")
    extract(tenant, conversations[0])

    ends(tenant, "extractions_failing")


def extract(tenant, conversation_id):
    answer = tenant.house.rest("POST", f"{tenant.path}/conversations/{conversation_id}/extract", key=tenant.key)
    assert answer.status == 202, answer.content


def test_a_model_that_is_shut_down_is_told_of_until_the_prompt_names_another(alarmed, tenant):
    (agent,) = tenant.get("agents")["items"]
    path = f"prompts/{agent['prompt_id']}/versions"
    tenant.make(path, {"instructions": "Answer.", "model": "gpt-of-old"})
    with alarmed.openai.turned(shutdown_dates={"gpt-of-old": "2030-01-01"}):
        restart_scheduler(alarmed)  # it asks once a day
        opens(tenant, "model_ending")

        tenant.make(path, {"instructions": "Answer.", "model": "gpt-5.5"})
        restart_scheduler(alarmed)  # it looks every few minutes

        ends(tenant, "model_ending")


def test_what_is_wrong_with_a_phone_number_has_ended_when_it_is_removed(tenant):
    machine, customer = a_customer(), a_customer()
    for replies in range(1, 10):
        tenant.hears("I am out of office.", machine)
        tenant.once(lambda found, replies=replies: [e["status"] for e in found].count("answered") == replies)
    tenant.hears("I am out of office.", machine)
    opens(tenant, "auto_replier")
    tenant.house.meta.script(customer, error={"http_status": 403, "code": 131031, "message": "Locked"})
    tenant.hears("Hello", customer)
    opens(tenant, "auto_replier", "channel_parked")

    path = f"{tenant.path}/phone_numbers/{tenant.number()['id']}"
    assert tenant.house.rest("DELETE", path, key=tenant.key).status == 204

    ends(tenant, "auto_replier", "channel_parked")

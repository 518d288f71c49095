"""Every sample of a delivery, through the whole house: stored once, answered once where it can be, and no more."""

import csv
import json
import secrets
from pathlib import Path

import pytest

PAYLOADS = Path(__file__).parents[2] / "payloads"
NOT_ANSWERED = ("reaction", "system", "unsupported", "unknown", "edit", "revoke")


def _samples():
    for folder in ("meta", "simulators"):
        with (PAYLOADS / folder / "index.tsv").open() as index:
            for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row | {"path": PAYLOADS / folder / row["file"]}


SAMPLES = {Path(row["file"]).stem: row for row in _samples()}


class Played:
    """A sample on a phone number of its own, as Meta would have delivered it there."""

    def __init__(self, house, sample):
        account = "".join(secrets.choice("123456789") for _ in range(15))
        body = json.loads(sample["path"].read_text())
        _readdress(body, sample["business_ids"], account)
        self.body = json.dumps(body).encode()
        self.tenant = house.tenant(account=account, channel=sample["channel"])
        self.statuses = []

    def post(self):
        self.statuses.append(self.tenant.house.deliver(self.body).status)

    def look(self):
        """Everything that may not change: messages, conversations, sends, credits."""
        self.tenant.settled()
        return (
            [(each["id"], each["sequence_number"], each["status"], each["text"]) for each in self.tenant.messages()],
            [each["id"] for each in self.tenant.get("conversations")["items"]],
            [each["platform_message_id"] for each in self.tenant.sends()],
            self.tenant.credits(),
            len(self.tenant.get(f"phone_numbers/{self.tenant.number()['id']}/notices")["items"]),
        )


@pytest.fixture(scope="module")
def played(house):
    """Each posted once; then, when all is answered, all twice more in reverse order, with no quick filter to help."""
    plays = {name: Played(house, sample) for name, sample in SAMPLES.items()}
    with house.meta.turned(statuses=[]):
        for each in plays.values():
            each.post()
        for each in plays.values():
            each.before = each.look()
        for _ in range(2):
            _forget_what_was_seen(house)
            for each in reversed(plays.values()):
                each.post()
        for each in plays.values():
            each.after = each.look()
    return plays


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_stored_once_and_answered_once_where_it_can_be(played, name):
    sample, play = SAMPLES[name], played[name]
    messages = play.tenant.messages()
    inbound = [each for each in messages if each["direction"] == "inbound"]
    by_agent = [each for each in messages if each["author"] == "agent"]
    by_people = [each for each in messages if each["author"] == "human"]
    is_ours = sample["object"] != "page"
    answered = int(sample["n_content_messages"]) * is_ours

    assert play.statuses == [200] * 3
    assert len(inbound) == (int(sample["n_inbound_messages"]) + int(sample["n_system"])) * is_ours
    assert len(by_people) == int(sample["n_echoes"])
    assert [each["type"] in NOT_ANSWERED for each in inbound].count(False) == answered
    assert [each["status"] for each in inbound].count("answered") == answered
    assert len(by_agent) == len(play.tenant.sends()) == answered
    assert play.tenant.credits() == (1_000 - answered, 0)
    assert play.after == play.before


def _forget_what_was_seen(house):
    redis = house.redis()
    for key in redis.scan_iter("seen:*"):
        redis.delete(key)


def _readdress(node, business, account):
    """Give the phone number another id wherever Meta names it; a customer who is called the same keeps the name."""
    for entry in node["entry"]:
        for change in entry.get("changes", ()):
            if "metadata" in change["value"]:
                change["value"]["metadata"]["phone_number_id"] = account
        if node["object"] != "whatsapp_business_account":
            entry["id"] = account
        for event in (*entry.get("messaging", ()), *entry.get("standby", ())):
            for end in ("sender", "recipient"):
                if event[end]["id"] == business:
                    event[end]["id"] = account

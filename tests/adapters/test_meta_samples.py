"""Every sample says what its label says; where we read it differently, the table says why."""

from pathlib import Path

import pytest

from domain.channels import Delivery
from tests.adapters.deliveries import read_body, samples

SAMPLES = samples()
LABELS = ("n_inbound_messages", "n_distinct_message_ids", "n_status_or_receipt", "n_system", "n_echoes")

MESSENGER = {"n_inbound_messages": 0, "n_distinct_message_ids": 0, "customer_ids": "", "texts": ""}
WE_DIFFER = {
    "text__restfb-restfb__messenger-message-basic": MESSENGER,  # Messenger is no channel of ours
    # The labels know the texts of texts only; ours are also captions and what a button said.
    "button_reply__facebook-openapi__button-message": {"texts": "Unsubscribe"},
    "interactive_list_reply_reply__facebook-openapi__interactive-list-reply-message": {
        "texts": "Priority Mail Express"
    },
    "interactive_button_reply_reply__facebook-openapi__interactive-button-reply-message": {"texts": "Cancel"},
    "image__WhatsApp-WhatsApp-Flows-Tools__received-media-message-with-image": {"texts": "This is a caption"},
    "video_forwarded__david-lev-pywa__message-video": {"texts": "caption"},
    "document_forwarded__david-lev-pywa__message-document": {"texts": "caption"},
}

TYPES = {
    "(no type:location)": "location",
    "att:ephemeral": "ephemeral",
    "message+unsupported": "unsupported",
    "audio.voice": "audio",
}
NOTICES = {
    "field:account_update": "account_update",
    "field:message_template_status_update": "message_template_status_update",
    "change:comments": "comments",
    "reaction": "reaction",
    "referral": "referral",
}


def _counts(delivery: Delivery) -> dict[str, int]:
    system = [one for one in delivery.messages if one.type == "system"]
    return {
        "n_inbound_messages": len(delivery.messages) - len(system),
        "n_distinct_message_ids": len({one.platform_message_id for one in delivery.messages}),
        "n_status_or_receipt": len(delivery.receipts),
        "n_system": len(system),
        "n_echoes": len(delivery.echoes),
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda row: row["file"])
def test_every_sample_holds_what_its_label_says(sample: dict[str, str]) -> None:
    said = sample | WE_DIFFER.get(Path(sample["file"]).stem, {})

    delivery = read_body(Path(sample["path"]).read_bytes())

    assert delivery.unreadable == 0
    assert _counts(delivery) == {label: int(said[label]) for label in LABELS}
    assert ",".join({one.address for one in delivery.messages}) == said["customer_ids"]
    assert ",".join(one.text or "" for one in delivery.messages) == said["texts"]
    written = [*delivery.messages, *delivery.receipts, *delivery.echoes, *delivery.changes, *delivery.moves]
    assert {one.account for one in written} <= {said["business_ids"]}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda row: row["file"])
def test_every_sample_is_of_the_kind_its_label_says(sample: dict[str, str]) -> None:
    kinds = sample["kinds"]
    if sample["object"] == "page":
        pytest.skip("Messenger is no channel of ours.")

    delivery = read_body(Path(sample["path"]).read_bytes())

    first = TYPES.get(kinds) or kinds.split("+")[0].split(".")[0]
    assert {one.type for one in delivery.messages} <= {first}
    notices = [NOTICES[kinds]] if kinds in NOTICES and not delivery.messages else []
    assert [one.field for one in delivery.notices] == notices
    assert len(delivery.moves) == ("changed_number" in kinds or "user_id_update" in kinds)
    assert len(delivery.changes) == (kinds == "deleted")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda row: row["file"])
def test_every_sample_tells_when_it_happened(sample: dict[str, str]) -> None:
    delivery = read_body(Path(sample["path"]).read_bytes())
    if b"TIMESTAMP" in Path(sample["path"]).read_bytes():
        pytest.skip("Its time is a placeholder.")

    times = [one.written_at for one in (*delivery.messages, *delivery.echoes)]
    times += [one.at for one in (*delivery.receipts, *delivery.changes, *delivery.moves, *delivery.notices)]

    assert all(2016 < time.year < 2030 for time in times)

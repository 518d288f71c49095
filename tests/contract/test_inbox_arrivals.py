"""What comes with messages and beside them: files, STOP and START, echoes, changes, notices."""

import asyncio
from datetime import timedelta

import pytest

from application.ports.inbox import Acceptance, ChangeOutcome, EchoOutcome
from domain.channels import Change, Echo, Medium, MediumKind
from domain.credits import EntryKind
from domain.delivery import Accepted, Ambiguous
from tests.builders import a_phone_number, an_id
from tests.contract.kept import Kept
from tests.contract.paths import Path, Shop, a_reply, a_text
from tests.fakes.clock import MONDAY_MORNING

STOPPED = ("unanswerable", "customer_opted_out")
WAITS = ("received", None)
PAUSED = ("received", "conversation_paused")
PHOTO = Medium(MediumKind.IMAGE, platform_id="m1", mime_type="image/jpeg", sha256="00ff", filename="cake.jpg")


def _later(seconds: float):
    return MONDAY_MORNING + timedelta(seconds=seconds)


def an_echo(shop: Shop, **fields) -> Echo:
    defaults = {
        "channel": shop.number.type,
        "account": shop.number.meta_phone_number_id,
        "address": "4917012345",
        "platform_message_id": "wamid.echo",
        "type": "text",
        "text": "I am here myself.",
        "written_at": _later(60),
    }
    return Echo(**defaults | fields)


def a_change(shop: Shop, text: str | None, seconds: float = 1, mid: str = "wamid.changed") -> Change:
    return Change(shop.number.type, shop.number.meta_phone_number_id, mid, text, _later(seconds))


async def _says(path: Path, shop: Shop, *texts: str) -> list[tuple[str, str | None]]:
    """What becomes of these, which come in one batch."""
    stored = await path.inbox.accept([a_text(shop.number, text=text) for text in texts])
    outcome = await path.outcome(shop, stored[0].conversation_id)
    assert [place.waits for place in stored] == [one == WAITS for one in outcome[-len(texts) :]]
    return outcome[-len(texts) :]


# --- what comes with a message


async def test_files_and_content_are_kept_with_their_message_once(path: Path) -> None:
    shop = await path.a_shop()
    content = {"forwarded": "once", "reply_to": {"id": "wamid.0"}, "odd": "\x00"}
    photo = a_text(shop.number, type="image", text=None, media=(PHOTO, PHOTO), content=content, business="waba")

    first, _ = [await path.inbox.accept([photo]), await path.inbox.accept([photo])]

    assert first[0].waits
    name = photo.platform_message_id
    row = ("image", "m1", "image/jpeg", "pending")
    assert await Kept(path, shop).media() == [(name, 0, *row), (name, 1, *row)]
    assert (await Kept(path, shop).contents())[name]["forwarded"] == "once"
    assert await Kept(path, shop).business() == "waba"


async def test_unclaimed_messages_keep_all_that_came_with_them(path: Path) -> None:
    number = a_phone_number(an_id(), meta_phone_number_id="later")
    photo = a_text(
        number,
        type="image",
        text="Look",
        media=(PHOTO,),
        content={"forwarded": "often"},
        aliases=("DE.1",),
        username="kim",
        business="waba",
    )
    shown = a_text(number, is_standby=True)
    await path.inbox.accept([photo, shown])
    shop = await path.a_shop(meta_phone_number_id="later")

    claimed = await path.inbox.claim_unclaimed(10)

    assert [place.waits for place in claimed] == [True, False]
    kept = Kept(path, shop)
    assert [row[2:5] for row in await kept.media()] == [("image", "m1", "image/jpeg")]
    assert await kept.contents() == {photo.platform_message_id: {"forwarded": "often"}}
    (known,) = await kept.customers()
    assert (known.username, known.aliases) == ("kim", ("4917012345", "DE.1"))
    assert [one.reason for one in await path.messages(shop)] == [None, "in_standby"]


async def test_what_the_store_refuses_fails_no_neighbour(path: Path, request) -> None:
    if "postgres" not in request.node.callspec.id:
        pytest.skip("a fake takes everything")
    shop = await path.a_shop()

    good = path.inbox.accept([a_text(shop.number, text="good")])
    bad = path.inbox.accept([a_text(shop.number, address="x" * 201)])
    first, refused, last = await asyncio.gather(
        good, bad, path.inbox.accept([a_text(shop.number, text="last")]), return_exceptions=True
    )

    assert isinstance(refused, Exception)
    assert (first[0].acceptance, last[0].acceptance) == (Acceptance.ACCEPTED, Acceptance.ACCEPTED)


# --- STOP and START


async def test_after_stop_nothing_is_answered_until_start(path: Path) -> None:
    shop = await path.a_shop()

    assert await _says(path, shop, "Hello") == [WAITS]
    assert await _says(path, shop, "Stop!", "Hello?") == [STOPPED, STOPPED]
    assert await _says(path, shop, "START", "Hello again") == [WAITS, WAITS]
    assert await Kept(path, shop).consents() == ["stop", "start"]


async def test_what_still_waits_when_somebody_says_stop_is_given_up(path: Path) -> None:
    shop = await path.a_shop()
    (hello,) = await path.inbox.accept([a_text(shop.number, text="Hello")])
    (elsewhere,) = await path.inbox.accept([a_text(shop.number, address="4930555", text="Hello")])

    await path.inbox.accept([a_text(shop.number, text="And"), a_text(shop.number, text="stop")])

    assert await path.outcome(shop, hello.conversation_id) == [STOPPED] * 3
    assert await path.outcome(shop, elsewhere.conversation_id) == [WAITS]


async def test_stop_and_start_are_heard_in_one_batch(path: Path) -> None:
    shop = await path.a_shop()

    assert await _says(path, shop, "STOP", "hello", "start", "hello") == [STOPPED, STOPPED, WAITS, WAITS]
    assert await _says(path, shop, "start") == [WAITS]
    assert await Kept(path, shop).consents() == ["stop", "start"]


async def test_a_stop_that_comes_again_stops_nobody_anew(path: Path) -> None:
    shop = await path.a_shop()
    stop = a_text(shop.number, text="stop")
    await path.inbox.accept([stop, a_text(shop.number, text="start")])

    await path.inbox.accept([stop])

    assert await _says(path, shop, "Hello") == [WAITS]


async def test_each_phone_number_has_its_own_consents_and_words(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    await Kept(path, shop).behaves(stop_words=("schluss jetzt",), start_words=("los",))

    assert await _says(path, shop, "Schluss jetzt!", "los?") == [STOPPED, WAITS]
    assert await _says(path, other, "Schluss jetzt!") == [WAITS]


async def test_a_phone_number_that_does_not_hear_stop_answers_it(path: Path) -> None:
    shop = await path.a_shop()
    await _says(path, shop, "stop")

    await Kept(path, shop).behaves(hears_stop=False)

    assert await _says(path, shop, "stop", "hello") == [WAITS, WAITS]


# --- echoes


async def test_a_persons_reply_is_stored_once_and_pauses_the_conversation(path: Path) -> None:
    shop = await path.a_shop()
    conversation = await path.writes(shop)
    echo = an_echo(shop)

    outcomes = [*await path.inbox.note_echoes([echo, echo]), *await path.inbox.note_echoes([echo])]

    assert outcomes == [EchoOutcome.HUMAN, EchoOutcome.KNOWN, EchoOutcome.KNOWN]
    question, reply = await path.messages(shop, conversation)
    assert (question.status, question.reason) == ("unanswerable", "human_answered")
    assert (reply.author, reply.status, reply.text, reply.sequence_number) == ("human", "sent", echo.text, 2)
    assert await Kept(path, shop).pauses() == ["human_replied"]
    (stored,) = await path.inbox.accept([a_text(shop.number, written_at=_later(61))])
    assert not stored.waits
    assert (await path.outcome(shop, conversation))[-1] == PAUSED


async def test_a_reply_that_comes_before_its_question_has_answered_it(path: Path) -> None:
    shop = await path.a_shop()
    await path.inbox.note_echoes([an_echo(shop)])

    assert await _says(path, shop, "Are you open?") == [("unanswerable", "human_answered")]


async def test_a_reply_answers_nothing_that_was_written_after_it(path: Path) -> None:
    shop = await path.a_shop()
    conversation = await path.writes(shop, written_at=_later(61))

    await path.inbox.note_echoes([an_echo(shop)])

    assert (await path.outcome(shop, conversation))[0] == WAITS


@pytest.mark.parametrize(("first", "status"), [("echo", PAUSED), ("question", ("unanswerable", "human_answered"))])
async def test_within_one_second_what_arrived_first_was_first(path: Path, first: str, status: object) -> None:
    shop = await path.a_shop()
    if first == "echo":
        await path.inbox.note_echoes([an_echo(shop)])
    conversation = await path.writes(shop, written_at=_later(60))
    if first == "question":
        await path.inbox.note_echoes([an_echo(shop)])

    messages = await path.messages(shop, conversation)
    assert [(each.status, each.reason) for each in messages if each.author == "customer"] == [status]


async def test_no_minutes_of_pause_are_no_pause(path: Path) -> None:
    shop = await path.a_shop()
    await Kept(path, shop).behaves(human_pause_minutes=0)

    await path.inbox.note_echoes([an_echo(shop)])

    assert await Kept(path, shop).pauses() == []


@pytest.mark.parametrize("is_ours", [True, None])
async def test_an_echo_of_what_may_have_been_sent_decides_it(path: Path, is_ours) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.settles(turn, Ambiguous({"detail": "cut"}))
    echo = an_echo(shop, text=reply.parts[0].text, is_ours=is_ours)

    outcomes = [*await path.inbox.note_echoes([echo]), *await path.inbox.note_echoes([echo])]

    assert outcomes == [EchoOutcome.OURS, EchoOutcome.KNOWN]
    assert await path.outcome(shop, turn.conversation_id) == [("answered", None), ("sent", None)]
    assert (await path.messages(shop))[1].platform_message_id == "wamid.echo"
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.CAPTURE]
    assert await Kept(path, shop).pauses() == []


async def test_an_echo_before_the_answer_to_our_send_is_ours(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)

    await path.inbox.note_echoes([an_echo(shop, text=reply.parts[0].text)])
    await worker.settles(turn, Accepted("wamid.echo"))

    assert await path.outcome(shop, turn.conversation_id) == [("answered", None), ("sent", None)]
    assert await Kept(path, shop).pauses() == []


async def test_an_echo_of_ours_that_nobody_remembers_is_nobodys(path: Path) -> None:
    shop = await path.a_shop()

    assert list(await path.inbox.note_echoes([an_echo(shop, is_ours=True)])) == [EchoOutcome.OURS]

    assert await path.messages(shop) == []
    assert await Kept(path, shop).customers() == []


async def test_an_echo_of_a_stranger_phone_number_is_unclaimed(path: Path) -> None:
    shop = await path.a_shop()

    assert list(await path.inbox.note_echoes([an_echo(shop, account="?")])) == [EchoOutcome.UNCLAIMED]


# --- changes


async def test_an_edit_before_the_answer_is_what_is_heard(path: Path) -> None:
    shop = await path.a_shop()
    conversation = await path.writes(shop, platform_message_id="wamid.changed", text="first")

    outcomes = await path.inbox.note_changes([a_change(shop, "third", 2), a_change(shop, "second", 1)])

    assert list(outcomes) == [ChangeOutcome.APPLIED, ChangeOutcome.OLD]
    turn = await (await path.a_worker()).begins(conversation)
    assert [question.text for question in turn.questions] == ["third"]
    assert "edited_at" in (await Kept(path, shop).contents())["wamid.changed"]


async def test_of_what_was_taken_back_nothing_is_left(path: Path) -> None:
    shop = await path.a_shop()
    content = {"location": {"latitude": 1, "longitude": 2}}
    named = {"platform_message_id": "wamid.changed", "type": "image", "media": (PHOTO,), "content": content}
    conversation = await path.writes(shop, **named)

    outcomes = [*await path.inbox.note_changes([a_change(shop, None)] * 2)]
    outcomes += await path.inbox.note_changes([a_change(shop, "back again", 9)])

    assert outcomes == [ChangeOutcome.APPLIED, ChangeOutcome.OLD, ChangeOutcome.OLD]
    (message,) = await path.messages(shop, conversation)
    assert (message.text, message.type, message.reason) == (None, "image", "taken_back")
    assert await Kept(path, shop).media() == []
    assert list((await Kept(path, shop).contents())["wamid.changed"]) == ["taken_back_at"]


async def test_what_was_answered_before_it_was_taken_back_stays_answered(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop, platform_message_id="wamid.changed"))
    await worker.answers(turn)

    await path.inbox.note_changes([a_change(shop, None)])

    assert (await path.outcome(shop, turn.conversation_id))[0] == ("answered", None)
    assert (await path.messages(shop))[0].text is None


@pytest.mark.parametrize(
    ("texts", "left", "outcome"),
    [
        (("second", "third"), "third", WAITS),
        (("second", None, "third"), None, ("unanswerable", "taken_back")),
    ],
)
async def test_a_change_that_comes_before_its_message_is_kept_for_it(path: Path, texts, left, outcome) -> None:
    shop = await path.a_shop()
    for seconds, text in enumerate(texts, 1):
        await path.inbox.note_changes([a_change(shop, text, seconds)])

    (stored,) = await path.inbox.accept([a_text(shop.number, platform_message_id="wamid.changed", media=(PHOTO,))])

    assert stored.waits == (outcome == WAITS)
    (message,) = await path.messages(shop)
    assert (message.text, (message.status, message.reason)) == (left, outcome)
    assert len(await Kept(path, shop).media()) == (left is not None)
    assert list(await path.inbox.note_changes([a_change(shop, texts[-1], len(texts))])) == [ChangeOutcome.OLD]


async def test_a_change_that_comes_with_its_message_is_never_missed(path: Path) -> None:
    shop = await path.a_shop()
    names = [f"wamid.{place}" for place in range(12)]

    await asyncio.gather(
        *(path.new_inbox().accept([a_text(shop.number, platform_message_id=name)]) for name in names),
        *(path.new_inbox().note_changes([a_change(shop, "changed", 1, name)]) for name in names),
    )

    assert {message.text for message in await path.messages(shop)} == {"changed"}

"""What a turn's questions become for the model: words, files, and words in place of files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from application.channels.fetch_media import IN_TURN_SECONDS_MAX, DeleteMedia, FetchMedia
from application.conversations.asking import Asking
from application.ports.briefings import Briefing
from application.ports.language_model import SHOWN_BYTES_MAX, Asked
from domain.channels import ChannelSettings, ChannelType, Medium, MediumKind
from domain.conversations import Question, Turn
from domain.media import MissingReason, Unfetchable
from domain.windows import Heard
from tests.builders import a_conversation, a_message, a_voice, an_id
from tests.contract.worlds import World, memory_world
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.content_store import MemoryContentStore
from tests.fakes.media import ToldFetcher


@dataclass
class Desk:
    world: World = field(default_factory=memory_world)
    content: MemoryContentStore = field(default_factory=MemoryContentStore)
    questions: list[Question] = field(default_factory=list)
    channel: ChannelType = ChannelType.WHATSAPP
    sentence: str | None = None

    def __post_init__(self) -> None:
        self.fetcher = ToldFetcher(self.content)
        self.fetch = FetchMedia(self.world.media, self.fetcher)
        self.asking = Asking(self.world.media, self.content, self.fetch)

    async def open(self) -> None:
        self.user = await self.world.has_user()
        self.number = await self.world.has_phone_number(self.user)
        self.conversation = a_conversation(self.number.id)

    async def hears(self, text: str | None, *media: Medium, type_: str = "image", age_seconds: float = 60) -> Question:
        message = a_message(self.conversation, type=type_, text=text, sequence_number=len(self.questions) + 1)
        await self.world.backstage.keep(self.conversation, message)
        for place, medium in enumerate(media):
            await self.world.backstage.bring(message, medium, place, age_seconds)
        question = Question(message.id, message.sequence_number, None, text, type_, None)
        self.questions.append(question)
        return question

    async def asked(self) -> tuple[Asked, ...]:
        ids = (an_id(), 1, self.user.id, self.conversation.id, self.number.id, an_id())
        turn = Turn(*ids, "49170", None, tuple(self.questions), (), 1, 0, None, Heard(1, MONDAY_MORNING))
        settings = ChannelSettings(unreadable_sentence=self.sentence)
        briefing = Briefing("prm_1", 1, a_voice(), self.channel, "42", "EAAG", settings)
        return await self.asking.asked(turn, briefing)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.open()
    return desk


def a_file(id_: str, kind: MediumKind = MediumKind.IMAGE, **fields) -> Medium:
    return replace(Medium(kind, id_), **fields)


async def test_words_alone_are_asked_as_they_are_and_nothing_is_looked_up(desk: Desk) -> None:
    await desk.hears("Open?", type_="text")
    desk.asking = replace(desk.asking, media=None)  # type: ignore[arg-type]
    assert await desk.asked() == (Asked("Open?"),)


async def test_all_files_of_the_turn_are_fetched_at_once_and_images_shown(desk: Desk) -> None:
    desk.fetcher.files = {"1": ("image/png", b"one"), "2": ("image/webp", b"two")}
    await desk.hears("This?", a_file("1"))
    await desk.hears(None, a_file("2", MediumKind.STICKER), type_="sticker")
    first, second = await desk.asked()
    assert first.text == "This?\n[The customer sent an image.]"
    assert [(one.kind, one.mime_type, one.content) for one in first.shown] == [(MediumKind.IMAGE, "image/png", b"one")]
    assert [one.content for one in second.shown] == [b"two"]
    assert [seconds for _, seconds in desk.fetcher.asked] == [IN_TURN_SECONDS_MAX] * 2


async def test_what_is_kept_already_is_not_fetched_again(desk: Desk) -> None:
    desk.fetcher.files = {"1": ("image/png", b"one")}
    await desk.hears("This?", a_file("1"))
    assert await desk.asked() == await desk.asked()
    assert len(desk.fetcher.asked) == 1


async def test_documents_are_shown_and_sound_is_told(desk: Desk) -> None:
    desk.fetcher.files = {
        "1": ("application/pdf", b"%PDF"),
        "2": ("audio/ogg", b"Ogg"),
        "3": ("application/zip", b"PK"),
    }
    document = a_file("1", MediumKind.DOCUMENT, filename="../menu.pdf")
    await desk.hears(None, document, a_file("2", MediumKind.VOICE), a_file("3", MediumKind.DOCUMENT), type_="document")
    (asked,) = await desk.asked()
    assert [(one.filename, one.mime_type) for one in asked.shown] == [("menu.pdf", "application/pdf")]
    assert [note.partition(".")[0] for note in asked.notes] == [
        "[The customer sent a voice message",
        "[The customer sent a document",
    ]


async def test_the_business_says_what_is_said_of_what_cannot_be_shown(desk: Desk) -> None:
    desk.fetcher.files, desk.sentence = {"1": ("audio/ogg", b"Ogg")}, "Ask for a text."
    await desk.hears(None, a_file("1", MediumKind.VOICE), type_="voice")
    (asked,) = await desk.asked()
    assert asked.notes == ("[The customer sent a voice message. Ask for a text.]",)


@pytest.mark.parametrize("trouble", ["later", "gone", "store out", "content lost"])
async def test_a_file_that_cannot_be_had_never_costs_the_answer(desk: Desk, trouble: str) -> None:
    await desk.hears("This?", a_file("1"))
    if trouble == "gone":
        desk.fetcher.otherwise = Unfetchable(MissingReason.GONE)
    if trouble in {"store out", "content lost"}:
        desk.fetcher.files = {"1": ("image/png", b"one")}
        await desk.asked()
        desk.content.kept.clear()
        desk.content.is_out = trouble == "store out"
    (asked,) = await desk.asked()
    assert asked.text == "This?\n[The customer sent an image.]"
    assert asked.shown == ()
    assert "could not be fetched" in asked.notes[0]


async def test_the_words_are_the_same_whatever_became_of_the_file(desk: Desk) -> None:
    await desk.hears(None, a_file("1"))
    (missing,) = await desk.asked()
    desk.fetcher.files = {"1": ("image/png", b"one")}
    (kept,) = await desk.asked()
    assert (missing.text, missing.shown) == (kept.text, ())
    assert kept.shown


async def test_more_than_fits_into_one_turn_is_told(desk: Desk) -> None:
    half = bytes(SHOWN_BYTES_MAX // 2 - 10)
    desk.fetcher.files = dict.fromkeys("123", ("application/pdf", half)) | {"4": ("image/png", b"x")}
    await desk.hears(None, *(a_file(id_, MediumKind.DOCUMENT) for id_ in "12"), type_="document")
    await desk.hears(None, a_file("3", MediumKind.DOCUMENT), a_file("4"), type_="document")
    first, second = await desk.asked()
    assert ([len(one.content) for one in first.shown], first.notes) == ([len(half)] * 2, ())
    assert [one.content for one in second.shown] == [b"x"]
    assert len(second.notes) == 1


@pytest.mark.parametrize(
    ("mime_type", "content"), [("image/png", b""), ("image/png", bytes(16 * 1024 * 1024)), ("image/heic", b"x")]
)
async def test_an_image_that_the_model_cannot_take_is_told(desk: Desk, mime_type: str, content: bytes) -> None:
    desk.fetcher.files = {"1": (mime_type, content)}
    await desk.hears(None, a_file("1"))
    (asked,) = await desk.asked()
    assert (asked.shown, len(asked.notes)) == ((), 1)


async def test_on_instagram_a_text_may_bring_files_too(desk: Desk) -> None:
    desk.fetcher.files = {"1": ("image/png", b"one")}
    await desk.hears("This?", a_file("1"), type_="text")
    assert (await desk.asked())[0].shown == ()
    desk.channel = ChannelType.INSTAGRAM
    assert len((await desk.asked())[0].shown) == 1


async def test_what_no_turn_asks_for_is_fetched_in_passing_and_deleted_with_its_message(desk: Desk) -> None:
    desk.fetcher.files = {"1": ("image/png", b"one"), "2": ("image/png", b"two")}
    await desk.hears(None, a_file("1"))
    await desk.hears(None, a_file("2"), age_seconds=1)
    assert [await desk.fetch.waiting(), await desk.fetch.waiting()] == [1, 0]
    assert list(desk.content.kept.values()) == [b"one"]

    delete = DeleteMedia(desk.world.media, desk.content)
    assert await delete() == 0
    await desk.world.users.erase(desk.user.id)
    assert await delete() == 1
    assert desk.content.kept == {}

# ruff: noqa: RUF001 - letters of all the world
"""Long texts cut into messages: within the limit, at the best places, nothing lost."""

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.channels.wording import instagram_texts, whatsapp_texts

SENTENCE = "We are open until six today and until four on Sundays. "
FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇦🇷"
BYTES_MAX = 1_000


def _bytes(text: str) -> int:
    return len(text.encode())


def _bare(text: str) -> str:
    return "".join(text.split())


def _filled(piece: str, bytes_: int) -> str:
    """The piece again and again, as often as fits."""
    return piece * (bytes_ // _bytes(piece))


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        # A paragraph, where it makes no more messages than a sentence that ends later.
        (f"{_filled(SENTENCE, 600).strip()}\n\n{_filled(SENTENCE, 600).strip()}", ("Sundays.", "Sundays.")),
        (f"{'a' * 700}\n{'b' * 600}", ("a", "b")),
        (_filled(SENTENCE, 1_900).strip(), ("Sundays.", "Sundays.")),
        (_filled("هل أنتم مفتوحون اليوم؟ ", 1_800).strip(), ("؟", "؟")),
        (_filled("ہم آج کھلے ہیں۔ ", 1_800).strip(), ("۔", "۔")),
        (_filled("हम आज खुले हैं। ", 1_800).strip(), ("।", "।")),
        (_filled("今日は六時まで営業しています。", 1_800), ("。", "。")),
        (_filled("今天开门吗？是的！", 1_800), ("！", "！")),
        (_filled("วันนี้เราเปิดถึงหกโมงเย็นค่ะ ", 1_800).strip(), ("ค่ะ", "ค่ะ")),
        (f"{_filled('Is it? ', 990)}{_filled('It is! ', 900).strip()}", ("is!", "is!")),
        (_filled("endless ", 1_800).strip(), ("endless", "endless")),
    ],
    ids=["paragraph", "line", "English", "Arabic", "Urdu", "Hindi", "Japanese", "Chinese", "Thai", "mixed", "words"],
)
def test_a_text_is_cut_where_a_reader_would_pause(text: str, ends: tuple[str, ...]) -> None:
    parts = instagram_texts(text)

    assert len(parts) == len(ends)
    assert all(part.endswith(end) for part, end in zip(parts, ends, strict=True)), parts
    assert all(_bytes(part) <= BYTES_MAX for part in parts)
    assert _bare("".join(parts)) == _bare(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{'a' * 970} z. B. am 3. Mai um acht Uhr morgens",
        f"{'a' * 970} see p. forty and so on and on and on",
    ],
)
def test_a_full_stop_that_ends_no_sentence_is_a_pause_like_any_word(text: str) -> None:
    first, _ = instagram_texts(text)

    assert not first.endswith(".")


@pytest.mark.parametrize("grapheme", [FAMILY, FLAG, "नि", "กำ", "é", "👍🏽", "한", "。\ufe0f"])
def test_what_has_no_pauses_is_cut_between_graphemes(grapheme: str) -> None:
    text = _filled(grapheme, 2_500)

    parts = instagram_texts(text)

    assert "".join(parts) == text
    assert all(part == grapheme * (len(part) // len(grapheme)) for part in parts)
    assert len(parts) == -(-len(text) // len(grapheme) // (BYTES_MAX // _bytes(grapheme)))


def test_a_grapheme_that_no_message_holds_is_cut_all_the_same() -> None:
    text = "e" + "\u0301" * 1_200

    parts = instagram_texts(text)

    assert "".join(parts) == text
    assert [_bytes(part) <= BYTES_MAX for part in parts] == [True, True, True]


@pytest.mark.parametrize(
    "link", ["https://shop.example/" + "a" * 60, "[our shop](https://shop.example/" + "b" * 60 + ")"]
)
def test_a_link_is_never_cut_while_it_fits(link: str) -> None:
    parts = instagram_texts(f"{'x' * 950} {link} and more")

    assert len(parts) == 2
    assert parts[1].startswith(("https://", "our shop (https://"))


def test_a_sentence_that_no_message_holds_leaves_none_half_empty() -> None:
    parts = instagram_texts(f"Hi! {'word ' * 300}end. Bye!")

    assert [_bytes(part) > 480 for part in parts] == [True, True]
    assert parts[0].startswith("Hi! word")
    assert parts[1].endswith("word end. Bye!")


def test_a_link_too_long_for_a_message_is_cut() -> None:
    link = "https://shop.example/" + "a" * 1_500

    assert "".join(instagram_texts(link)) == link


def test_formatting_that_is_cut_is_closed_and_opened_again() -> None:
    parts = whatsapp_texts(f"**{'words ' * 1_000}end**")

    assert len(parts) == 2
    assert all(part.startswith("*words") and part.endswith(("words*", "end*")) for part in parts)


def test_a_code_fence_that_is_cut_is_closed_and_opened_again_and_keeps_its_indentation() -> None:
    code = "\n".join(["if open:", "    answer()"] * 400)

    parts = whatsapp_texts(f"```\n{code}\n```")

    assert len(parts) == 3
    assert all(part.startswith("```") and part.endswith("```") for part in parts)
    assert "\n".join(part.strip("`") for part in parts) == code


def test_a_quote_that_is_cut_goes_on_as_a_quote() -> None:
    parts = whatsapp_texts("> " + SENTENCE * 100)

    assert len(parts) == 2
    assert all(part.startswith("> We are") for part in parts)


def test_both_ways_of_counting_keep_whatsapp_s_limit() -> None:
    parts = whatsapp_texts("🥐" * 4_000)

    assert [len(part) for part in parts] == [2_048, 1_952]
    assert [len(part) for part in whatsapp_texts("a" * 4_001)] == [4_000, 1]


def test_one_message_is_preferred_up_to_the_limit() -> None:
    assert instagram_texts(SENTENCE + "a" * (1_000 - len(SENTENCE))) == [SENTENCE + "a" * (1_000 - len(SENTENCE))]


LETTERS = st.sampled_from(
    ["word ", "ende. ", "\n", "\n\n", FAMILY, FLAG, "नमस्ते। ", "สวัสดี ", "مرحبا؟ ", "e\u0301", "。", "x" * 90]
)


@given(st.lists(LETTERS, min_size=1, max_size=400).map("".join).filter(str.strip))
@example("a" * 3_000)
def test_nothing_is_lost_nothing_is_too_long_and_graphemes_stay_whole(text: str) -> None:
    parts = instagram_texts(text)

    assert _bare("".join(parts)) == _bare(text)
    assert all(part.strip() and _bytes(part) <= BYTES_MAX for part in parts)
    assert [one for part in parts for one in regex.findall(r"\X", _bare(part))] == regex.findall(r"\X", _bare(text))


MARKDOWN = st.sampled_from(
    ["**", "*", "_", "~~", "`", "- ", "> ", "# ", "\n", "\n\n", "word ", "a", ". ", "|", "[", "](", ")", "```\n", "1. "]
)


@given(st.lists(MARKDOWN, min_size=1, max_size=300).map("".join).filter(str.strip))
def test_whatever_the_model_writes_is_worded_within_the_limits(text: str) -> None:
    for parts, fits in (
        (whatsapp_texts(text), lambda part: len(part) <= 4_000),
        (instagram_texts(text), lambda part: _bytes(part) <= BYTES_MAX),
    ):
        assert parts
        assert all(part.strip() and fits(part) for part in parts)

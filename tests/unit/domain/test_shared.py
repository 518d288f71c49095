import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared import storable

ANYTHING = st.text(st.characters(categories=None) | st.sampled_from(["\x00", "\ud83d", "\udc4d"]))
CLEAN = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)))


@given(ANYTHING)
def test_any_text_becomes_storable(text: str) -> None:
    made = storable(text)

    assert made.encode().decode() == made
    assert "\x00" not in made
    assert storable(made) == made


@given(CLEAN)
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b", "a\ufffdb"),
        ("cut \ud83d", "cut \ufffd"),
        ("\udc4d cut", "\ufffd cut"),
        ("\ud83d\udc4d", "👍"),
        ("\udc4d\ud83d\x00👍", "\ufffd\ufffd\ufffd👍"),
    ],
)
def test_only_what_cannot_be_stored_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept

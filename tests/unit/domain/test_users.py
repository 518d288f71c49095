import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared import NAME_LENGTH_MAX, Forbidden, InvalidInput, NotFound, checked_name, checked_text
from domain.users import Caller, parsed_key, spelled_key
from tests.builders import an_id

SECRETS = st.from_regex(re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII), fullmatch=True)


@given(st.uuids(), SECRETS)
def test_a_key_is_read_as_it_was_spelled(key_id, secret: str) -> None:
    assert parsed_key(spelled_key(key_id, secret)) == (key_id, secret)


@given(st.uuids(), SECRETS, st.sampled_from(["{}\n", " {}", "{}x", "x{}", "{}\x00"]))
def test_anything_around_a_key_makes_it_none_of_ours(key_id, secret: str, around: str) -> None:
    assert parsed_key(around.format(spelled_key(key_id, secret))) is None


@given(st.text())
def test_no_text_upsets_the_reading_of_a_key(text: str) -> None:
    assert parsed_key(text) is None


def test_a_user_owns_what_is_theirs_and_sees_nothing_else() -> None:
    user_id = an_id()

    Caller(user_id).must_own(user_id)
    Caller(None).must_own(user_id)
    with pytest.raises(NotFound):
        Caller(an_id()).must_own(user_id)


def test_only_the_administrator_is_the_administrator() -> None:
    Caller(None).must_be_admin()
    with pytest.raises(Forbidden):
        Caller(an_id()).must_be_admin()


def test_a_name_is_kept_without_the_blanks_around_it() -> None:
    assert checked_name("  Bakery 🥐 \n") == "Bakery 🥐"


@pytest.mark.parametrize("name", ["", "  ", "x" * (NAME_LENGTH_MAX + 1), "a\x00b", "\ud83d"])
def test_a_name_that_cannot_be_kept_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_name(name, "display_name")
    assert refused.value.field == "display_name"


def test_a_text_is_kept_as_it_is() -> None:
    assert checked_text("  a\n", "note", 4) == "  a\n"
    with pytest.raises(InvalidInput):
        checked_text("abcde", "note", 4)

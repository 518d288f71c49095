import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared import NAME_LENGTH_MAX, Forbidden, InvalidInput, NotFound, checked_name, checked_text
from domain.users import ALL_SCOPES, Caller, Scope, ScopeMissing, checked_scopes, parsed_key, spelled_key
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


def test_a_user_reaches_what_is_theirs_and_sees_nothing_else() -> None:
    user_id = an_id()

    for caller in (Caller(user_id), Caller(None)):
        caller.must_read(user_id)
        caller.must_write(user_id)
        caller.must_manage(user_id)
    for must_reach in (Caller(an_id()).must_read, Caller(an_id()).must_write, Caller(an_id()).must_manage):
        with pytest.raises(NotFound):
            must_reach(user_id)


@pytest.mark.parametrize(("scope", "reaches"), [(Scope.READ, 1), (Scope.WRITE, 2), (Scope.ADMIN, 3)])
def test_a_key_reaches_as_far_as_its_scope(scope: Scope, reaches: int) -> None:
    user_id = an_id()
    caller = Caller(user_id, frozenset({scope}))
    ways = [caller.must_read, caller.must_write, caller.must_manage]

    for must_reach in ways[:reaches]:
        must_reach(user_id)
    for must_reach in ways[reaches:]:
        with pytest.raises(ScopeMissing):
            must_reach(user_id)


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


@pytest.mark.parametrize("scopes", [[], [Scope.READ, Scope.READ]])
def test_a_key_has_scopes_and_each_once(scopes: list[Scope]) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_scopes(scopes)
    assert refused.value.field == "scopes"


def test_a_key_gives_out_no_more_than_it_has() -> None:
    caller = Caller(an_id(), frozenset({Scope.ADMIN, Scope.READ}))

    caller.must_hold(frozenset({Scope.READ}))
    Caller(None).must_hold(ALL_SCOPES)
    with pytest.raises(ScopeMissing, match="write"):
        caller.must_hold(ALL_SCOPES)

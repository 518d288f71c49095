import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import AMOUNT_MAX, Account, EntryKind, InsufficientCredits, changes, checked_amount
from domain.shared import Conflict, DomainError, InvalidInput

MOVEMENTS = st.lists(st.tuples(st.sampled_from(EntryKind), st.integers(1, 20)), max_size=60)


@given(MOVEMENTS)
def test_after_any_movements_an_account_is_the_sum_of_those_that_could_be_made(movements) -> None:
    account, made = Account(), []
    for kind, amount in movements:
        try:
            account = account.after(kind, amount)
        except DomainError:
            continue
        made.append(changes(kind, amount))

        assert account == Account(sum(balance for balance, _ in made), sum(held for _, held in made))
        assert 0 <= account.held <= account.balance
        assert account.available == account.balance - account.held


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_a_hold_takes_no_more_than_is_available(balance: int, held: int, amount: int) -> None:
    account = Account(balance + held, held)

    if amount <= balance:
        assert account.after(EntryKind.HOLD, amount) == Account(balance + held, held + amount)
    else:
        with pytest.raises(InsufficientCredits):
            account.after(EntryKind.HOLD, amount)


@pytest.mark.parametrize("ending", [EntryKind.CAPTURE, EntryKind.RELEASE])
def test_only_what_is_held_can_be_captured_or_released(ending: EntryKind) -> None:
    with pytest.raises(Conflict):
        Account(5, 1).after(ending, 2)


def test_a_turn_that_is_refunded_costs_nothing() -> None:
    account = Account(5)

    for kind in (EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.REFUND):
        account = account.after(kind, 1)

    assert account == Account(5)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_an_amount_outside_its_bounds_is_refused_by_name(amount: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_amount(amount)
    assert refused.value.field == "amount"


@pytest.mark.parametrize("amount", [1, AMOUNT_MAX])
def test_an_amount_within_its_bounds_is_kept(amount: int) -> None:
    assert checked_amount(amount) == amount

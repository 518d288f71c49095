"""Graph's error codes as data: what each class of them means for a send.

Source: Meta's error reference, and what others saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Handling(Enum):
    """What becomes of a message that was refused."""

    REAUTHORIZE = auto()
    PARK = auto()
    SLOW_NUMBER = auto()
    SLOW_CUSTOMER = auto()
    AMBIGUOUS = auto()
    WINDOW = auto()
    FINAL = auto()
    OUR_FAULT = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A class of errors. `pairs` are codes that mean this only with a subcode; they go before bare codes.

    `seconds` is how long to wait where Meta itself does not say. `is_setup`: if it goes on, the number is set up
    wrongly.
    """

    name: str
    handling: Handling
    codes: Sequence[int] = ()
    pairs: Sequence[tuple[int, int]] = ()
    seconds: float | None = None
    is_setup: bool = False


ROWS = (
    Row("auth", Handling.REAUTHORIZE, (0, 102, 104, 190)),
    Row("permission", Handling.REAUTHORIZE, (3, 10, *range(200, 300), 131005)),
    Row("slow_number", Handling.SLOW_NUMBER, (4, 17, 32, 613, 80007, 130429)),
    Row("slow_customer", Handling.SLOW_CUSTOMER, (131056,)),
    Row("ambiguous", Handling.AMBIGUOUS, (1, 2, 131000, 131016)),
    # The account is being maintained: what was sent may have gone out, and nothing else will for about a minute.
    Row("maintenance", Handling.AMBIGUOUS, (131057,), seconds=60.0),
    Row("window", Handling.WINDOW, (131047,), ((10, 2534022), (10, 2018278))),
    Row("recipient", Handling.FINAL, (131026, 130403, 131030, 131062, 551)),
    Row("opted_out", Handling.FINAL, (131050,)),
    Row(
        "account",
        Handling.PARK,
        (368, 130497, 131031, 131037, 131042, 131044, 131045, 131048, 131064, 133016, 134011),
    ),
    Row("quality", Handling.FINAL, (131049, 130472)),
    Row(
        "request",
        Handling.OUR_FAULT,
        (33, 100, 131008, 131009, 131021, 131051, 131060, 131063, 135000, 137000),
    ),
    Row("media", Handling.FINAL, (131052, 131053, 36000), ((100, 2207004),)),
    Row("template", Handling.FINAL, (*range(132000, 132019), 132068, 132069)),
    # Temporarily unavailable, says Meta, and it says so too of numbers that were never registered.
    Row("registration_busy", Handling.SLOW_NUMBER, (133004,), seconds=20.0, is_setup=True),
    Row(
        "registration",
        Handling.OUR_FAULT,
        tuple(code for code in range(133000, 134000) if code not in {133004, 133016}),
    ),
    Row("already_replied", Handling.FINAL, (2534023,), ((10, 2534023), (100, 2534023))),
)

BY_CODE = {code: row for row in ROWS for code in row.codes}
BY_PAIR = {pair: row for row in ROWS for pair in row.pairs}


def row_of(code: int | None, subcode: int | None) -> Row | None:
    """The row of an error, or None for one that nobody has described."""
    if code is None:
        return None
    pair = None if subcode is None else BY_PAIR.get((code, subcode))
    return pair or BY_CODE.get(code)

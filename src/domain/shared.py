"""What every room shares: the families of errors, and texts that are checked or made storable."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Something was asked that cannot be done. The message is for the caller, the `code` for programs.

    DomainError
    ├── InvalidInput     a value is wrong; `field` names it
    ├── Unauthorized     no key, or one that nobody was given
    ├── Forbidden        the key is known but may not do this
    ├── NotFound         no such thing, or not the caller's
    ├── Conflict         the thing is in a state that does not allow this
    ├── Exhausted        a limit or a balance is used up
    └── Unavailable      a store or a provider cannot be reached; trying again may help
    """

    code: ClassVar[str] = "error"


class InvalidInput(DomainError):
    """A value is wrong. `field` is its path in what was sent, for instance ``phone_number_id``."""

    code = "invalid_input"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Unauthorized(DomainError):
    """No key was shown, or one that nobody was given."""

    code = "unauthorized"


class Forbidden(DomainError):
    """The key is known, but what it asks for is not its business."""

    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or it belongs to another user: the two look the same from outside."""

    code = "not_found"

    def __init__(self, thing: str) -> None:
        super().__init__(f"There is no such {thing}.")
        self.thing = thing


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class Exhausted(DomainError):
    """A limit or a balance is used up."""

    code = "exhausted"


class TooFast(Exhausted):
    """More was asked in a short time than one caller may. `after_seconds` is how long to wait."""

    code = "too_fast"

    def __init__(self, detail: str, after_seconds: float) -> None:
        super().__init__(detail)
        self.after_seconds = after_seconds


class Unavailable(DomainError):
    """A store or a provider cannot be reached. Nothing is wrong with the request; trying again may help."""

    code = "unavailable"


NAME_LENGTH_MAX = 200
REPLACEMENT_CHARACTER = "\ufffd"


def storable(text: str) -> str:
    """`text` without what Postgres refuses: U+0000 and lone surrogates become U+FFFD.

    Customers do send both (shared emoji cut in half by a keyboard, pasted binary), and a message that
    cannot be stored would be delivered again by Meta for seven days.
    """
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT_CHARACTER)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def checked_name(name: str, field: str = "name") -> str:
    """`name` without surrounding blanks. Raises InvalidInput when it is empty, too long or not storable."""
    name = name.strip()
    if not name:
        raise InvalidInput(field, "It must not be empty.")
    if len(name) > NAME_LENGTH_MAX:
        raise InvalidInput(field, f"It must have at most {NAME_LENGTH_MAX} characters.")
    return checked_text(name, field)


def checked_text(text: str, field: str, length_max: int = 100_000) -> str:
    """`text` as it is. Raises InvalidInput when it is too long or holds U+0000 or a lone surrogate."""
    if len(text) > length_max:
        raise InvalidInput(field, f"It must have at most {length_max} characters.")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput(field, "It must not contain U+0000 or lone surrogates.")
    return text

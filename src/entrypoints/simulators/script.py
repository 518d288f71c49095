"""The script: rules that decide what happens to the next calls, in the order they were written."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

OutcomeT = TypeVar("OutcomeT")


class Rule(Struct, Generic[OutcomeT], kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`then` happens to calls whose text contains `match`, `times` times (without it: always)."""

    then: OutcomeT
    match: str = ""
    kind: str | None = None
    times: Annotated[int, Meta(ge=1)] | None = None


class Script(Generic[OutcomeT]):
    """The rules that are left; the first that fits wins, and a used-up rule goes."""

    def __init__(self) -> None:
        """Start without rules."""
        self.rules: list[Rule[OutcomeT]] = []

    def take(self, kind: str, *texts: str) -> OutcomeT | None:
        """Use up one turn of the first rule that fits this kind of call and any of these texts."""
        for rule in self.rules:
            if rule.kind in {None, kind} and any(rule.match in text for text in texts or ("",)):
                self._use(rule)
                return rule.then
        return None

    def _use(self, rule: Rule[OutcomeT]) -> None:
        if rule.times is None:
            return
        rule.times -= 1
        if rule.times == 0:
            self.rules.remove(rule)

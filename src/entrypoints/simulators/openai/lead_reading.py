"""What the simulated model reads from a transcript: a few rules, enough for a lead to be seen on one's own machine.

A transcript is one JSON object a line; the numbers of the messages that a value was found in are its evidence.
"""

import json
import re
from collections.abc import Callable, Iterator

from entrypoints.simulators.answers import Json, JsonValue

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\+?\d[\d ().-]{6,}\d")
_NAME = re.compile(
    r"(?i:my name is|i am|i'm|me llamo|mi nombre es|soy|meu nome é|me chamo|sou|اسمي|मेरा नाम)\s+"
    r"([^\W\d_]+(?: [^\W\d_a-z][^\W\d_]+){0,2})"
)
_COMPANY = re.compile(
    r"(?:company is|company called|work for|work at|empresa(?: es| é)?|trabajo en|trabalho na)\s+([\w&]+)",
    re.IGNORECASE,
)
_MONEY = re.compile(r"(?P<sign>[$€£₹])?\s?(?P<amount>\d[\d.,]*)\s?(?P<k>k\b)?\s?(?P<word>€|\$|£|₹|[a-zA-Z]{3,7}\b)?")
_CURRENCIES = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "gbp": "GBP",
    "pounds": "GBP",
    "inr": "INR",
    "rupees": "INR",
    "brl": "BRL",
    "reais": "BRL",
    "aed": "AED",
    "dirhams": "AED",
    "pesos": "MXN",
}
_URGENT = re.compile(r"urgent|asap|today|tomorrow|urgente|hoy|mañana|hoje|amanhã|عاجل|तुरंत", re.IGNORECASE)
_CONSENT = re.compile(
    r"you (?:may|can) (?:call|contact|write)|puede[sn]? (?:llamar|contactar)|podem? (?:ligar|contatar)", re.IGNORECASE
)
_LANGUAGES = {
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "es": re.compile(r"\b(?:hola|quiero|necesito|gracias|soy)\b", re.IGNORECASE),
    "pt": re.compile(r"\b(?:olá|quero|preciso|obrigad[oa]|sou)\b", re.IGNORECASE),
}

Said = list[tuple[int, str]]
Finding = tuple[JsonValue, list[int]] | None


def read_lead(text: str, schema: Json) -> Json | None:
    """The form filled in from the transcript in `text`; None when there is none, or no such form."""
    fields: Json = schema.get("properties", {})
    forms = {name: _asked(field) for name, field in fields.items()}
    said = list(_said_by_customer(text))
    if not said or not forms or None in forms.values():
        return None
    return {name: _given(_found(name, asked or {}, said)) for name, asked in forms.items()}


def _given(finding: Finding) -> JsonValue:
    return finding and {"value": finding[0], "evidence": finding[1]}


def _asked(field: Json) -> Json | None:
    """What the value of a field must be."""
    choices = field.get("anyOf") or [{}]
    properties = choices[0].get("properties", {})
    return properties.get("value") if "evidence" in properties else None


def _said_by_customer(text: str) -> Iterator[tuple[int, str]]:
    for line in text.split("\n"):
        if line.startswith('{"number"'):
            said = json.loads(line)
            if said["from"] == "customer":
                yield said["number"], said["text"]


def _found(name: str, asked: Json, said: Said) -> Finding:
    if asked.get("type") == "object":
        return _first(said, _money)
    if "enum" in asked:
        return _choice(asked["enum"], said)
    if asked.get("type") == "boolean":
        return _first(said, lambda text: True if _CONSENT.search(text) else None)
    if asked.get("type") != "string":
        return None
    for word, finder in _FINDERS.items():
        if word in name.lower():
            return finder(said)
    return None


def _choice(choices: list[str], said: Said) -> Finding:
    if "high" in choices and (urgent := _first(said, lambda text: "high" if _URGENT.search(text) else None)):
        return urgent
    return _first(said, lambda text: next((one for one in choices if one.lower() in text.lower()), None))


def _first(said: Said, find: Callable[[str], JsonValue]) -> Finding:
    """The latest message that tells it: people correct themselves."""
    for number, text in reversed(said):
        if (value := find(text)) is not None:
            return value, [number]
    return None


def _matching(pattern: re.Pattern[str], group: int = 0) -> Callable[[Said], Finding]:
    def find(text: str) -> JsonValue:
        found = pattern.search(text)
        return found[group].strip() if found else None

    return lambda said: _first(said, find)


def _money(text: str) -> JsonValue:
    for found in _MONEY.finditer(text):
        currency = _CURRENCIES.get((found["sign"] or found["word"] or "").lower())
        if currency or found["k"]:
            amount = float(re.sub(r"[.,](?=\d{3}\b)", "", found["amount"].rstrip(".,")).replace(",", "."))
            return {"amount": amount * (1_000 if found["k"] else 1), "currency": currency}
    return None


def _language(said: Said) -> Finding:
    numbers = [number for number, _ in said]
    whole = " ".join(text for _, text in said)
    for code, pattern in _LANGUAGES.items():
        if pattern.search(whole):
            return code, numbers
    return "en", numbers


def _need(said: Said) -> Finding:
    number, text = max(said, key=lambda one: len(one[1]))
    return text[:200], [number]


def _summary(said: Said) -> Finding:
    return f"The customer wrote {len(said)} messages, the last one: {said[-1][1][:200]}", [number for number, _ in said]


_FINDERS: dict[str, Callable[[Said], Finding]] = {
    "mail": _matching(_EMAIL),
    "phone": _matching(_PHONE),
    "company": _matching(_COMPANY, 1),
    "name": _matching(_NAME, 1),
    "need": _need,
    "language": _language,
    "summary": _summary,
}

"""Money: its codes in use (ISO 4217), and what people call it."""

from __future__ import annotations

from collections.abc import Iterable

# fmt: off
CURRENCIES = frozenset({
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD",
    "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY",
    "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR",
    "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT",
    "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR",
    "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK",
    "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD",
    "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY",
    "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XOF",
    "XPF", "YER", "ZAR", "ZMW",
})
# fmt: on

# What people call them, by the beginning of the word, without accents. One name may be that of several.
# fmt: off
DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "BND", "BSD", "BBD", "FJD", "GYD", "JMD", "KYD",
                     "LRD", "NAD", "SBD", "SRD", "TTD", "XCD"})
PESOS = frozenset({"MXN", "ARS", "CLP", "COP", "CUP", "DOP", "PHP", "UYU"})
RUPEES = frozenset({"INR", "PKR", "LKR", "NPR", "MUR", "SCR", "IDR"})
RIALS = frozenset({"SAR", "QAR", "OMR", "YER", "IRR"})
DINARS = frozenset({"KWD", "BHD", "JOD", "IQD", "LYD", "TND", "DZD", "RSD", "MKD"})
POUNDS = frozenset({"GBP", "EGP", "LBP", "SYP", "SDG", "SSP", "GIP", "FKP", "SHP"})
CROWNS = frozenset({"SEK", "NOK", "DKK", "ISK", "CZK"})

NAMES = {
    **dict.fromkeys(("euro", "يورو", "اورو", "यूरो"), frozenset({"EUR"})),
    **dict.fromkeys(("dollar", "dolar", "buck", "دولار", "डॉलर", "डालर"), DOLLARS),
    "peso": PESOS,
    **dict.fromkeys(("reais", "real"), frozenset({"BRL"})),
    **dict.fromkeys(("rupee", "rupia", "rupaye", "rs", "रुपय", "रूपय", "रुपए", "रुपये", "रु", "روبي", "روپ"), RUPEES),
    **dict.fromkeys(("dirham", "dhs", "dh", "درهم", "دراهم"), frozenset({"AED", "MAD"})),
    **dict.fromkeys(("riyal", "rial", "ريال", "ریال"), RIALS),
    **dict.fromkeys(("dinar", "دينار", "دنانير"), DINARS),
    **dict.fromkeys(("pound", "libra", "quid", "جنيه"), POUNDS),
    **dict.fromkeys(("lira", "ليرة", "ليره"), POUNDS | {"TRY"}),
    **dict.fromkeys(("franc", "franken", "فرنك"), frozenset({"CHF", "XOF", "XAF", "XPF", "GNF", "RWF", "BIF", "DJF"})),
    **dict.fromkeys(("krona", "kronor", "krone", "koruna", "korun"), CROWNS),
    **dict.fromkeys(("yuan", "rmb", "renminbi"), frozenset({"CNY"})),
    "yen": frozenset({"JPY"}), "won": frozenset({"KRW"}), "baht": frozenset({"THB"}), "dong": frozenset({"VND"}),
    "ringgit": frozenset({"MYR"}), "taka": frozenset({"BDT"}), "rand": frozenset({"ZAR"}),
    "naira": frozenset({"NGN"}), "cedi": frozenset({"GHS"}), "kwanza": frozenset({"AOA"}),
    "metica": frozenset({"MZN"}), "birr": frozenset({"ETB"}), "shilling": frozenset({"KES", "TZS", "UGX", "SOS"}),
    "zlot": frozenset({"PLN"}), "forint": frozenset({"HUF"}), "lei": frozenset({"RON", "MDL"}),
    "shekel": frozenset({"ILS"}), "شيكل": frozenset({"ILS"}), **dict.fromkeys(("soles", "sol"), frozenset({"PEN"})),
    "bolivar": frozenset({"VES"}), "boliviano": frozenset({"BOB"}), "colon": frozenset({"CRC", "SVC"}),
    "quetzal": frozenset({"GTQ"}), "lempira": frozenset({"HNL"}), "guarani": frozenset({"PYG"}),
    "cordoba": frozenset({"NIO"}), "balboa": frozenset({"PAB"}),
    **dict.fromkeys(("rubl", "roubl"), frozenset({"RUB", "BYN"})),
}
SIGNS = {
    "€": frozenset({"EUR"}), "$": DOLLARS | PESOS | {"BRL", "CVE", "MOP", "NIO", "TOP", "WST"}, "£": POUNDS,
    "¥": frozenset({"JPY", "CNY"}), "₹": frozenset({"INR"}), "₨": RUPEES, "₽": frozenset({"RUB"}),
    "₺": frozenset({"TRY"}), "₪": frozenset({"ILS"}), "₩": frozenset({"KRW"}), "₫": frozenset({"VND"}),
    "₦": frozenset({"NGN"}), "₱": frozenset({"PHP"}), "₴": frozenset({"UAH"}), "₸": frozenset({"KZT"}),
    "₵": frozenset({"GHS"}), "฿": frozenset({"THB"}), "₲": frozenset({"PYG"}), "₡": frozenset({"CRC"}),
}
# fmt: on
ENDING_LENGTH_MAX = 2
"""Of a name in Latin letters: "dollars" is one, "realmente" none."""


def names_currency(text: str, words: Iterable[str], code: str) -> bool:
    """Whether a text and its words name that currency, or one that may be meant: by code, name or sign."""
    if any(sign in text and code in codes for sign, codes in SIGNS.items()):
        return True
    return any(_may_be(word, code) for word in words)


def _may_be(word: str, code: str) -> bool:
    return word == code.casefold() or any(code in codes and _is(word, name) for name, codes in NAMES.items())


def _is(word: str, name: str) -> bool:
    """Whether the word is that name or a form of it. Arabic writes "with" and "the" into the word."""
    if not name.isascii():
        return name in word
    return word.startswith(name) and len(word) <= len(name) + (
        ENDING_LENGTH_MAX if len(name) > ENDING_LENGTH_MAX else 0
    )

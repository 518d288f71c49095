"""The model's Markdown as each platform shows it."""

import pytest

from adapters.channels.wording import instagram_texts, whatsapp_texts

UNSEEN = "\u200b"
TABLE = "| Day | Open |\n|---|---|\n| Mon | **9** |"


@pytest.mark.parametrize(
    ("markdown", "whatsapp", "plain"),
    [
        ("Until six.", "Until six.", "Until six."),
        ("**bold** and __bold__", "*bold* and *bold*", "bold and bold"),
        ("*it* and _it_", "_it_ and _it_", "it and it"),
        ("***both***", "_*both*_", "both"),
        ("~~gone~~", "~gone~", "gone"),
        ("`code *x*`", "```code *x*```", "code *x*"),
        ("```python\nif a:\n    b(*c*)\n```", "```if a:\n    b(*c*)```", "if a:\n    b(*c*)"),
        ("# Opening **hours**", "*Opening hours*", "Opening hours"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("* a\n\n* b", "- a\n- b", "- a\n- b"),
        ("3. a\n4. b", "3. a\n4. b", "3. a\n4. b"),
        ("1) a", "1) a", "1) a"),
        ("- a\n\n  more\n- b", "- a\n  more\n- b", "- a\n  more\n- b"),
        ("> a\n> b\n\nc", "> a\n> b\n\nc", "> a\n> b\n\nc"),
        ("[our shop](https://s.example/a)", "our shop (https://s.example/a)", "our shop (https://s.example/a)"),
        ("[https://s.example](https://s.example/)", "https://s.example/", "https://s.example/"),
        ("[s.example](https://s.example)", "https://s.example", "https://s.example"),
        ("<https://s.example/a>", "https://s.example/a", "https://s.example/a"),
        ("<kim@s.example>", "kim@s.example", "kim@s.example"),
        (
            "[**bold** shop](https://s.example/a)",
            "*bold* shop (https://s.example/a)",
            "bold shop (https://s.example/a)",
        ),
        ("![a croissant](https://s.example/c.png)", "https://s.example/c.png", "https://s.example/c.png"),
        (TABLE, "*Day* | *Open*\nMon | *9*", "Day | Open\nMon | 9"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb", "a\n\n———\n\nb"),
        ("a\n---\nb", "a\n\n———\n\nb", "a\n\n———\n\nb"),
        ("one  \ntwo\nthree", "one\ntwo\nthree", "one\ntwo\nthree"),
        ("**two\nlines**", "*two*\n*lines*", "two\nlines"),
        ("Un**believ**able", "Unbelievable", "Unbelievable"),
        ("snake_case and 5 * 3 * 2", "snake_case and 5 * 3 * 2", "snake_case and 5 * 3 * 2"),
        (r"\*literal\* and \_private\_", f"*{UNSEEN}literal* and _{UNSEEN}private_", "*literal* and _private_"),
        (r"\> no quote", f"{UNSEEN}> no quote", "> no quote"),
        ("https://s.example/_a_*b*/~c", "https://s.example/_a_*b*/~c", "https://s.example/_a_*b*/~c"),
        ("Price < 5 & more &amp; <b>x</b>", "Price < 5 & more & <b>x</b>", "Price < 5 & more & <b>x</b>"),
        ("[1]: https://s.example", "[1]: https://s.example", "[1]: https://s.example"),
        ("    not code", "not code", "not code"),
        ("🥐 مرحبا สวัสดี", "🥐 مرحبا สวัสดี", "🥐 مرحبا สวัสดี"),
        ("```\n```", "```\n```", "```\n```"),
    ],
)
def test_markdown_becomes_what_the_platform_shows(markdown: str, whatsapp: str, plain: str) -> None:
    assert list(whatsapp_texts(markdown)) == [whatsapp]
    assert list(instagram_texts(markdown)) == [plain]


def test_nested_quotes_and_lists_far_too_deep_do_no_harm() -> None:
    assert whatsapp_texts(">" * 5_000 + " a")
    assert instagram_texts("- " * 2_000 + "a")

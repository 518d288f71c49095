from __future__ import annotations

import pytest

from domain.media import (
    ATTEMPTS_MAX,
    FILENAME_LENGTH_MAX,
    Fetched,
    MissingReason,
    NotNow,
    Unfetchable,
    after_attempt,
    backoff_seconds,
    safe_filename,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("menu.pdf", "menu.pdf"),
        ("My menu (2).pdf", "My menu (2).pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        (".htaccess", "htaccess"),
        ('a"; filename="b.exe', "a_filename_b.exe"),
        ("a\r\nSet-Cookie: x=1.pdf", "a_Set-Cookie_x_1.pdf"),
        ("Speisekarte für Müller.pdf", "Speisekarte f_r M_ller.pdf"),
        ("菜单.pdf", "pdf"),
        ("..", "image-0"),
        ("", "image-0"),
        (None, "image-0"),
        ("x/", "image-0"),
        ("a\x00b.png", "a_b.png"),
    ],
)
def test_a_filename_is_a_name_and_nothing_more(given, expected) -> None:
    assert safe_filename(given, "image-0") == expected


def test_a_long_filename_keeps_its_ending() -> None:
    name = safe_filename("a" * 500 + ".pdf", "x")
    assert len(name) == FILENAME_LENGTH_MAX
    assert name.endswith("a.pdf")


def test_what_never_succeeds_is_given_up_after_about_an_hour() -> None:
    assert after_attempt(NotNow(), ATTEMPTS_MAX - 1) == NotNow()
    assert after_attempt(NotNow(), ATTEMPTS_MAX) == Unfetchable(MissingReason.OUT_OF_TIME)
    assert after_attempt(Fetched("image/png", 1, "0"), ATTEMPTS_MAX) == Fetched("image/png", 1, "0")
    assert 3_000 < sum(backoff_seconds(attempt) for attempt in range(1, ATTEMPTS_MAX)) < 4_000

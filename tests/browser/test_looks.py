"""How the widget looks, and that nobody is shut out by it. The pictures of the docs are taken here when asked for."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PICTURES = Path(__file__).parents[2] / "docs/images"
TAKES_PICTURES = os.environ.get("TAKE_PICTURES") == "1"
SIZES = {"laptop": {"width": 1120, "height": 720}, "phone": {"width": 390, "height": 780}}
ANSWER = (
    "Yes, we have a **double room** with a view of the sea from Friday to Sunday:\n\n"
    "- 2 nights, breakfast included\n- free until *18:00* the day before\n\n"
    "Shall I hold it for you? Here are [the pictures](https://example.com/rooms)."
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_no_serious_fault(shop, unique, size, scheme):
    options = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if size == "phone" else {}
    context = shop.context(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce", **options)
    chat = shop.opens(context, attributes='data-title="Hotel Miramar" data-greeting="Hello! How can we help?"')
    question, second = unique("Do you have a room with a view this weekend?"), unique("Great, and parking?")
    shop.answers(question, ANSWER)
    shop.answers(second, "Parking is free for guests, right behind the house.", drip_ms=150)
    chat.says(question)
    chat.shows(3)

    assert _faults(chat) == []

    chat.says(second)
    expect(chat.draft).to_contain_text("Parking is free")
    _take(chat, f"webchat-{size}-{scheme}.png")
    assert _faults(chat) == []
    chat.page.keyboard.press("Escape")
    assert _faults(chat) == []


def _faults(chat) -> list[str]:
    """What axe calls serious or critical, on the whole page: the site's own part of it is as plain as it is right."""
    violations = Axe().run(chat.page).response["violations"]
    return [
        f"{fault['id']}: {node['html']}"
        for fault in violations
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


def _take(chat, name: str) -> None:
    if TAKES_PICTURES:
        PICTURES.mkdir(exist_ok=True)
        chat.page.evaluate(
            "for (const each of document.querySelector('frontdesk-chat').shadowRoot.querySelectorAll('.mine'))"
            " each.lastChild.textContent = each.lastChild.textContent.replace(/ [0-9a-f]{8}$/, '')"
        )
        chat.page.screenshot(path=PICTURES / name)

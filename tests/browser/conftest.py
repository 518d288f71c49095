"""One house, one browser, and for each test a web chat of its own on a page of another origin."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.rig.browser import Site, running_browser
from tests.rig.cutting_proxy import CuttingProxy
from tests.rig.house import House, Tenant, a_home, running_house

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"><title>A shop</title>
<main><h1>A shop</h1><p>Buy something.</p><a href="/other">More</a></main>
<script src="{source}/webchat/widget.js" data-phone-number="{id}" {attributes} async></script></html>"""
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with a_home() as home, running_house(home) as running:
        yield running
        running.assert_consistent()


@pytest.fixture(
    scope="module"
)  # Playwright's loop runs as long as the browser does, and other tests need one of theirs
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Site().serving() as site:
        yield site


@pytest.fixture
def proxy(house: House) -> Iterator[CuttingProxy]:
    address = urlsplit(house.ready["rest_url"])
    with CuttingProxy(address.hostname or "", address.port or 0).serving() as proxy:
        yield proxy


@dataclass
class Chat:
    """The widget on a page, as a person meets it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    @property
    def host(self) -> Locator:
        return self.page.locator("frontdesk-chat")

    @property
    def launcher(self) -> Locator:
        return self.host.locator(".launcher")

    @property
    def input(self) -> Locator:
        return self.host.locator("textarea")

    @property
    def bubbles(self) -> Locator:
        return self.host.locator(".log .bubble")

    @property
    def draft(self) -> Locator:
        return self.host.locator(".drafts .bubble")

    def says(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def texts(self) -> list[str]:
        """What stands in the log, without the names that only a screen reader reads."""
        return [text.partition(": ")[2] for text in self.bubbles.all_text_contents()]

    def shows(self, count: int) -> None:
        expect(self.bubbles).to_have_count(count)
        expect(self.host.locator(".note")).to_have_count(0)


@dataclass
class Shop:
    """A business with a web chat, and its site."""

    tenant: Tenant
    web_chat: dict[str, Any]
    site: Site
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    def answers(self, match: str, answer: str, **then: object) -> None:
        """The model answers so whoever says that."""
        self.tenant.house.openai.script(match, times=3, answer=answer, **then)

    def context(self, **options: Any) -> BrowserContext:
        self.contexts.append(self.browser.new_context(**options))
        return self.contexts[-1]

    def opens(
        self,
        context: BrowserContext | None = None,
        source: str | None = None,
        attributes: str = "",
        *,
        opened: bool = True,
    ) -> Chat:
        """Somebody comes to the site, and opens the chat."""
        path = f"/{secrets.token_hex(4)}"
        source = source or self.tenant.house.ready["rest_url"]
        self.site.pages[path] = PAGE.format(source=source, id=self.web_chat["id"], attributes=attributes)
        self.site.policy = f"default-src 'none'; script-src {source}; connect-src {source}"
        page = (context or self.context()).new_page()
        chat = Chat(page)
        page.on("pageerror", lambda error: chat.errors.append(str(error)))
        page.on("console", lambda line: "Content Security" in line.text and chat.errors.append(line.text))
        page.goto(self.site.url + path)
        if opened:
            chat.launcher.click()
            expect(chat.host.locator(".state")).to_be_hidden()
        return chat

    def stored(self) -> list[tuple[str, str]]:
        return [(each["author"], each["text"]) for each in self.tenant.messages()]


@pytest.fixture
def shop(house: House, browser: Browser, site: Site) -> Iterator[Shop]:
    tenant = house.tenant()
    web_chat = tenant.make("phone_numbers", {"type": "webchat", "allowed_origins": [site.url]})
    prompt = tenant.make("prompts", {"name": "P", "instructions": "Answer.", "model": "gpt-5.5"})
    tenant.make("agents", {"name": "W", "prompt_id": prompt["id"], "phone_number_id": web_chat["id"]})
    shop = Shop(tenant, web_chat, site, browser)
    yield shop
    for context in shop.contexts:
        context.close()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Words that no other test says, so that a script for one of them is for nobody else."""
    return lambda words: f"{words} {secrets.token_hex(4)}"

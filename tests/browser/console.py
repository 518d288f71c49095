"""The console as a person meets it: a browser, signed in with a key."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.rig.house import Tenant, a_customer

SIZES = {"laptop": {"width": 1200, "height": 800}, "phone": {"width": 390, "height": 844}}
TOUCH = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}


@dataclass
class Console:
    """One browser window at the console of one user."""

    tenant: Tenant
    page: Page
    errors: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.tenant.house.ready["rest_url"]

    @property
    def home(self) -> str:
        return f"{self.url}/dashboard/users/{self.tenant.id}"

    def signs_in(self, key: str | None = None) -> None:
        self.page.goto(f"{self.url}/dashboard")
        self.page.get_by_label("API key").fill(key or self.tenant.key)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Overview")

    def opens(self, path: str = "") -> Response:
        answer = self.page.goto(self.home + path)
        assert answer
        return answer

    def opens_conversation(self, sender: str) -> None:
        self.opens(f"/conversations/{self.tenant.conversation(sender)['id']}")

    def said(self) -> list[str]:
        """What stands in the log."""
        return [text.strip() for text in self.page.locator("#log .bubble").all_inner_texts()]


def a_context(browser: Browser, size: str = "laptop", scheme: Any = "light") -> BrowserContext:
    touch = TOUCH if size == "phone" else {}
    return browser.new_context(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce", **touch)


def opened(tenant: Tenant, context: BrowserContext) -> Console:
    """A window that notes what its scripts and its policy complain about."""
    console = Console(tenant, context.new_page())
    console.page.on("pageerror", lambda error: console.errors.append(str(error)))
    console.page.on("console", lambda line: line.type == "error" and console.errors.append(line.text))
    return console


def writes_to(tenant: Tenant, text: str, name: str = "Ada Lovelace", sender: str | None = None) -> str:
    """A customer with a name writes; their address."""
    sender = sender or a_customer()
    said = {"phone_number_id": tenant.account, "from": sender, "name": name, "text": text}
    answer = tenant.house.meta.control("POST", "customers/say", said)
    assert answer["webhook_status"] == 200
    return sender


def seconds_until(seen: Any) -> float:
    """How long until that is seen."""
    began = time.monotonic()
    seen()
    return time.monotonic() - began

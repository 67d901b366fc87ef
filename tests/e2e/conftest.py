"""A real browser against the real server.

Playwright keeps an event loop in the test's thread, where Django refuses to touch the database:
a story prepares its data before it opens the browser, and looks at the books after closing it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
ANSWER_TIMEOUT_MS = 20_000


@dataclass
class Visit:
    """A page with what it asked for elsewhere, and what it complained about."""

    page: "Page"
    home: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asks(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type == "error" else None,
        )

    def asks(self, url: str) -> None:
        if not url.startswith((f"{self.home}/", "data:", "blob:")):
            self.elsewhere.append(url)

    def opens(self, path: str) -> None:
        self.page.goto(self.home + path)

    def overflows(self) -> bool:
        """Whether something is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


Browse = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture
def browse(transactional_db, live_server) -> Browse:
    """`with browse(width=390) as visit`: a fresh visitor, who leaves at the end."""
    cache.clear()

    @contextmanager
    def visiting(*, width: int = 1280, height: int = 900, locale: str = "ru") -> Iterator[Visit]:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale=locale
            )
            context.set_default_timeout(ANSWER_TIMEOUT_MS)
            try:
                yield Visit(page=context.new_page(), home=live_server.url)
            finally:
                browser.close()

    return visiting

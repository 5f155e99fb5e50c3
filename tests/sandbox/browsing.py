"""A real Chromium for tests: Debian's, driven by Playwright, and watched."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.sandbox.waiting import PATIENCE

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE: Final = files("axe_playwright_python").joinpath("axe.min.js")
WORST: Final = "axe.run().then(found => found.violations.map(one => [one.id, one.nodes.map(n => n.html)]))"


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return shutil.which("chromium")


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """Start the browser. While it runs, this thread has a running event loop: Playwright's."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


class Watched:
    """A page in a profile of its own, and what must not happen there."""

    def __init__(self, browser: Browser, allowed: tuple[str, ...], **options: Any) -> None:
        self._context = browser.new_context(**options)
        self._allowed = allowed
        self.complaints: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)

    def close(self) -> None:
        """End it, and fail where the console was written to or somebody else was asked."""
        self._context.close()
        assert [] == self.complaints

    def _note(self, request: Request) -> None:
        if not request.url.startswith(self._allowed):
            self.complaints.append(f"asked for {request.url}")


def barriers(page: Page) -> list[Any]:
    """What axe-core finds that keeps people out, with the elements."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate(WORST)
    return found

"""A browser page that keeps a record of what went wrong in it and of everything it asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

# What Playwright says itself where a test blocks them.
_BLOCKED = "Service Worker registration blocked by Playwright"


@dataclass
class RecordedPage:
    """A page and its record.

    Attributes:
        page: Playwright's page.
        requests: the address of every request, those of workers too, in order.
        console: every console message as "type: text", in order.
        problems: one line for each console error or warning, uncaught exception, failed or refused request
            and request to another machine.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", self._on_exception)
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", self._on_failure)
        self.page.on("response", self._on_response)

    def expect_problem(self, pattern: str) -> None:
        """Declare that problems matching the regular expression `pattern` belong to the test."""
        self._expected.append(re.compile(pattern))

    def forget(self) -> None:
        """Starts the record over: for another test on the same page."""
        for record in (self.requests, self.console, self.problems, self._expected):
            record.clear()

    def unexpected(self) -> list[str]:
        """The problems that no call of `expect_problem` declared."""
        return [line for line in self.problems if not any(p.search(line) for p in self._expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")
        if message.text == _BLOCKED:
            return
        if message.type in ("error", "warning"):
            where = message.location
            self.problems.append(
                f"console {message.type}: {message.text} ({where['url']}:{where['lineNumber']})"
            )

    def _on_exception(self, error: Error) -> None:
        self.problems.append(f"uncaught: {error}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not re.match(r"(http://127\.0\.0\.1:|data:|blob:|about:)", request.url):
            self.problems.append(f"request to another machine: {request.url}")

    def _on_failure(self, request: Request) -> None:
        self.problems.append(f"failed request: {request.url} ({request.failure})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"refused request: {response.url} ({response.status})")

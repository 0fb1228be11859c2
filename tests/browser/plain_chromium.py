"""A Chromium as people have it: a tab behind another one is hidden, its timers are slow, a window has a size.

Pages that Playwright opens by itself always count as visible and in focus, and cannot be frozen.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, BrowserType, Page

_SWITCHES = (
    "--headless",
    "--force-color-profile=srgb",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
)
# What a page's service worker fetched could not be answered by a test.
_NO_SERVICE_WORKER = "delete Navigator.prototype.serviceWorker;"


@dataclass(frozen=True)
class PlainChromium:
    """The context of its tabs, and the program's process."""

    context: BrowserContext
    process: int

    def memory_bytes(self) -> int:
        """Memory of its own that all its processes hold; 0 where the system has no /proc."""
        parents, sizes = {}, {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                continue  # It has ended since.
            number = int(fields["Pid"])
            parents[number] = int(fields["PPid"])
            sizes[number] = 1024 * int(fields.get("RssAnon", "0 kB").split()[0])
        ours = {self.process}
        # A child may have a lower number than its parent: again until there are no more.
        while more := {number for number, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return sum(sizes.get(number, 0) for number in ours)


@contextmanager
def plain_chromium(
    kind: BrowserType, executable: Path, arguments: list[str], *, stop_seconds: float = 10
) -> Iterator[PlainChromium]:
    """Starts one, without service workers.

    Args:
        kind: Playwright's `chromium`.
        executable: the program.
        arguments: as of `chromium.flags`.
        stop_seconds: how long it may take to end.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(executable), *_SWITCHES, *arguments, f"--user-data-dir={profile}", "about:blank"]
        errors = Path(profile) / "stderr.txt"
        with errors.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
            try:
                browser = kind.connect_over_cdp(_address(errors, process), no_defaults=True)
                (context,) = browser.contexts
                context.add_init_script(_NO_SERVICE_WORKER)
                yield PlainChromium(context, process.pid)
                browser.close()
            finally:
                process.terminate()
                try:
                    process.wait(stop_seconds)
                except subprocess.TimeoutExpired:
                    process.kill()


def _address(errors: Path, process: subprocess.Popen[bytes]) -> str:
    """Where it says that it listens."""
    for _ in range(300):
        if found := re.search(r"DevTools listening on (ws://\S+)", errors.read_text(errors="replace")):
            return found[1]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"Chromium did not start:\n{errors.read_text(errors='replace')[-2000:]}")


@contextmanager
def hidden(page: Page, *, frozen: bool = False) -> Iterator[None]:
    """Another tab is in front of this one meanwhile, and the browser may have stopped it altogether."""
    other = page.context.new_page()
    other.bring_to_front()
    _poll(page, lambda: page.evaluate("document.visibilityState") == "hidden")
    session = page.context.new_cdp_session(page)
    if frozen:
        session.send("Page.setWebLifecycleState", {"state": "frozen"})
    try:
        yield
    finally:
        if frozen:
            session.send("Page.setWebLifecycleState", {"state": "active"})
        session.detach()
        other.close()
        page.bring_to_front()
        _poll(page, lambda: page.evaluate("document.visibilityState") == "visible")


def resize_window(page: Page, width: int, height: int) -> None:
    """Gives the window another size; the page within it is less high."""
    session = page.context.new_cdp_session(page)
    window = session.send("Browser.getWindowForTarget")["windowId"]
    bounds = {"width": width, "height": height}
    session.send("Browser.setWindowBounds", {"windowId": window, "bounds": bounds})
    session.detach()
    _poll(page, lambda: page.evaluate("innerWidth") == width)


def _poll(page: Page, true: Callable[[], bool]) -> None:
    """Waits without the page's own clocks, which stand still in a hidden tab."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    raise TimeoutError("the window or the tab did not become what was asked for")

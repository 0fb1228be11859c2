"""Calls of JavaScript modules of the tests, which `served` serves beside whatever page is open."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Worker

# A module is imported once: in a tab that the browser has frozen no import ends, not even of a loaded module.
_CALL = """([module, name, values]) => {
  const loaded = (globalThis.testModules ??= {});
  if (module in loaded) return loaded[module][name](...values);
  return import(`${location.origin}/tests/${module}.mjs`).then((exports) => {
    loaded[module] = exports;
    return exports[name](...values);
  });
}"""


def in_page(where: Page | Worker, function: str, *values: Any) -> Any:
    """What a function of a module in ``tests/browser/pages`` returns, called with JSON values.

    Args:
        where: a page, or a worker of one, whose server is of `served`.
        function: module and name, as in ``"live_frames.shown"``.
        values: the arguments.
    """
    module, name = function.split(".")
    return where.evaluate(_CALL, [module, name, list(values)])

"""Memory of a page and its workers, as the browser's own tools count it after collecting garbage."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import CDPSession, Page

_EVENTS = [
    f"Target.{name}" for name in ("attachedToTarget", "detachedFromTarget", "receivedMessageFromTarget")
]


class Target:
    """The page, or a worker within its parent, over the DevTools protocol.

    Attributes:
        name: a worker's file; empty for the page.
        workers: those that it has started and not ended, by the protocol's session.
    """

    def __init__(self, page: Page, parent: Target | CDPSession, session: str = "", name: str = "") -> None:
        self.name = name
        self.workers: dict[str, Target] = {}
        self._page, self._parent, self._session = page, parent, session
        self._answers: dict[int, dict[str, Any]] = {}
        self._last = 0
        if isinstance(parent, CDPSession):
            for event in ("attachedToTarget", "detachedFromTarget", "receivedMessageFromTarget"):
                parent.on(
                    f"Target.{event}", lambda params, event=event: self._hear(f"Target.{event}", params)
                )
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False}
        self._post("Target.setAutoAttach", attach)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command."""
        if isinstance(self._parent, CDPSession):
            result: dict[str, Any] = self._parent.send(method, params)
            return result
        number = self._post(method, params)
        for _ in range(1500):
            if number in self._answers:
                answer = self._answers.pop(number)
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self._page.wait_for_timeout(20)
        raise TimeoutError(f"{self.name} did not answer {method}")

    def heap_bytes(self) -> int:
        """Its JavaScript objects and buffers that are in use."""
        for _ in range(2):  # what the first one finalises the second one frees
            self.call("HeapProfiler.collectGarbage")
        usage = self.call("Runtime.getHeapUsage")
        return int(usage["usedSize"] + usage.get("backingStorageSize", 0))

    def worker(self, name: str) -> Target | None:
        """The worker of this file, of the page or of one of its workers; None if there is none."""
        for worker in self.workers.values():
            if worker.name == name:
                return worker
            if found := worker.worker(name):
                return found
        return None

    def _post(self, method: str, params: dict[str, Any]) -> int:
        if isinstance(self._parent, CDPSession):
            self._parent.send(method, params)
            return 0
        self._last += 1
        message = json.dumps({"id": self._last, "method": method, "params": params})
        self._parent._post("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        return self._last

    def _hear(self, method: str, params: dict[str, Any]) -> None:
        session = params.get("sessionId", "")
        if method == "Target.attachedToTarget":
            name = params["targetInfo"]["url"].rsplit("/", 1)[-1]
            self.workers[session] = Target(self._page, self, session, name)
        elif method == "Target.detachedFromTarget":
            self.workers.pop(session, None)
        elif method == "Target.receivedMessageFromTarget" and session in self.workers:
            message = json.loads(params["message"])
            if "id" in message:
                self.workers[session]._answers[message["id"]] = message
            else:
                self.workers[session]._hear(message["method"], message["params"])

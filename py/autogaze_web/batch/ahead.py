"""Makes the next item of an iterator in a thread while this one is used."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import GeneratorType
from typing import Any, TypeVar

Item = TypeVar("Item")

_END: Any = object()


def ahead(
    items: Iterator[Item], name: str, stop: Callable[[], object] = lambda: None
) -> Generator[Item, None, None]:
    """The same items, of which the thread has made one more than were taken.

    Closing it waits for the item in work, then closes the iterator if it is a generator.

    Args:
        name: of the thread.
        stop: called when no more items are wanted, so that the one in work can end early.

    Raises:
        Exception: what the iterator raised, in the place of that item.

    >>> list(ahead(iter("abc"), "letters"))
    ['a', 'b', 'c']
    """
    try:
        with ThreadPoolExecutor(1, f"autogaze-{name}") as thread:
            try:
                following = thread.submit(next, items, _END)
                while (item := following.result()) is not _END:
                    following = thread.submit(next, items, _END)
                    yield item
            finally:
                stop()
    finally:
        # It still runs if a second interrupt ended the wait for the thread.
        if isinstance(items, GeneratorType) and not items.gi_running:
            items.close()

"""Results whose fields are also the keys of a mapping, as those of transformers are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any


class FieldsMapping(Mapping[str, Any]):
    """A base of frozen dataclasses: ``result["name"]`` is ``result.name``, and ``dict(result)`` works.

    Two results are equal only if they are the same object: fields are arrays, which have no single answer.
    """

    def __getitem__(self, name: str) -> Any:
        if name not in tuple(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(fields(self))  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

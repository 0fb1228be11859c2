"""Reads the small text files of a model from a folder."""

from __future__ import annotations

from pathlib import Path

from ..limits import expect


def read_text(path: str | Path, most_bytes: int, why: str) -> str:
    """The text of a file.

    Args:
        most_bytes: the largest file that is read.
        why: what the error says should be there.

    Raises:
        ValueError: if the file is missing, too large or not UTF-8; the message is a sentence.
    """
    expect(path, (str, Path), "the path of a file")
    if "\0" in str(path):
        raise ValueError(f"{str(path)!r} is no path, because it has a zero byte; {why}")
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is not a file; {why}")
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}; {why}") from None
    if len(data) > most_bytes:
        raise ValueError(f"{path} has more than {most_bytes:,} bytes, which no such file needs; {why}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text: download it again") from None

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from autogaze_web.files.atomic_file import (
    OutputError,
    atomic_file,
    atomic_folder,
    check_outputs,
    write_atomically,
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with atomic_file(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b" and half")
    assert contents(tmp_path) == {"out.bin": b"half and half"}


def interrupted_write(path: Path, error: BaseException) -> None:
    with atomic_file(path) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_earlier_file_alone(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"earlier")
    with pytest.raises(type(error)):
        interrupted_write(path, error)
    assert contents(tmp_path) == {"out.bin": b"earlier"}


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*out\.bin: No space left on device"):
        interrupted_write(tmp_path / "out.bin", OSError(errno.ENOSPC, "No space left on device"))
    assert not contents(tmp_path)


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"earlier")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, b"later")
    assert link.is_symlink()
    assert target.read_bytes() == b"later"
    assert target.stat().st_mode & 0o777 == 0o640
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_private_file_is_private_while_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "private"
    target.touch()
    target.chmod(0o600)
    with atomic_file(target) as file:
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600


def test_a_device_is_not_replaced() -> None:
    write_atomically("/dev/null", b"data")
    assert Path("/dev/null").is_char_device()


def interrupted_folder(folder: Path) -> None:
    with atomic_folder(folder) as part:
        (part / "a").write_bytes(b"later")
        raise KeyboardInterrupt


def test_a_folder_gets_all_files_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    folder.mkdir()
    (folder / "a").write_bytes(b"earlier")
    (folder / "b").write_bytes(b"other")
    with pytest.raises(KeyboardInterrupt):
        interrupted_folder(folder)
    assert contents(folder) == {"a": b"earlier", "b": b"other"}
    with atomic_folder(folder) as part:
        (part / "a").write_bytes(b"later")
    assert contents(folder) == {"a": b"later", "b": b"other"}
    assert [path.name for path in tmp_path.iterdir()] == ["graphs"]
    with pytest.raises(OutputError, match="name a folder"), atomic_folder(folder / "a"):
        pass


def test_outputs_are_checked_before_the_work(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    (tmp_path / "link.mp4").symlink_to(clip)
    (tmp_path / "hard.mp4").hardlink_to(clip)
    (tmp_path / "folder").mkdir()
    same = ["clip.mp4", "folder/../clip.mp4", "link.mp4", "hard.mp4", "CLIP.MP4"]
    for name in same:
        with pytest.raises(OutputError, match="is the same file as"):
            check_outputs([tmp_path / name], [clip])
    with pytest.raises(OutputError, match="is the same file as"):
        check_outputs([tmp_path / "a.json", tmp_path / "a.json"])
    with pytest.raises(OutputError, match="it is a folder"):
        check_outputs([tmp_path / "folder"])
    with pytest.raises(OutputError, match=r"cannot write .* there is no folder"):
        check_outputs([tmp_path / "none" / "a.json"])
    with pytest.raises(OutputError, match="takes no new files"):
        check_outputs(["/proc/a.json"])
    check_outputs([tmp_path / "new.mp4", "/dev/null"], [clip])
    assert len(list(tmp_path.iterdir())) == 4

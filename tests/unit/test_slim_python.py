"""The archives of Python that the site ships: what stays, what goes, and that they say what they are."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

import runtime_lock
import slim_python
from slim_python import SlimError

WHEEL = "runtime/pyodide/numpy-2.0-cp314-cp314-wasm32.whl"
NUMPY = {
    "numpy/__init__.py": b"",
    "numpy/__init__.pyi": b"",
    "numpy/_core/_multiarray_umath.so": b"code",
    "numpy/_core/_umath_tests.so": b"code",
    "numpy/_core/tests/test_a.py": b"",
    "numpy/_core/include/numpy/x.h": b"",
    "numpy/f2py/rules.py": b"",
    "numpy/random/mtrand.so": b"code",
    "numpy/random/lib/libnpyrandom.a": b"code",
    "numpy/ma/core.py": b"",
    "numpy-2.0.dist-info/METADATA": b"Name: numpy",
    "numpy-2.0.dist-info/licenses/LICENSE.txt": b"BSD",
    "numpy-2.0.dist-info/RECORD": b"as published",
}
STDLIB = {
    "os.py": b"",
    "pdb.py": b"",
    "encodings/big5.py": b"",
    "encodings/utf_8.py": b"",
    "unittest/case.py": b"",
}


@pytest.fixture
def slimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> slim_python.Files:
    """What `slim` makes of those, without compiling."""
    monkeypatch.setattr(slim_python, "_compile", lambda *_: None)
    runtime = {
        slim_python.STDLIB: slim_python.rezip(STDLIB),
        WHEEL: slim_python.rezip(NUMPY),
        "other": b"as it is",
    }
    return slim_python.slim(runtime, tmp_path, tmp_path / "cache")


def test_what_a_page_needs_stays_and_the_rest_goes(slimmed: slim_python.Files) -> None:
    wheel = slim_python.repacked_name(WHEEL)
    assert set(slimmed) == {slim_python.STDLIB, wheel, slim_python.MORE_NUMPY, "other"}
    assert slimmed["other"] == b"as it is"
    assert set(slim_python.unzip(slimmed[slim_python.STDLIB])) == {"os.py", "encodings/utf_8.py"}
    assert set(slim_python.unzip(slimmed[wheel])) == {
        "numpy/__init__.py",
        "numpy/_core/_multiarray_umath.so",
        "numpy/ma/core.py",
        *(name for name in NUMPY if "dist-info" in name),
    }
    assert set(slim_python.unzip(slimmed[slim_python.MORE_NUMPY])) == {"numpy/random/mtrand.so"}


def test_the_record_names_just_what_the_wheel_holds(slimmed: slim_python.Files) -> None:
    members = slim_python.unzip(slimmed[slim_python.repacked_name(WHEEL)])
    rows = list(csv.reader(io.StringIO(members["numpy-2.0.dist-info/RECORD"].decode())))
    assert {row[0] for row in rows} == set(members)
    for name, digest, size in rows[:-1]:
        expected = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(members[name])))
    assert rows[-1] == ["numpy-2.0.dist-info/RECORD", "", ""]


def test_the_lock_verifies_what_is_shipped(slimmed: slim_python.Files) -> None:
    entry = {"file_name": WHEEL.rsplit("/", 1)[1], "sha256": "of the published one", "depends": []}
    lock = slim_python.lock_with({"info": {}, "packages": {"numpy": entry}}, slimmed)
    content = slimmed[slim_python.repacked_name(WHEEL)]
    assert lock == {
        "info": {},
        "packages": {
            "numpy": {
                "file_name": "numpy-2.0-1slim-cp314-cp314-wasm32.whl",
                "sha256": hashlib.sha256(content).hexdigest(),
                "depends": [],
            }
        },
    }


def test_archives_are_the_same_for_the_same_members() -> None:
    members = {"b": b"2", "a": b"1"}
    assert slim_python.rezip(members) == slim_python.rezip(dict(reversed(members.items())))
    with zipfile.ZipFile(io.BytesIO(slim_python.rezip(members))) as file:
        assert file.namelist() == ["a", "b"]


def test_the_second_build_takes_what_the_first_has_made(
    slimmed: slim_python.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slim_python, "_make", None)
    runtime = {
        slim_python.STDLIB: slim_python.rezip(STDLIB),
        WHEEL: slim_python.rezip(NUMPY),
        "other": b"as it is",
    }
    assert slim_python.slim(runtime, tmp_path, tmp_path / "cache") == slimmed


def test_a_wrong_pyodide_is_one_sentence(tmp_path: Path) -> None:
    runtime = {slim_python.STDLIB: slim_python.rezip(STDLIB), WHEEL: slim_python.rezip(NUMPY)}
    with pytest.raises(SlimError, match=r"could not be compiled with node: .*pyodide\.mjs"):
        slim_python.slim(runtime, tmp_path, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_stated_runtime_has_the_files_that_are_made_smaller() -> None:
    paths = {file.path for file in runtime_lock.read_lock().start}
    assert slim_python.STDLIB in paths
    assert [path for path in paths if "/numpy-" in path]

"""A model by its folder or by the id of its repository; no test uses the network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from huggingface_hub import try_to_load_from_cache

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.model.pretrained import PretrainedError, hub_cache, pretrained_folder

MODEL = Path(__file__).parents[2] / "site" / "model"
COMMIT = "5" * 40
VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, in which no Hugging Face library is installed."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # type: ignore[arg-type]
    return tmp_path


def cached(cache: Path, revision: str = "main", commit: str = COMMIT, name: str = "nvidia/AutoGaze") -> Path:
    """The built-in model in a cache as ``huggingface_hub`` lays it out, links to blobs included."""
    repository = cache / f"models--{name.replace('/', '--')}"
    reference = repository / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit)
    snapshot, blobs = repository / "snapshots" / commit, repository / "blobs"
    for folder in (snapshot, blobs):
        folder.mkdir(parents=True, exist_ok=True)
    for path in MODEL.iterdir():
        shutil.copy(path, blobs / f"blob-of-{path.name}")
        (snapshot / path.name).symlink_to(Path("../../blobs") / f"blob-of-{path.name}")
    return snapshot


class Hub(ModuleType):
    """A ``huggingface_hub`` that downloads the built-in model, or fails as it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("huggingface_hub")
        self.error, self.calls = error, list[Any]()

    def snapshot_download(self, repo_id: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        self.calls.append((repo_id, revision, allow_patterns))
        if self.error is not None:
            raise self.error
        return str(cached(hub_cache(), revision or "main", name=repo_id))


def message(source: str | Path, **arguments: Any) -> str:
    with pytest.raises(PretrainedError) as caught:
        AutoGaze.from_pretrained(source, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_comes_first(home: Path) -> None:
    cached(home / ".cache" / "huggingface" / "hub")
    shutil.copytree(MODEL, home / "nvidia" / "AutoGaze")
    for source in ("nvidia/AutoGaze", Path("nvidia/AutoGaze"), "~/nvidia/AutoGaze", home / "nvidia/AutoGaze"):
        assert pretrained_folder(source, ()).resolve() == (home / "nvidia" / "AutoGaze").resolve()


@pytest.mark.parametrize(
    ("variables", "cache"),
    [
        ({}, ".cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/huggingface/hub"),
        ({"HF_HOME": "hf", "XDG_CACHE_HOME": "xdg"}, "hf/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "old", "HF_HOME": "hf"}, "old"),
        ({"HF_HUB_CACHE": "new", "HUGGINGFACE_HUB_CACHE": "old", "HF_HOME": "hf"}, "new"),
        ({"HF_HUB_CACHE": "$HOME/of/$USER_OF_TEST", "USER_OF_TEST": "me"}, "of/me"),
        ({"HF_HOME": "~/tilde"}, "tilde/hub"),
    ],
)
def test_where_the_cache_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], cache: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    snapshot = cached(home / cache)
    assert pretrained_folder("nvidia/AutoGaze", ("config.json",)).resolve() == snapshot.resolve()


def test_a_model_and_its_processor_from_the_cache() -> None:
    cached(hub_cache())
    assert AutoGaze.from_pretrained("nvidia/AutoGaze", threads=1).config.tokens_per_frame == 265
    assert AutoGazeImageProcessor.from_pretrained("nvidia/AutoGaze").shortest_edge == 224


def test_the_layout_is_that_of_the_library(home: Path) -> None:
    cached(home)
    for revision in ("main", COMMIT):
        found = try_to_load_from_cache("nvidia/AutoGaze", "config.json", cache_dir=home, revision=revision)
        assert isinstance(found, str)
        assert Path(found).is_file()


def test_revisions() -> None:
    main, other = cached(hub_cache()), cached(hub_cache(), "refs/pr/1", "6" * 40)
    assert pretrained_folder("nvidia/AutoGaze", ()) == main
    assert pretrained_folder("nvidia/AutoGaze", (), "main") == main
    assert pretrained_folder("nvidia/AutoGaze", (), "refs/pr/1") == other
    assert pretrained_folder("nvidia/AutoGaze", (), "6" * 40) == other
    assert "[hub]" in message("nvidia/AutoGaze", revision="v2")
    for outside in ("..", "../../main", "/main", "", "a//b"):
        assert "revision must be" in message("nvidia/AutoGaze", revision=outside)


def test_a_cached_model_is_not_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    snapshot = cached(hub_cache())
    AutoGaze.from_pretrained("nvidia/AutoGaze")
    assert not hub.calls
    (snapshot / "preprocessor_config.json").unlink()
    AutoGaze.from_pretrained("nvidia/AutoGaze")
    assert not hub.calls


def test_what_is_not_cached_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    AutoGaze.from_pretrained("nvidia/AutoGaze", revision="v1.0")
    AutoGazeImageProcessor.from_pretrained("nvidia/AutoGaze", revision="v1.0", size=(32, 32))
    [(name, revision, patterns)] = hub.calls
    assert (name, revision) == ("nvidia/AutoGaze", "v1.0")
    assert {"config.json", "model.safetensors.index.json"} < set(patterns)


def test_without_the_library_one_sentence_says_how_to_get_it() -> None:
    assert "pip install 'autogaze-web[hub]'" in message("nvidia/AutoGaze")
    with pytest.raises(PretrainedError, match="pip install"):
        AutoGazeImageProcessor.from_pretrained("nvidia/AutoGaze")


def test_a_failed_download_names_the_folder_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ConnectionError("no route to the hub.\nSee the manual.")
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(error))
    text = message("nvidia/AutoGaze")
    assert text.startswith("there is no folder 'nvidia/AutoGaze', and")
    assert "(ConnectionError: no route to the hub)" in text


NO_IDS = (
    "site-model",
    "./nvidia/AutoGaze",
    "/nvidia/AutoGaze",
    "a/b/c",
    "~/model",
    "",
    "C:\\model",
    "a b/c",
    "a--b/c",
)


@pytest.mark.parametrize("source", NO_IDS)
def test_what_is_no_id_is_never_looked_up(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert message(source).startswith(f"there is no folder {source!r}")
    assert not hub.calls


def test_a_path_is_never_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert "there is no folder" in message(Path("nvidia/AutoGaze"))
    assert not hub.calls


def test_a_misspelt_folder_is_not_asked_of_the_hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    shutil.copytree(MODEL, home / "models" / "tiny")
    assert "there is no 'tinny' in the folder 'models'" in message("models/tinny")
    assert "is a file" in message("models/tiny/config.json")
    assert not hub.calls
    cached(hub_cache(), name="models/tinny")
    assert AutoGaze.from_pretrained("models/tinny").config.tokens_per_frame == 265

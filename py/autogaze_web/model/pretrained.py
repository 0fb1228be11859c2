"""Finds the files of a pretrained model: in a folder, or in a repository of the Hugging Face hub."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ..limits import shown

DEFAULT_REVISION = "main"

# What a checkpoint consists of; other files of a repository are not downloaded.
PATTERNS = (
    *("config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json"),
    *("decoder.json", "decoder.safetensors"),
)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class PretrainedError(ValueError):
    """A model that is neither a folder nor an available repository; the message says how to get it."""


def pretrained_folder(
    source: str | Path, needed: Sequence[str | tuple[str, ...]], revision: str | None = None
) -> Path:
    """The folder that holds a model's files.

    An existing folder is taken as it is. Otherwise the id of a repository, such as ``"nvidia/AutoGaze"``, is
    looked up in the local cache of the Hugging Face hub, without asking the network for a newer version; what
    is not cached is downloaded with ``huggingface_hub`` where that is installed.

    Args:
        source: a folder (str or Path) or the id of a repository (str).
        needed: names of files that a cached copy must have; of a tuple of names one is enough.
        revision: branch, tag or commit of the repository; ``"main"`` by default.

    Raises:
        PretrainedError: if there is neither; the message says what to do.
    """
    if not isinstance(source, str | Path) or not isinstance(revision, str | None):
        raise PretrainedError("give a folder or the id of a repository, and the revision, as text")
    folder = Path(os.path.expanduser(source))  # noqa: PTH111 (Path's own raises for unknown users)
    name = str(source)
    try:
        is_folder, exists = folder.is_dir(), folder.exists()
    except OSError as error:  # a name that is too long
        raise PretrainedError(f"there is no folder {shown(name)}: {error.strerror}") from None
    if name and is_folder:
        return folder
    if name and exists:
        raise PretrainedError(f"{name!r} is a file: give the folder that holds config.json")
    if isinstance(source, Path) or not _HUB_ID.fullmatch(name) or "--" in name or ".." in name:
        raise PretrainedError(
            f"there is no folder {name!r}: give a folder with config.json and model.safetensors, or the id "
            "of a Hugging Face repository such as 'nvidia/AutoGaze'"
        )
    cached = _cached_folder(name, DEFAULT_REVISION if revision is None else revision)
    if cached is not None and all(_has(cached, each) for each in needed):
        return cached
    if folder.parent.is_dir():
        # More likely a misspelt folder than a repository: its name stays on this machine.
        raise PretrainedError(
            f"there is no {folder.name!r} in the folder {str(folder.parent)!r}: correct the name, or, if you "
            f"mean the Hugging Face repository {name!r}, run 'hf download {name}' first"
        )
    return _download(name, revision)


def hub_cache() -> Path:
    """The folder in which ``huggingface_hub`` caches downloads, which environment variables can move."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return _expanded(os.environ[variable])
    if os.environ.get("HF_HOME"):
        return _expanded(os.environ["HF_HOME"]) / "hub"
    return _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()


def _cached_folder(repository: str, revision: str) -> Path | None:
    if not revision or any(part in ("", ".", "..") for part in revision.split("/")):
        raise PretrainedError(f"revision must be a branch, a tag or a commit, got {revision!r}")
    folder = hub_cache() / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / revision).read_text("utf-8").strip()
    except (OSError, ValueError):
        commit = revision
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None


def _has(folder: Path, names: str | tuple[str, ...]) -> bool:
    return any((folder / name).exists() for name in ((names,) if isinstance(names, str) else names))


def _download(repository: str, revision: str | None) -> Path:
    try:
        hub = import_module("huggingface_hub")
    except ModuleNotFoundError:
        raise PretrainedError(
            f"{repository!r} is neither a folder here nor in the Hugging Face cache {str(hub_cache())!r}: "
            "pip install 'autogaze-web[hub]' to download it, or give a folder with config.json and "
            "model.safetensors"
        ) from None
    try:
        return Path(hub.snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS)))
    except Exception as error:
        # The library's messages go on for several lines.
        reason = next(iter(str(error).strip().splitlines()), "no reason given")
        raise PretrainedError(
            f"there is no folder {repository!r}, and the Hugging Face repository of that id could not be "
            f"downloaded ({type(error).__name__}: {reason.rstrip('.')}): check the id, the revision and the "
            "connection"
        ) from error

"""Files of a gaze: ``gazing_info`` and keep-masks as ``.npz`` or JSON.

A ``.npz`` file has these arrays, JSON the same keys:

- ``gazing_pos`` (B, n) int64, ``if_padded_gazing`` (B, n) bool, ``num_gazing_each_frame`` (T,) int64: what
  NVIDIA's encoders take. In tiles, each tile is a video of the batch;
- ``scales``, ``grids`` (S,) int64: of each scale, its side in pixels and its cells per side;
- ``tiles`` (B, 6) int64: where each video lies in the frame, as edges and the parts that they count;
- ``times`` (T,) float64: seconds, NaN where unknown;
- ``settings``: the mask source and its settings, as JSON text (``mask_source`` of ``docs/trace.md``).
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.json_text import JsonError, load_json
from ..formats.safetensors import Buffer
from ..limits import MAX_TRACE_BYTES
from ..readout.gazing_info import GazingInfo
from .atomic_file import write_atomically
from .stored_gaze import StoredGaze

FORMAT, VERSION = "autogaze-gazing-info", 1
_ARRAYS = ("gazing_pos", "if_padded_gazing", "num_gazing_each_frame", "scales", "grids", "tiles", "times")


def save_gaze(path: str | Path, gaze: StoredGaze) -> None:
    """Writes a ``.npz`` or ``.json`` file, all or nothing.

    Raises:
        ValueError: for another suffix, or if the file cannot be written.
    """
    write_atomically(path, gaze_to_bytes(gaze, Path(path).suffix))


def load_gaze(path: str | Path) -> StoredGaze:
    """Reads what `save_gaze` wrote.

    Raises:
        ValueError: saying what is wrong with the file.
    """
    path = Path(path)
    suffix = known_suffix(path.suffix)
    try:
        if path.stat().st_size > MAX_TRACE_BYTES:
            raise ValueError(f"such a file has at most {MAX_TRACE_BYTES:,} bytes")
        return gaze_from_bytes(path.read_bytes(), suffix)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def gaze_to_bytes(gaze: StoredGaze, suffix: str) -> bytes:
    """The contents of a ``.npz`` or ``.json`` file; equal gazes give equal bytes.

    Raises:
        ValueError: for another suffix.

    Examples:
        >>> from autogaze_web import Cells, Choice
        >>> stored = StoredGaze.of_choices([Choice.of(Cells.of(2, [0], [1]))], [2], settings={"name": "mine"})
        >>> loaded = gaze_from_bytes(gaze_to_bytes(stored, ".npz"), ".npz")
        >>> loaded.info.gazing_pos.tolist(), loaded.scales, loaded.settings
        ([[1]], (32,), {'name': 'mine'})
    """
    arrays = {
        "gazing_pos": gaze.info.gazing_pos,
        "if_padded_gazing": gaze.info.if_padded_gazing,
        "num_gazing_each_frame": gaze.info.num_gazing_each_frame,
        "scales": np.array(gaze.scales, np.int64),
        "grids": np.array(gaze.grids, np.int64),
        "tiles": gaze.tiles,
        "times": gaze.times,
    }
    if known_suffix(suffix) == ".npz":
        settings = json.dumps(dict(gaze.settings), allow_nan=False)
        return npz_bytes({**arrays, "settings": np.array(settings)})
    values: dict[str, Any] = {name: array.tolist() for name, array in arrays.items()}
    values["times"] = [None if math.isnan(time) else time for time in values["times"]]
    document = {"format": FORMAT, "version": VERSION, **values, "settings": dict(gaze.settings)}
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def gaze_from_bytes(data: Buffer, suffix: str) -> StoredGaze:
    """The gaze in a file's contents; see `gaze_to_bytes`.

    Raises:
        ValueError: saying what is wrong with them.
    """
    values = _npz_values(data) if known_suffix(suffix) == ".npz" else _json_values(data)
    missing = [name for name in _ARRAYS if name not in values]
    if missing:
        raise ValueError(f"a file of gazing_info has {', '.join(_ARRAYS)}; missing: {', '.join(missing)}")
    arrays = {name: _array(name, values[name]) for name in _ARRAYS}
    settings = values.get("settings", {})
    if not isinstance(settings, dict):
        raise ValueError("the settings must be a JSON object")
    return StoredGaze(
        GazingInfo.of(arrays),
        tuple(arrays["scales"].astype(np.int64).tolist()),
        tuple(arrays["grids"].astype(np.int64).tolist()),
        arrays["times"].astype(np.float64),
        settings,
        arrays["tiles"].astype(np.int64),
    )


def masks_to_bytes(gaze: StoredGaze, grids: Sequence[tuple[int, int]], suffix: str) -> bytes:
    """Keep-masks at several grids: ``keep_HxW`` (B, T, H, W) for each of them, and ``times``.

    Args:
        grids: (height, width) of each.
        suffix: ``.npz`` (bool) or ``.json`` (0 and 1).

    Raises:
        ValueError: for another suffix, or too large a grid.

    Examples:
        >>> from autogaze_web import Cells, Choice
        >>> stored = StoredGaze.of_choices([Choice.of(Cells.of(2, [0], [1]))], [2])
        >>> masks_to_bytes(stored, [(1, 4)], ".json").decode().strip()
        '{"keep_1x4": [[[[0, 0, 1, 1]]]], "times": [null]}'
    """
    masks = {f"keep_{height}x{width}": gaze.keep_masks(height, width) for height, width in grids}
    if known_suffix(suffix) == ".npz":
        return npz_bytes({**masks, "times": gaze.times})
    values: dict[str, Any] = {name: mask.astype(np.uint8).tolist() for name, mask in masks.items()}
    values["times"] = [None if math.isnan(time) else time for time in gaze.times.tolist()]
    return (json.dumps(values, allow_nan=False) + "\n").encode()


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A compressed ``.npz`` file of these arrays; it has no times, so equal arrays give equal bytes."""
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def known_suffix(suffix: str) -> str:
    """The suffix in lower case.

    Raises:
        ValueError: if it is neither ``.npz`` nor ``.json``.
    """
    if suffix.lower() not in (".npz", ".json"):
        raise ValueError(f"gazing_info and masks are .npz or .json files, got {suffix or 'no suffix'}")
    return suffix.lower()


def _npz_values(data: Buffer) -> dict[str, Any]:
    size, values = 0, {}
    # What NumPy, zipfile and zlib raise for damaged files is of many types, and written for programmers.
    with suppress(Exception):
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size <= MAX_TRACE_BYTES:
            with np.load(io.BytesIO(bytes(data)), allow_pickle=False) as arrays:
                values = {name: arrays[name] for name in (*_ARRAYS, "settings") if name in arrays}
    if size > MAX_TRACE_BYTES:
        raise ValueError(f"its arrays have more than {MAX_TRACE_BYTES:,} bytes")
    if not values:
        raise ValueError("it is no .npz file of gazing_info that can be read: write it again")
    if "settings" in values:
        values["settings"] = _parsed(str(values["settings"]))
    return values


def _json_values(data: Buffer) -> dict[str, Any]:
    try:
        values = _parsed(bytes(data).decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no JSON: byte {error.start} is not UTF-8") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT or values.get("version") != VERSION:
        raise ValueError(f'gazing_info in JSON says "format": "{FORMAT}", "version": {VERSION}')
    if isinstance(values.get("times"), list):
        values["times"] = [math.nan if time is None else time for time in values["times"]]
    return values


def _parsed(text: str) -> Any:
    try:
        return load_json(text, max_values=MAX_TRACE_BYTES)
    except JsonError as error:
        raise ValueError(f"it is no JSON that can be read, it is {error}") from None


def _array(name: str, value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be an array, its rows of one length") from None
    if array.size == 0:
        array = array.astype(np.float64 if name == "times" else np.int64)
        if name == "tiles":
            array = array.reshape(0, 6)
    kinds = {"if_padded_gazing": "bi", "times": "if"}.get(name, "i")
    if array.dtype.kind not in kinds:
        raise ValueError(f"{name} has values of type {array.dtype}, which are none of its own")
    rank = 2 if name in ("gazing_pos", "if_padded_gazing", "tiles") else 1
    if array.ndim != rank:
        raise ValueError(f"{name} has {rank} axes, got shape {array.shape}")
    return array

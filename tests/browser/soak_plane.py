"""The memory of the graphics card while it does the pixel work of the soak, as sizes replace each other."""

from __future__ import annotations

from in_page import in_page
from live_page import drawing_worker, shown_at_rest
from soak_stage import Stage

# More than one row of blocks, an odd one, and none twice in a row.
_WIDTHS = (161, 320, 480)
_PASSES = 2
_PICTURES = 4
_PIXEL_BYTES = 4
_NOTHING = {"buffers": 0, "textures": 0, "bytes": 0}


def in_use(stage: Stage) -> dict[str, int]:
    """Buffers and textures that were made and not destroyed, and their bytes."""
    return dict(in_page(drawing_worker(stage.page), "worker_hooks.gpuMemory"))


def assert_sizes_are_freed(stage: Stage, width: int, pixels: str) -> None:
    """Sizes replace each other on the graphics card; then the pixels go back to Python. No model is in use.

    Args:
        stage: a page with WebGPU that streams a source of 16:9 without a model.
        width: of the frames before and afterwards.
        pixels: the same of the option `pixels`.
    """
    stage.give(pixels="cpu")
    _wait_gpu(stage, "cpu")
    assert in_use(stage) == _NOTHING, "before"
    stage.give(pixels="gpu")
    for each in _WIDTHS * _PASSES:
        memory = _of_size(stage, each)
        frame = each * round(each * 9 / 16) * _PIXEL_BYTES
        assert memory["textures"] == 1, f"of other sizes than {each}: {memory}"
        # Its pictures, and what they come in and are read through: how much of that depends on what overlaps.
        assert _PICTURES * frame < memory["bytes"] < 4 * _PICTURES * frame, f"{each}: {memory}"
    stage.give(pixels="cpu", inference_width=width)
    _wait_gpu(stage, "cpu")
    assert in_use(stage) == _NOTHING, "afterwards"
    stage.give(pixels=pixels)
    _wait_gpu(stage, "cpu" if pixels == "auto" else pixels)


def _of_size(stage: Stage, width: int) -> dict[str, int]:
    """What is in use after some frames of a width, at rest."""
    stage.give(inference_width=width)
    _wait_gpu(stage, "gpu", width)
    stage.frames(3)
    stage.page.click("#run")
    shown_at_rest(stage.page)
    memory = in_use(stage)
    stage.page.click("#run")
    return memory


def _wait_gpu(stage: Stage, pixels: str, width: int | None = None) -> None:
    """Waits for a frame, perhaps of a width, that the processor or the graphics card has worked on."""
    in_page(stage.page, "followed_stream.waitPixels", pixels, width)

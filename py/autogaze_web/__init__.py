"""NVIDIA AutoGaze without CUDA: in a browser tab through Pyodide, or natively through ONNX Runtime.

Masks, panels and numbers of any frames, with NumPy alone::

    from autogaze_web import LiveSettings, LiveView

    view = LiveView(LiveSettings.of({"patch-diff-threshold": 0.3}))
    report = view.step(frame)  # (H, W, 3) uint8; view.mask and view.output are the panels

The model, with the calls of NVIDIA's code (``pip install 'autogaze-web[native]'``)::

    from autogaze_web import AutoGaze, AutoGazeImageProcessor

    model = AutoGaze.from_pretrained(folder)  # or a Hugging Face id: "nvidia/AutoGaze"
    processor = AutoGazeImageProcessor.from_pretrained(folder)
    video = processor(frames)[None]  # frames: (T, H, W, 3) uint8
    gaze = model({"video": video}, gazing_ratio=0.75, task_loss_requirement=0.7)

What stands at the top:

========================  ==========================================================================
`AutoGaze`                the model: whole clips, streams, large frames in tiles
`AutoGazeImageProcessor`  8-bit frames to the video that the model takes
`AutoGazeConfig`          the numbers of a ``config.json``
`Gaze`                    what the model chose of a clip
`Cells`                   the cells chosen of one frame
`Choice`                  the same with the source's token ids, padding and decoder steps
`PatchDiff`               the mask source without a model: cells that changed
`footprint`               cells to the pixels that they mask
`LiveView`                a stream of frames to mask panel, output panel and numbers
`LiveSettings`            its options, under the names of the page
`Tiling`                  how large frames are cut into tiles
`GazingInfo`              what a vision encoder is told about a gaze
`SiglipVisionModel`       a vision encoder that reads only gazed patches
`SiglipImageProcessor`    8-bit frames to the video that it takes
`FrameDecoder`            rebuilds a frame from the features of the built-in encoder
========================  ==========================================================================

Each has a docstring with an example. In examples ``frames`` is a clip of (T, H, W, 3) uint8, ``frame`` one of
its frames, ``folder`` a checkpoint's folder, ``model`` an `AutoGaze`, ``video`` the processed clip,
``siglip_folder`` the folder of a SigLIP checkpoint and ``encoder_folder`` that of the built-in encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .encoder.processor import SiglipImageProcessor as SiglipImageProcessor
    from .live.settings import LiveSettings as LiveSettings
    from .live.view import LiveView as LiveView
    from .masks.cells import Cells as Cells
    from .masks.choice import Choice as Choice
    from .masks.footprint import footprint as footprint
    from .masks.patch_diff import PatchDiff as PatchDiff
    from .model.config import AutoGazeConfig as AutoGazeConfig
    from .model.gaze import Gaze as Gaze
    from .model.processor import AutoGazeImageProcessor as AutoGazeImageProcessor
    from .native.autogaze import AutoGaze as AutoGaze
    from .native.frame_decoder import FrameDecoder as FrameDecoder
    from .native.siglip import SiglipVisionModel as SiglipVisionModel
    from .readout.gazing_info import GazingInfo as GazingInfo
    from .tiles.tiling import Tiling as Tiling

__version__ = "0.1.0"

# A name loads its module when it is first used: importing the package costs a page's start nothing.
__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "encoder.processor": "SiglipImageProcessor",
        "live.view": "LiveSettings LiveView",
        "masks.cells": "Cells",
        "masks.choice": "Choice",
        "masks.footprint": "footprint",
        "masks.patch_diff": "PatchDiff",
        "model.config": "AutoGazeConfig",
        "model.gaze": "Gaze",
        "model.processor": "AutoGazeImageProcessor",
        "native.autogaze": "AutoGaze",
        "native.frame_decoder": "FrameDecoder",
        "native.siglip": "SiglipVisionModel",
        "readout.gazing_info": "GazingInfo",
        "tiles.tiling": "Tiling",
    },
)
__all__.append("__version__")

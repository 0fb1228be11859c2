"""How frames are fed to AutoGaze: squeezed into its input, or in tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ..limits import MAX_SIDE, MAX_TILES, MAX_WINDOW, is_finite, is_whole, shown
from ..masks.choice import Description
from ..options import REALTIME, Value
from .tiling import TILE_BATCH, Tiling

if TYPE_CHECKING:  # the page starts without a model
    from ..model.config import AutoGazeConfig
    from ..model.controls import StreamControls

ModeName = Literal["realtime", "tiled", "full-resolution"]


@dataclass(frozen=True)
class InferenceMode:
    """A mode and its settings.

    Attributes:
        mode: ``realtime``: one input of the model's size per frame. ``tiled``: frames stretched to a complete
            grid of such inputs. ``full-resolution``: frames cut into such inputs as they are.
        stride: pixels from one tile to the next in ``full-resolution``; at most the tile's side.
        batch_size: most tiles that are computed at once; each batch is followed by an intermediate result.
        frames: number of frames that the model attends to at once, the newest included; at most those of its
            training.
        coverage_stop: share of a frame or tile at which its cells cover enough for it to end; 0 for none.
    """

    mode: ModeName = "realtime"
    stride: int = 224
    batch_size: int = TILE_BATCH
    frames: int = 16
    coverage_stop: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in get_args(ModeName):
            raise ValueError(f"the mode is one of {', '.join(get_args(ModeName))}, got {shown(self.mode)}")
        for name, value, most in (
            ("the stride", self.stride, MAX_SIDE),
            ("a batch of tiles", self.batch_size, MAX_TILES),
            ("a clip", self.frames, MAX_WINDOW),
        ):
            if not is_whole(value) or value < 1:
                raise ValueError(f"{name} is at least 1, got {shown(value)}")
            if value > most:
                raise ValueError(f"{name} is at most {most}, got {shown(value)}")
        if not is_finite(self.coverage_stop) or not 0 <= self.coverage_stop <= 1:
            raise ValueError(f"the coverage stop is a share of 0 to 1, got {shown(self.coverage_stop)}")

    @staticmethod
    def of(values: Mapping[str, Value]) -> InferenceMode:
        """From all options' values (``options.parse``)."""
        return InferenceMode(
            str(values["mode"]),  # type: ignore[arg-type]
            int(values["tile-stride"]),
            int(values["tile-batch-size"]),
            int(values["frames-per-clip"]),
            float(values["coverage-stop"]),
        )

    def controls(
        self,
        config: AutoGazeConfig,
        max_tokens: int | None = None,
        task_loss_requirement: float | None = None,
    ) -> StreamControls:
        """The controls of a stream, or of every tile of it, in this mode.

        Args:
            max_tokens: most tokens of a frame or tile; None for the config's own budget.
            task_loss_requirement: at which a frame stops; None for no early stop.
        """
        from ..model.controls import StreamControls, limited_budget, own_budget

        ratio = 1.0 if config.gazing_ratio is None else config.gazing_ratio
        return StreamControls(
            gazing_ratio=1.0 if limited_budget(config, max_tokens) > own_budget(config) else ratio,
            task_loss_requirement=task_loss_requirement,
            window=min(self.frames, config.max_num_frames),
            max_tokens=max_tokens,
            coverage_stop=self.coverage_stop,
        )

    @property
    def tiled(self) -> bool:
        """Whether frames are cut into tiles."""
        return self.mode != REALTIME

    def tiling(self, height: int, width: int, tile: int) -> Tiling:
        """How frames of ``height x width`` are cut into tiles of the model's side.

        Raises:
            ValueError: if the mode has no tiles.
        """
        if self.mode == "tiled":
            return Tiling.anyres(height, width, tile)
        if self.mode == "full-resolution":
            return Tiling.full_resolution(height, width, tile, min(self.stride, tile))
        raise ValueError(f"the mode {self.mode} has no tiles")

    def describe(self, config: AutoGazeConfig, controls: StreamControls) -> Description:
        """AutoGaze in this mode as a trace names it (``docs/trace.md``)."""
        tile = config.input_img_size
        stride = {"tile_stride": min(self.stride, tile)} if self.mode == "full-resolution" else {}
        return {
            "name": "autogaze",
            "mode": self.mode,
            **({"tile": tile, **stride} if self.tiled else {}),
            "grids": list(config.scale_grids()),
            "gazing_ratio": controls.gazing_ratio,
            "task_loss_requirement": controls.task_loss_requirement,
            "max_tokens": controls.max_tokens,
            **({"coverage_stop": controls.coverage_stop} if controls.coverage_stop else {}),
            "window": controls.window_frames(config),
        }

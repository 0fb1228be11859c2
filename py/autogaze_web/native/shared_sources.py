"""Mask sources of several threads that share one model."""

from __future__ import annotations

from .gathered import GatheredStreams, GatheredTiles
from .sources import AutoGazeSource, GazeSettings, LoadedModel, OnTiles, TiledAutoGazeSource, gaze_source


class SharedSources:
    """Mask sources for videos that are processed side by side, each by a thread.

    On a GPU what the videos want next is computed as one batch. On a CPU that would take as long as one by
    one, and longer where frames end early, so there each thread runs the model by itself.

    Args:
        count: videos at a time, at most.
    """

    def __init__(self, loaded: LoadedModel, settings: GazeSettings, count: int) -> None:
        self._loaded, self._settings = loaded, settings
        self._streams: GatheredStreams | None = None
        self._tiles: GatheredTiles | None = None
        model = loaded.model
        if model.runtime.batches:
            if settings.mode.tiled:
                self._tiles = GatheredTiles(model)
            else:
                self._streams = GatheredStreams(model, settings.controls(model.config), count)

    def open(self) -> Place:
        """A place for a video.

        Raises:
            RuntimeError: if ``count`` videos have one.
        """
        return Place(self._loaded, self._settings, self._streams, self._tiles)

    def stop(self) -> None:
        """Ends all waiting: whoever waits for a choice, or asks for one, gets a `StoppedError`."""
        for gathered in (self._streams, self._tiles):
            if gathered is not None:
                gathered.gathering.stop()


class Place:
    """A video's place among others; made by `SharedSources.open`."""

    def __init__(
        self,
        loaded: LoadedModel,
        settings: GazeSettings,
        streams: GatheredStreams | None,
        tiles: GatheredTiles | None,
    ) -> None:
        self._loaded, self._settings = loaded, settings
        self._stream = None if streams is None else streams.open()
        self._tiles = None if tiles is None else tiles.open()

    def source(self, on_tiles: OnTiles | None = None) -> AutoGazeSource | TiledAutoGazeSource:
        """The video's mask source; see `gaze_source`."""
        drive = None if self._tiles is None else self._tiles.drive
        return gaze_source(self._loaded, self._settings, on_tiles, self._stream, drive)

    def close(self) -> None:
        """The source has chosen from its last frame: nobody waits for it any more. May be called again."""
        for each in (self._stream, self._tiles):
            if each is not None:
                each.close()

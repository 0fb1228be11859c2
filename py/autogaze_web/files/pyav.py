"""PyAV, which the extra ``[video]`` installs."""

from __future__ import annotations

from types import ModuleType


def pyav() -> ModuleType:
    """The module `av`.

    Raises:
        ImportError: saying how to install it.
    """
    try:
        import av
        import av.error
        import av.sidedata.sidedata
        import av.stream
        import av.video.reformatter
    except ModuleNotFoundError:
        raise ImportError(
            "reading and writing videos needs PyAV: pip install 'autogaze-web[video]'"
        ) from None
    module: ModuleType = av
    return module

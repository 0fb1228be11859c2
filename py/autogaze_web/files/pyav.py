"""PyAV, which the extra ``[video]`` installs."""

from __future__ import annotations

from types import ModuleType

_LOWEST, _BEYOND = 17, 19  # as in pyproject.toml; `av.open` of 19 has no metadata_errors


def pyav() -> ModuleType:
    """The module `av`.

    Raises:
        ImportError: saying how to install it, or a version that is supported.
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
    if not _LOWEST <= int(module.__version__.partition(".")[0]) < _BEYOND:
        raise ImportError(
            f"PyAV {module.__version__} is not supported, {_LOWEST} to {_BEYOND - 1} are: "
            "pip install 'autogaze-web[video]'"
        )
    return module

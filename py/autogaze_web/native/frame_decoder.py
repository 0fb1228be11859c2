"""`FrameDecoder`: rebuilds a frame from the features of gazed patches, on native ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..encoder.feature_memory import DecoderRows, expect_rows_of, newest_rows
from ..encoder.frame_decoder import CONFIG_NAME, WEIGHTS_NAME, FrameDecoderCheckpoint, FrameDecoderConfig
from ..model.pretrained import pretrained_folder
from .runtime import check_threads, create_session, require_native

if TYPE_CHECKING:
    import onnxruntime as ort


class FrameDecoder:
    """Shows what a vision encoder's features still contain of a frame.

    It belongs to one encoder, the built-in one, whose folder it shares (``docs/encoder.md``).

    Examples:
        >>> from autogaze_web import FrameDecoder, SiglipImageProcessor, SiglipVisionModel
        >>> from autogaze_web.encoder import FeatureMemory
        >>> encoder = SiglipVisionModel.from_pretrained(encoder_folder)
        >>> decoder = FrameDecoder.from_pretrained(encoder_folder)
        >>> memory = FeatureMemory.of(decoder.config)
        >>> pixels = SiglipImageProcessor.from_pretrained(encoder_folder)(frames[:1])
        >>> memory.add(encoder(pixels[None]).last_hidden_state[0], range(265))
        >>> rows = memory.rows()
        >>> decoder(rows.features, rows.patch_ids, rows.ages).shape
        (3, 224, 224)
    """

    def __init__(self, checkpoint: FrameDecoderCheckpoint, threads: int | None = None) -> None:
        """Args:
        checkpoint: config and weights.
        threads: CPU threads within an operator, 1 to 1024; None lets ONNX Runtime choose.
        """
        require_native()
        check_threads(threads)
        import onnxruntime as ort

        self.config: FrameDecoderConfig = checkpoint.config
        self._threads = threads
        # Sessions refer to these values without copying them, so they must outlive the sessions.
        self._weights = {
            name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in checkpoint.weights.items()
        }
        self._session: ort.InferenceSession | None = None

    @staticmethod
    def from_pretrained(
        source: str | Path, *, threads: int | None = None, revision: str | None = None
    ) -> FrameDecoder:
        """Loads a decoder.

        Args:
            source: a folder with ``decoder.json`` and ``decoder.safetensors``, or the id of a repository;
                see `AutoGaze.from_pretrained`.
            threads: CPU threads within an operator; None lets ONNX Runtime choose.
            revision: branch, tag or commit of the repository.

        Raises:
            ValueError: if the decoder is not available, or a file is missing, damaged, or does not fit the
                other; a tensor that is missing is named.
        """
        require_native()
        folder = pretrained_folder(source, (CONFIG_NAME, WEIGHTS_NAME), revision)
        return FrameDecoder(FrameDecoderCheckpoint.from_folder(folder), threads)

    def __call__(self, features: Any, patch_ids: Any, ages: Any) -> NDArray[np.float32]:
        """Rebuilds one frame.

        Args:
            features: (m, H) float32, from the encoder's ``last_hidden_state``, of this frame and earlier
                ones; m may be 0. Of features of one patch the newest counts; `FeatureMemory` keeps those.
            patch_ids: (m,) integers, each row's patch within its frame.
            ages: (m,) integers, 0 for the frame to rebuild, 1 for the one before, and so on.

        Returns:
            (3, S, S) float32 in the range of `SiglipImageProcessor`, about -1 to 1.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.
        """
        return self.decode(newest_rows(features, patch_ids, ages, self.config))

    def decode(self, rows: DecoderRows) -> NDArray[np.float32]:
        """Rebuilds a frame from the rows of a `FeatureMemory`.

        Args:
            rows: of this decoder's width, patches and window.

        Returns:
            (3, S, S) float32 in the range of `SiglipImageProcessor`, about -1 to 1; S is ``image_size``.

        Raises:
            ValueError: if the rows are of another decoder.
        """
        expect_rows_of(self.config, rows)
        if self._session is None:
            from ..graph.frame_decoder import frame_decoder_graph

            self._session = create_session(frame_decoder_graph(self.config), self._weights, self._threads)
        pixels: NDArray[np.float32] = self._session.run(["pixels"], rows.feeds())[0]
        return pixels

"""A vision encoder in the page: read and checked here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/model/loaded_encoder.mjs`` is the other side.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..encoder.checkpoint import tower_entries, tower_shards
from ..encoder.config import SiglipConfig
from ..encoder.frame_decoder import CONFIG_NAME, FrameDecoderConfig, check_encoder, decoder_entries
from ..encoder.graph_choice import choose_encoder_graphs
from ..encoder.processor import SiglipImageProcessor
from ..formats.json_text import parse_json
from ..formats.safetensors import Buffer
from ..formats.safetensors_index import WeightMap, read_index
from ..model.checkpoint import WEIGHTS_NAME
from ..model.config_section import ConfigError


class PageEncoder:
    """The vision tower of one checkpoint; of one with both towers only its tensors are named.

    Attributes:
        config: the tower's.
        processor: prepares its frames.
        decoder: the frame decoder's config, once it was read.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be None, then SigLIP's processing applies.
        scales, attn_type, frame_independent: see `SiglipConfig.from_dict`; None leaves those of the config.
        index: the text of ``model.safetensors.index.json``; None if the weights are one file.

    Raises:
        ValueError: if a text is damaged or describes another model.
    """

    def __init__(
        self,
        config: str,
        preprocessor: str | None,
        scales: str | None = None,
        attn_type: str | None = None,
        frame_independent: bool | None = None,
        index: str | None = None,
    ) -> None:
        try:
            values = parse_json(config, "config.json")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self.config: SiglipConfig = SiglipConfig.from_dict(values, scales, attn_type, frame_independent)
        settings = {} if preprocessor is None else parse_json(preprocessor, "preprocessor_config.json")
        self.processor: SiglipImageProcessor = SiglipImageProcessor.from_dict(settings)
        self.decoder: FrameDecoderConfig | None = None
        self._map: WeightMap | None = None if index is None else read_index(index)

    def files(self) -> list[str]:
        """The names of the files that hold tensors of the tower."""
        return [WEIGHTS_NAME] if self._map is None else tower_shards(self._map)

    def read_heads(self, heads: Sequence[tuple[str, Buffer, int]]) -> str:
        """Reads the headers of the files, and says where the tower's tensors lie.

        Args:
            heads: of each of `files` the name, the first bytes (the header with its length before it) and the
                size.

        Returns:
            JSON: for each file that has some, by its name: name, dtype, first byte and end of each tensor.

        Raises:
            ValueError: if a header is damaged, or a tensor is missing or does not fit the config.
        """
        found = {name: (head, size) for name, head, size in heads}
        tables = tower_entries(self.config, found, self._map)
        return json.dumps(
            {
                file: [[name, each.dtype, each.start, each.end] for name, each in entries.items()]
                for file, entries in tables.items()
            }
        )

    def read_decoder(self, config: str, head: Buffer, size: int) -> str:
        """Reads the frame decoder's config and header, and says where its tensors lie.

        Args:
            config: the text of ``decoder.json``.
            head, size: of ``decoder.safetensors``, see `read_heads`.

        Returns:
            JSON: name, dtype, first byte and end of each tensor.

        Raises:
            ValueError: if a file is damaged, or the decoder is not this encoder's.
        """
        decoder = FrameDecoderConfig.from_dict(parse_json(config, CONFIG_NAME))
        check_encoder(decoder, self.config)
        entries = decoder_entries(decoder, head, size)
        self.decoder = decoder
        return json.dumps([[name, each.dtype, each.start, each.end] for name, each in entries.items()])

    def choose_graphs(self, manifest: str) -> str:
        """The graphs of ``encoder_graphs.json`` for it, as JSON; see `choose_encoder_graphs`."""
        return choose_encoder_graphs(manifest, self.config, self.decoder)

    def description(self) -> str:
        """What it is, as JSON: `EncoderDescription` in ``wasm_bridge/model/encoder_types.mjs``."""
        config = self.config
        return json.dumps(
            {
                "layers": config.num_hidden_layers,
                "hidden": config.hidden_size,
                "scales": config.scales,
                "grids": config.grids,
                "patches": config.patch_scales.patches,
                "patchSize": config.patch_size,
                "side": self.decoder.image_size if self.decoder else 0,
            }
        )

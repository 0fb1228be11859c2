"""The weights with which the training of the encoder starts.

Patches start as their principal components, and paint as the way back. From random weights it takes long
until the decoder shows more than flat patches.
"""

from __future__ import annotations

import torch
from torch import nn

from .encoder_network import Encoder, FrameDecoder

_WHITENING = 0.5
"""0 leaves the components their variances, 1 makes them alike. Halfway, fine detail still counts."""
_DEPTH_GAIN = 0.2


def set_starting_weights(
    encoder: Encoder, decoder: FrameDecoder, patches: torch.Tensor, generator: torch.Generator
) -> None:
    """Sets all weights.

    Args:
        patches: (M, P) pixels of patches, of which the principal components are taken.
        generator: on the CPU.
    """
    for model in (encoder, decoder):
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.trunc_normal_(module.weight, std=0.3, generator=generator)
        for name, module in model.named_modules():
            if name.endswith(("out_proj", "fc2")):
                module.weight.data.mul_(_DEPTH_GAIN)
    for weight in (decoder.mask_token, decoder.empty_row):
        nn.init.trunc_normal_(weight, std=0.02, generator=generator)
    basis, back, mean = _components(patches.double().cpu(), encoder.config.hidden_size)
    embedding = encoder.vision_model.embeddings.patch_embedding
    embedding.weight.data.copy_(basis.reshape(embedding.weight.shape))
    if embedding.bias is not None:
        embedding.bias.data.copy_(-basis @ mean)
    decoder.paint.weight.data.copy_(back)
    decoder.pixels.weight.data.mul_(0.1)
    # The finest paint that there is, until the queries have learned which to show.
    decoder.gates.weight.data.mul_(0.1)
    decoder.gates.bias.data.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4])[-len(decoder.config.scales) :])


def _components(patches: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Components (width, P), their inverse (P, width) and the mean (P)."""
    mean = patches.mean(0)
    centred = patches - mean
    variance, vectors = torch.linalg.eigh(centred.T @ centred / len(patches))
    variance, vectors = variance.flip(0)[:width], vectors.flip(1)[:, :width]
    size = variance.clamp_min(1e-6).pow(_WHITENING / 2)
    basis, back = vectors.T / size[:, None], vectors * size
    missing = width - len(basis)
    if missing > 0:
        basis = torch.cat([basis, torch.zeros(missing, patches.shape[1]).double()])
        back = torch.cat([back, torch.zeros(patches.shape[1], missing).double()], 1)
    return basis, back, mean

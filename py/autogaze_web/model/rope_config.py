"""Reads the rotary position settings of a decoder, as transformers 4 or transformers 5 writes them.

transformers 4 writes ``rope_theta`` and ``rope_scaling`` (null for none). transformers 5 writes one object,
``rope_parameters``, with ``rope_theta`` in it; or an object of such objects, one for each type of layer.
Whatever is not understood is an error: a model whose positions are encoded in another way would run and
choose wrong tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..limits import shown
from .config_section import ConfigError, Section

# The default of transformers' Llama, for configs in which no position setting is written at all.
DEFAULT_THETA = 10000.0


@dataclass(frozen=True)
class RopeScaling:
    """Scaling of the rotary frequencies: ``llama3`` (four numbers) or ``linear`` (the factor alone)."""

    rope_type: str
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192


def read_rope(decoder: Section) -> tuple[float, RopeScaling | None]:
    """Base of the rotary frequencies, and their scaling (None for none).

    Raises:
        ConfigError: naming the field that is missing, not understood, or contradicts another.
    """
    _check_whole_heads(decoder)
    _check_layer_types(decoder)
    old, new = _sections(decoder, "rope_scaling"), _sections(decoder, "rope_parameters")
    for section in (*old, *new):
        _check_whole_heads(section)
    theta = _one_theta([decoder, *old, *new])
    if theta is None and new:
        raise ConfigError(
            f"config.json has no {new[0].name('rope_theta')}: add the base of the rotary frequencies "
            "that the model was trained with"
        )
    return DEFAULT_THETA if theta is None else theta, _one_scaling([*old, *new], decoder)


def _one_theta(sections: list[Section]) -> float | None:
    """The base that all sections agree on; None if none gives one."""
    given = [section for section in sections if section.get("rope_theta") is not None]
    values = [section.number("rope_theta") for section in given]
    for section, value in zip(given, values, strict=True):
        if value != values[0]:
            raise ConfigError(
                f"config.json: {given[0].name('rope_theta')} is {values[0]:g}, but "
                f"{section.name('rope_theta')} is {value:g}: remove the one that it was not trained with"
            )
    return values[0] if values else None


def _one_scaling(sections: list[Section], decoder: Section) -> RopeScaling | None:
    """The scaling that all sections agree on; None for none."""
    scalings = [_scaling(section, decoder) for section in sections]
    for section, scaling in zip(sections, scalings, strict=True):
        if scaling != scalings[0]:
            raise ConfigError(
                f"config.json: {sections[0].path} and {section.path} ask for different position encodings, "
                "but all layers share one: remove the one that the model was not trained with"
            )
    return scalings[0] if scalings else None


def _sections(decoder: Section, key: str) -> list[Section]:
    """The objects with settings under a key: none, one, or one for each type of layer."""
    if not decoder.get(key):
        return []
    section = decoder.section(key)
    nested = [name for name in section.present() if isinstance(section.get(name), Mapping)]
    if not nested:
        return [section]
    if len(nested) != len(section.present()):
        raise ConfigError(
            f"config.json: {section.path} mixes settings with objects of settings: expected either "
            'rope_type and rope_theta in it, or one object for each type of layer, such as "full_attention"'
        )
    used = nested if decoder.get("layer_types") is None else ["full_attention"]
    return [section.section(name) for name in used]


def _scaling(section: Section, decoder: Section) -> RopeScaling | None:
    given = {key: section.get(key) for key in ("rope_type", "type") if section.get(key) is not None}
    if not given and not set(section.present()) - {"rope_theta", "partial_rotary_factor"}:
        return None
    if len(set(map(repr, given.values()))) != 1:
        raise ConfigError(
            f"config.json: {section.path} must have one rope_type ('default', 'linear' or 'llama3'), "
            f"got {shown(given) if given else 'none'}"
        )
    kind = next(iter(given.values()))
    if kind == "default":
        return None
    if kind == "linear":
        return RopeScaling("linear", section.number("factor"))
    if kind != "llama3":
        raise ConfigError(
            f"config.json: {section.name(next(iter(given)))} is {shown(kind)}, but only 'default', 'linear' "
            "and 'llama3' can be run: use a checkpoint with one of these position encodings"
        )
    low, high = section.number("low_freq_factor"), section.number("high_freq_factor")
    if high <= low:
        raise ConfigError(
            f"config.json: {section.name('high_freq_factor')} ({high}) must be above low_freq_factor ({low})"
        )
    key = "original_max_position_embeddings"
    outer = decoder.integer(key) if decoder.get(key) is not None else None
    original = section.integer(key, outer)
    if outer is not None and outer != original:
        raise ConfigError(
            f"config.json: {section.name(key)} is {original}, but {decoder.name(key)} is {outer}: "
            "remove the one that the model was not trained with"
        )
    return RopeScaling("llama3", section.number("factor"), low, high, original)


def _check_whole_heads(section: Section) -> None:
    key = "partial_rotary_factor"
    if section.get(key) is not None and section.number(key) != 1:
        raise ConfigError(
            f"config.json: {section.name(key)} is {shown(section.get(key))}, but only 1 can be run: "
            "rotary positions turn whole heads here"
        )


def _check_layer_types(decoder: Section) -> None:
    types = decoder.get("layer_types")
    if types is None:
        return
    other = [kind for kind in types if kind != "full_attention"] if isinstance(types, list) else [types]
    if other:
        raise ConfigError(
            f"config.json: {decoder.name('layer_types')} has {shown(other[0])}, "
            "but only 'full_attention' can be run"
        )

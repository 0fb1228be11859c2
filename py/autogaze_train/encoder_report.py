"""The figures of the encoder's evaluation as a Markdown table."""

from __future__ import annotations

from typing import Any

import numpy as np

from .encoder_evaluation import METHODS


def encoder_averages(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Each method's PSNR by share of the tokens, all kinds of motion counting alike."""
    kinds = list(results["kinds"].values())
    return {
        share: {
            method: round(float(np.mean([kind["at"][share][method] for kind in kinds])), 2)
            for method in METHODS
        }
        for share in results["tokens"]
    }


def encoder_table(results: dict[str, Any]) -> str:
    """Markdown: PSNR by kind of motion, share of the tokens and way of choosing."""
    tokens = results["tokens"]
    lines = ["PSNR of the rebuilt frames in dB; the best at each share of the tokens in bold.", ""]
    lines.append("| motion | all tokens | tokens | " + " | ".join(METHODS) + " |")
    lines.append("|---|---|---|" + "---|" * len(METHODS))
    kinds = results["kinds"]
    every = round(float(np.mean([kind["all tokens"] for kind in kinds.values()])), 2)
    rows = [("**all, on average**", every, encoder_averages(results))]
    rows += [(name, kind["all tokens"], kind["at"]) for name, kind in kinds.items()]
    for name, whole, at in rows:
        for number, (share, row) in enumerate(at.items()):
            best = max(row.values())
            cells = [f"**{v:.1f}**" if v == best else f"{v:.1f}" for v in row.values()]
            first = (name, f"{whole:.1f}") if number == 0 else ("", "")
            lines.append(
                f"| {first[0]} | {first[1]} | {tokens[share]} ({float(share):.0%}) | {' | '.join(cells)} |"
            )
    lines += [
        "",
        "With the page's defaults, at most 16 tokens a frame and AutoGaze's default requirement; the page "
        "encodes all tokens of the first frame.",
        "",
        "| motion | tokens per frame | PSNR of these alone, dB | as in the page |",
        "|---|---|---|---|",
    ]
    for name, kind in kinds.items():
        page = kind["page"]
        lines.append(f"| {name} | {page['tokens']:.1f} | {page['psnr']:.1f} | {page['with keyframe']:.1f} |")
    return "\n".join(lines) + "\n"

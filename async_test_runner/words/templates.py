"""The templates of ``env`` values: ``{slot}``, ``{phase}``, ``{run_dir}``, ``{worker}``; ``{{`` is a brace."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .wording import did_you_mean, listed, quoted

NAMES = ("phase", "run_dir", "slot", "worker")

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


def template_problem(text: str) -> str:
    """What is wrong with a template, ending with the remedy; empty when it is sound."""
    for found in _PIECE.finditer(text):
        piece = found.group()
        if len(piece) == 1:
            return f'stray "{piece}"; write "{piece}{piece}" for the character itself'
        if piece not in ("{{", "}}") and piece[1:-1] not in NAMES:
            name = piece[1:-1]
            remedy = did_you_mean(name, NAMES) or f"known are {listed(NAMES)}"
            return f'unknown template {quoted(piece)}; {remedy} (write "{{{{" for a brace itself)'
    return ""


def expand(text: str, values: Mapping[str, str]) -> str:
    """A checked template with its values filled in; ``KeyError`` for a name without a value."""
    return _PIECE.sub(lambda found: _expanded(found.group(), values), text)


def _expanded(piece: str, values: Mapping[str, str]) -> str:
    return piece[0] if piece in ("{{", "}}") else values[piece[1:-1]]


def template_values(phase: str, run_dir: str, slot: int, worker: str) -> dict[str, str]:
    """What ``{phase}``, ``{run_dir}``, ``{slot}`` and ``{worker}`` stand for."""
    return {"phase": phase, "run_dir": run_dir, "slot": str(slot), "worker": worker}

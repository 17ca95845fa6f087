"""How many workers a phase has."""

from __future__ import annotations

import os

from ..model.inventory import PytestFacts
from ..model.plan import Phase
from ..model.vocabulary import Isolation


def workers_of(phase: Phase, facts: PytestFacts) -> int:
    """How many workers a phase has: its own number, or for an undivided phase the ``-n`` of pytest's configuration."""
    if phase.workers == "auto":
        return processors()
    if phase.workers is not None:
        return phase.workers
    return max(1, facts.numprocesses) if phase.isolation is Isolation.PHASE else 1


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""From pytest's reports of one test to one outcome. Pure; tested as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..contract.messages import Stage
from ..model.result import Detail
from ..model.vocabulary import Outcome

_STAGE_OUTCOMES = {
    "passed": Outcome.PASSED,
    "skipped": Outcome.SKIPPED,
    "xfailed": Outcome.XFAILED,
    "xpassed": Outcome.XPASSED,
}
_MEMORY_ERROR = re.compile(r"[\w.]*MemoryError\b")
_UNAWAITED = re.compile(r"(Skipped: )?async def function and no async plugin installed")  # pytest before 8.4
RERUN = "rerun"  # what pytest-rerunfailures calls a failure that it will try again


def attempts(stages: Sequence[Stage]) -> list[list[Stage]]:
    """The stages of each try within one execution: more than one where a plugin repeats tests by itself."""
    tries: list[list[Stage]] = [[]]
    for stage in stages:
        tries[-1].append(stage)
        if stage.outcome == RERUN:
            tries.append([])
    return tries


def outcome(stages: Sequence[Stage]) -> Outcome:
    """One outcome for the stages that are not simply passed.

    A failed call stays a failure whatever the teardown does; a failure outside the call is an error. A subtest that
    fails makes its test fail; one that is skipped says nothing about the test. A coroutine that pytest skips because
    nothing awaits it has failed, as it does in newer versions: nobody asked for that skip. An outcome that pytest does
    not have is an error: a plugin made it up, and nobody knows what it means.
    """
    result = Outcome.PASSED
    for stage in stages:
        if stage.outcome in ("failed", RERUN) or _is_unawaited(stage):
            if stage.when == "call":
                return Outcome.FAILED
            result = Outcome.ERROR
        elif stage.outcome not in _STAGE_OUTCOMES:
            result = Outcome.ERROR
        elif not stage.sub and result is Outcome.PASSED:
            result = _STAGE_OUTCOMES[stage.outcome]
    return result


def _is_unawaited(stage: Stage) -> bool:
    return stage.outcome == "skipped" and _UNAWAITED.match(stage.message) is not None


def is_out_of_memory(stages: Sequence[Stage]) -> bool:
    """Whether a stage failed with a ``MemoryError``, or one of a library's that says so by its name."""
    return any(stage.outcome == "failed" and _MEMORY_ERROR.match(stage.message) for stage in stages)


def details(stages: Sequence[Stage]) -> tuple[Detail, ...]:
    """The same stages as the model has them."""
    return tuple(Detail(stage.when, outcome([stage]), stage.message, stage.text) for stage in stages)

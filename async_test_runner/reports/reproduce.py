"""The command that runs one test of a run again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ..model import RunResult, TestResult
from .text import one_line


def line(result: RunResult, test: TestResult, cwd: Path) -> str:
    """``async-test-run run -c PLAN --test 'ID'``, quoted for a shell, on one line; the plan as seen from ``cwd``."""
    plan = Path(result.plan_path)
    if plan.is_absolute() and plan.is_relative_to(cwd):
        plan = Path(os.path.relpath(plan, cwd))
    return one_line(shlex.join(["async-test-run", "run", "-c", str(plan), "--test", test.id]))

"""The exit codes and the one tree of expected errors.

    RunnerError                 exit 3 unless a subclass says otherwise
    ├── UsageError              exit 2   flags, environment, files named on the command line
    │   ├── PlanError           exit 2   every problem of a plan at once, each with its place
    │   └── ChangedJournalError exit 2   a journal that is not as a run has written it
    ├── InfrastructureError     exit 4   a process could not start, a report could not be written
    │   └── ReportInputError    exit 4   a JUnit file that `merge` cannot use
    └── InternalError           exit 3   a bug of ours

Every expected error knows its exit code and a hint: the next command to type, or the line to change.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class ExitCode(enum.IntEnum):
    """What the process tells its caller; the meaning is part of the public surface."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INTERNAL = 3
    INFRASTRUCTURE = 4
    NOTHING_SELECTED = 5
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class RunnerError(Exception):
    """An expected error: shown as one message and a hint, never as a traceback."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RunnerError):
    """The command line, the environment or a file that it names is not usable."""

    exit_code = ExitCode.USAGE


class PlanError(UsageError):
    """One or more problems of a plan; ``problems`` holds one finished line each (``file:line:column: key: text``)."""

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = tuple(problems)


class ChangedJournalError(UsageError):
    """A journal that somebody has changed; the message begins with the file and, where it is known, the line."""


class InfrastructureError(RunnerError):
    """Something around the tests failed: a process did not start, a directory is not writable."""

    exit_code = ExitCode.INFRASTRUCTURE


class ReportInputError(InfrastructureError):
    """A report that is to be read is truncated, foreign or refused."""


class InternalError(RunnerError):
    """A bug of ours or a broken invariant."""

    exit_code = ExitCode.INTERNAL

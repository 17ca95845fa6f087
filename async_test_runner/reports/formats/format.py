"""What a report format is: a key of the plan and of the command line, a file in the run directory, and a renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ...model.errors import ExitCode
from ...model.inventory import PytestFacts
from ...model.result import RunResult


class Format(NamedTuple):
    """``key`` stands in the plan's ``reports``.

    ``file`` is its name in the run directory, where each run leaves one; ``example`` the name that the reference of
    the plan shows. ``title`` begins a sentence: "the merged JUnit XML". ``render`` is a pure function.
    """

    key: str
    file: str
    title: str
    example: str
    flag: str  # of `run` and `report`; empty for none
    render: Callable[[RunResult, ExitCode], Iterable[bytes]]
    of_pytest: Callable[[PytestFacts], str] = lambda _: ""  # the file that pytest's own configuration asks for

"""What a report format is: a key of the plan and of the command line, a file in the run directory, and a renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ...model.errors import ExitCode
from ...model.inventory import PytestFacts
from ...model.result import RunResult


class Format(NamedTuple):
    """``key`` stands in the plan's ``reports``.

    ``file`` is its name in the run directory; ``example`` the name that the reference of the plan shows. ``title``
    begins a sentence: "the merged JUnit XML". ``render`` is a pure function.

    Each run leaves a file of a format that is written ``always``. Of the others it leaves one where the command line
    or the plan asks for it. Their flag needs no value, and a value has the ``ending``: so that what follows the flag by
    accident, such as a phase, is not taken for a file.
    """

    key: str
    file: str
    title: str
    example: str
    flag: str  # of `run` and `report`; empty for none
    render: Callable[[RunResult, ExitCode], Iterable[bytes]]
    always: bool = True
    live: bool = False  # written again and again while the run goes on
    ending: str = ""
    of_pytest: Callable[[PytestFacts], str] = lambda _: ""  # the file that pytest's own configuration asks for

"""What a report format is: a key of the plan and of the command line, a file in the run directory, and a renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ...model.errors import ExitCode
from ...model.inventory import PytestFacts
from ...model.result import RunResult


class Format(NamedTuple):
    """``key`` stands in the plan's ``reports``.

    ``file`` is its name in the run directory; ``example`` the name that the reference of the plan shows. ``title``
    begins a sentence: "the merged JUnit XML". ``render`` is a pure function of the run, its exit code and the
    environment, in which a CI service says where the checkout is.

    Each run leaves a file of a format that is written ``always``. Of the others it leaves one where the command line
    or the plan asks for it. Their flag needs no value, and a value has the ``ending``: so that what follows the flag by
    accident, such as a phase, is not taken for a file.

    ``service`` is the variable with which a CI service says that it runs us, where a run has more for its log than this
    file. The plan may switch that off.
    """

    key: str
    file: str
    title: str
    example: str
    flag: str  # of `run` and `report`; empty for none
    render: Callable[[RunResult, ExitCode, Mapping[str, str]], Iterable[bytes]]
    always: bool = True
    live: bool = False  # written again and again while the run goes on
    ending: str = ""
    service: str = ""
    of_pytest: Callable[[PytestFacts], str] = lambda _: ""  # the file that pytest's own configuration asks for

"""What one pytest collection found, as frozen values."""

from __future__ import annotations

from typing import Literal

import msgspec

UNKNOWN_SOURCE = "?"


class CollectedTest(msgspec.Struct, frozen=True, gc=False):
    """One item of pytest's collection. ``line`` counts from 1; ``file`` is relative to pytest's rootdir.

    ``source`` is the file that it was collected from, where that is another one, and `UNKNOWN_SOURCE` where it is none.
    ``unawaited``: a coroutine that no plugin of this pytest would await.
    ``matches`` holds the positions of the expressions (`Inventory.expressions`) that pytest found true for it.
    ``parameters`` are the values of its parameters in one line, as far as they have a lasting form.
    ``depends`` are tests that have to pass before it in its process, or a plugin skips it.
    """

    id: str
    file: str
    line: int
    marks: tuple[str, ...] = ()
    is_async: bool = False
    fixtures: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    matches: tuple[int, ...] = ()
    class_id: str = ""
    source: str = ""
    parameters: str = ""
    depends: tuple[str, ...] = ()
    unawaited: bool = False

    @property
    def meant(self) -> str:
        """What the id stands for: another process must find the same under it."""
        return " ".join(filter(None, [f"line {self.line}", self.parameters]))


class CollectError(msgspec.Struct, frozen=True):
    """A file or directory that pytest could not collect, or that skipped itself, with pytest's own text about it."""

    id: str
    text: str


class LeftOut(msgspec.Struct, frozen=True):
    """Tests or paths that do not take part, and by whose decision; ``examples`` holds the first few."""

    reason: str
    count: int
    what: Literal["tests", "paths"] = "tests"
    examples: tuple[str, ...] = ()


class Coverage(msgspec.Struct, frozen=True):
    """What the project asks of pytest-cov. ``reports`` are pairs of kind and target; ``fail_under`` 0: no threshold."""

    config: str = ""
    reports: tuple[tuple[str, str], ...] = ()
    fail_under: float = 0.0
    append: bool = False


class Demand(msgspec.Struct, frozen=True):
    """An option with which a plugin judges, writes or deletes at the end, from the tests that it has seen.

    Forked workers are part of their session.
    """

    what: str
    # one session for all tests, one for those that run, one process for these, or for those of each session
    needs: Literal["all", "session", "process", "own process"]
    refused: bool = False  # where there is none; otherwise it is told
    otherwise: str = ""  # another remedy, or what becomes of it
    does: str = "changes files of the project"  # why it is refused

    @property
    def option(self) -> str:
        """Its name alone: ``--html`` of ``--html=report.html``."""
        return self.what.replace("=", " ").partition(" ")[0]


class SuiteWarning(msgspec.Struct, frozen=True, gc=False):
    """A warning of Python's ``warnings``, as often as it came from one place (``where``: path and line).

    ``tests`` are the first ones in which it came. An empty category stands for those beyond a limit: counted only.
    """

    category: str
    where: str
    text: str
    count: int = 1
    tests: tuple[str, ...] = ()


class PytestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the collection process knows about the project's pytest.

    ``given`` are options of pytest's configuration of which the run has something to say. ``durations``,
    ``durations_min`` and ``report_chars`` say what its terminal was to show. ``warnings`` are those of the collection,
    ``warned`` what they say.
    ``seed`` is the option that gives the same random order again; empty where the order is not random.
    ``renamed`` are the ids that tests got because theirs belonged to another.
    """

    version: str = ""
    python: str = ""
    rootdir: str = ""
    inipath: str = ""
    plugins: tuple[str, ...] = ()
    junit_xml: str = ""
    junit_prefix: str = ""
    junit_suite: str = "pytest"
    junit_family: str = "xunit2"
    junit_logging: str = "no"
    junit_log_passing: bool = True
    junit_duration: str = "total"
    maxfail: int = 0
    max_warnings: int | None = None
    warnings: int = 0
    warned: tuple[SuiteWarning, ...] = ()
    durations: int | None = None
    durations_min: float | None = None
    report_chars: str = ""
    numprocesses: int = 0
    dist: str = ""
    seed: str = ""
    renamed: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    coverage: Coverage | None = None
    demands: tuple[Demand, ...] = ()


class Interpreter(msgspec.Struct, frozen=True):
    """The Python that runs pytest, ``why`` it is that one, and a ``note`` of what was not taken."""

    path: str = ""
    why: str = ""
    note: str = ""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What one pytest collection found."""

    tests: tuple[CollectedTest, ...]
    errors: tuple[CollectError, ...] = ()
    skips: tuple[CollectError, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    expressions: tuple[tuple[str, str], ...] = ()  # ("markers" | "keyword", text)
    without: tuple[str, ...] = ()  # absolute paths of files that took pytest down: nobody is to import them again
    facts: PytestFacts = PytestFacts()
    interpreter: Interpreter = Interpreter()


class TestRef(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A planned test as the journal names it: ``[id, file, line]``."""

    __test__ = False

    id: str
    file: str
    line: int

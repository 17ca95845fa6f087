"""Merges JUnit XML of any producer into one flat ``<testsuites>``.

Two passes and a spool file, so that memory does not grow with the number of testcases. The first pass reads every input
(`junit_input`) and notes what its suites count; the second writes the suites with their new counts in front of their
content, which is copied byte for byte: whatever a producer put into a testcase is kept as it stands.

- Nested suites become siblings named ``outer/inner``; a name that is taken gets a number: ``pytest#2``. What stands
  outside any suite gets one that is named after its ``<testsuites>`` or its file.
- A testcase counts once: as a failure before an error before skipped. Reruns in Surefire's form do not count.
- A suite's ``time`` is the sum of its testcases' (its own, if none of them has any).
- The root's ``time`` is the time during which anything ran, as far as the inputs tell: the times that they give for
  themselves, or else those of their outermost suites. Where they have a ``timestamp``, they count once as far as they
  overlap; those without add up.
- Of an input that breaks off or is damaged, what was complete is kept. It, and one that is no JUnit XML, that cannot be
  read or that declares entities, adds an error to the suite ``merge``.
- Default namespaces of suites are dropped, so that all of them speak one language; prefixes are kept.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .decoding import UnusableError
from .reading import Reader, Spool, Suite
from .xml import Counts, UniqueNames, attribute, element, seconds


class Merged(NamedTuple):
    """What one input came to. ``problem`` is a finished line; empty when the whole of it could be used.

    ``is_mended``: it held characters that XML cannot hold, which are spelled out. ``passed_over``: why nothing of it is
    in the report.
    """

    path: Path
    counts: Counts
    problem: str = ""
    is_mended: bool = False
    passed_over: str = ""


class Merge:
    """The first pass (`add`, once per input) and the second (`write`). A context manager: it owns the spool file."""

    def __init__(self, name: str = "merged", *, directory: Path | None = None) -> None:
        """``directory`` takes the spool, which needs as much room as the inputs together."""
        self._name = name
        self._spool = Spool(directory)
        self._total = Counts()
        self._suites: list[Suite] = []
        self._spans: list[_Span] = []
        self._problems: list[UnusableError] = []

    def __enter__(self) -> Merge:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def add(self, path: Path, *, is_named: bool = True) -> Merged:
        """Take one input in. Its problems are values; ``InfrastructureError`` means that the spool is full.

        One that is not ``is_named``, but found, may be XML about something else.
        """
        reader = Reader(path, self._spool)
        try:
            reader.read()
        except UnusableError as unusable:
            if unusable.kind == "foreign" and not is_named:
                return Merged(path, Counts(), passed_over=unusable.message)
            problem = self._problem(unusable)
        else:
            problem = ""
        counts = Counts()
        for suite in reader.suites:
            counts.include(suite.counts)
        self._suites += [suite for suite in reader.suites if suite.filled or not suite.container]
        for suites in reader.documents:
            self._spans += _spans(suites)
        self._total.include(counts)
        return Merged(path, counts, problem, reader.is_mended)

    def miss(self, path: Path, reason: str) -> Merged:
        """Note an input that cannot even be opened."""
        return Merged(path, Counts(), self._problem(UnusableError(path, "unreadable", reason)))

    def _problem(self, unusable: UnusableError) -> str:
        self._problems.append(unusable)
        return unusable.message

    @property
    def total(self) -> Counts:
        """The counts of the merged report, with an error per unusable input."""
        total = Counts()
        total.include(self._total)
        for _ in self._problems:
            total.add(("error",))
        return total

    @property
    def wall(self) -> float:
        """Seconds during which anything ran."""
        return _covered(self._spans)

    def write(self, output: BinaryIO) -> None:
        """Write the merged report. Same inputs in the same order, same bytes."""
        total, names = self.total, UniqueNames()
        head = [("name", self._name), *total.attributes(), ("time", seconds(self.wall))]
        output.write(b'<?xml version="1.0" encoding="utf-8"?>\n' + _head("testsuites", head) + b">\n")
        for suite in self._suites:
            head = [("name", names.take(suite.name)), *suite.counts.attributes(), ("time", seconds(suite.time))]
            output.write(_head("testsuite", head) + suite.attributes + b">")
            for segment in suite.segments:
                if isinstance(segment, bytes):
                    output.write(segment)
                else:
                    self._spool.copy(*segment, output)
            output.write(b"</testsuite>\n")
        if self._problems:
            output.write(_problem_suite(self._problems, names.take("merge")))
        output.write(b"</testsuites>\n")


def _problem_suite(problems: Sequence[UnusableError], name: str) -> bytes:
    counts, names, cases = Counts(), UniqueNames(), []
    for problem in problems:
        counts.add(("error",))
        error = element("error", [("type", problem.kind), ("message", problem.message)])
        head = [("classname", "merge"), ("name", names.take(str(problem.path))), ("time", seconds(0.0))]
        cases.append(element("testcase", head, error) + "\n")
    head = [("name", name), *counts.attributes(), ("time", seconds(0.0))]
    return _head("testsuite", head) + f">\n{''.join(cases)}</testsuite>\n".encode()


def _head(tag: str, attributes: Iterable[tuple[str, str]]) -> bytes:
    return ("<" + tag + "".join(f' {name}="{attribute(value)}"' for name, value in attributes)).encode()


# --------------------------------------------------------------------------------------------------------- wall time


class _Span(NamedTuple):
    """Something ran for ``length`` seconds, from ``start`` (seconds since the epoch) if that is known."""

    start: float | None
    length: float


def _spans(suites: Sequence[Suite]) -> list[_Span]:
    """The spans of one input; ``suites`` in document order, those inside another right after it."""
    starts = [start for suite in suites if (start := _timestamp(suite.timestamp)) is not None]
    if suites and suites[0].container and suites[0].own_time is not None:
        return [_Span(min(starts, default=None), suites[0].own_time)]
    spans: list[_Span] = []
    measured = False
    for suite in suites:
        if suite.outermost:
            measured = not suite.container and suite.own_time is not None  # and so for what is nested in it
            length = suite.own_time if measured else None
            spans.append(_Span(_timestamp(suite.timestamp), suite.counts.time if length is None else length))
        elif not measured:
            spans[-1] = _Span(spans[-1].start, spans[-1].length + suite.counts.time)
    return spans


def _covered(spans: Iterable[_Span]) -> float:
    """Seconds that are covered by at least one span; those without a start do not overlap anything."""
    placed = sorted((span.start, span.length) for span in spans if span.start is not None)
    total = sum(span.length for span in spans if span.start is None)
    reached = float("-inf")
    for start, length in placed:
        total += max(0.0, start + length - max(start, reached))
        reached = max(reached, start + length)
    return total


def _timestamp(value: str) -> float | None:
    """Seconds since the epoch; without a zone, UTC is as good as any: all suites of one producer have the same."""
    try:
        moment = datetime.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

"""How hangs and slow tests are told, and when reports are written early."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.model.result import Detail
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Event, HangReported, TestFinished, TestSlow
from async_test_runner.reports.terminal.entries import entry, is_told
from async_test_runner.run.recorder import EarlyReports
from async_test_runner.supervision.aftermath import Overdue

AT: dict[str, Any] = {"at": 1.0, "mono": 1.0, "phase": "p", "process": "p/0001", "id": "a.py::test", "attempt": 1}


def hang(why: str = "overdue", text: str = "most likely: a.py:3 in f\nmore", likely: str = "a.py:3 in f") -> Event:
    return HangReported(**AT, why=why, age=5.0, likely=likely, text=text)  # type: ignore[arg-type]


def shown(event: Event) -> str:
    told = entry(event)
    assert told is not None
    return "\n".join(line.plain for line in told.lines())


def test_a_hang_is_told_with_its_report_even_quietly() -> None:
    assert is_told(hang(), -1)
    assert shown(hang()) == "HANGS a.py::test for 5.00s\n│ most likely: a.py:3 in f\n│ more"
    assert shown(hang("asked")).startswith("ASKED a.py::test for 5.00s")


def test_a_report_cannot_write_lines_of_its_own_or_move_the_cursor() -> None:
    text = shown(hang(text="x\x1b[2J\n##vso[task.complete]\r" + "\nline" * 500))
    assert "\x1b" not in text
    assert "##vso[" not in text
    assert "more lines, kept in the journal" in text


def test_the_report_does_not_go_by_twice() -> None:
    late = Overdue("test", 5.0, "a.py:3 in f", "most likely: a.py:3 in f\nall the rest")
    details = (Detail("runner", Outcome.TIMED_OUT, str(late), f"{late.text}\n\nlast words"),)
    text = shown(TestFinished(**AT, outcome=Outcome.TIMED_OUT, details=details))
    assert "most likely: a.py:3 in f" in text
    assert "all the rest" not in text
    assert "last words" in text


@pytest.mark.parametrize(("line", "said"), [("a.py:3 in f", ", at a.py:3 in f"), ("", "; its process does not answer")])
def test_a_slow_test_is_told_with_its_line(line: str, said: str) -> None:
    event = TestSlow(**AT, age=61.0, line=line)
    assert shown(event).startswith(f"SLOW a.py::test: runs for 1m 01s{said}")
    assert not is_told(event, -1)


def test_reports_are_written_when_a_test_hangs_and_take_a_tenth_of_the_time_at_most() -> None:
    now = [0.0]
    written: list[float] = []

    def write() -> None:
        written.append(now[0])
        now[0] += 1.0

    early = EarlyReports(write, lambda: (0.0, now[0]))
    early.tick(now[0])
    early.event(hang("asked"))
    early.tick(now[0])
    assert written == []
    early.event(hang())
    early.tick(now[0])
    early.event(TestFinished(**AT, outcome=Outcome.TIMED_OUT))
    early.tick(5.0)
    early.tick(9.9)
    assert written == [0.0]
    now[0] = 10.0
    early.tick(10.0)
    early.tick(50.0)
    assert written == [0.0, 10.0]

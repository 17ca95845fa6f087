"""How single events are told: failures, commands, problems, hangs and slow tests."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from async_test_runner.model.inventory import CollectError, LeftOut
from async_test_runner.model.result import Attempt, CommandResult, Detail, Problem, Section
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import (
    CommandFinished,
    DeadlineReached,
    Event,
    HangReported,
    Interrupted,
    ProblemFound,
    PythonFound,
    TestFinished,
    TestSlow,
    Warned,
    WorkerRetired,
)
from async_test_runner.reports.terminal.entries import TELLINGS, entry, failure, is_told
from async_test_runner.supervision.aftermath import Overdue
from tests.reports.event_script import Script
from tests.support.events import ONE_OF_EACH

FAILED = Detail(
    "call", Outcome.FAILED, "assert 1 == 2\nmore", "    def test():\n>       assert 1 == 2\nE       assert 1 == 2"
)


def lines(event: Event) -> list[str]:
    told = entry(event)
    assert told is not None
    return [line.plain for line in told.lines()]


def failed(**facts: object) -> Event:
    values = {"outcome": Outcome.FAILED, "duration": 1.24, "details": (FAILED,)}
    return Script().end("async", "tests/test_x.py::test_a", 3.0, **{**values, **facts})


def texts(*details: Detail, sections: tuple[Section, ...] = (), cut: bool = True) -> list[str]:
    """A failure as the end of a run shows it."""
    attempt = Attempt(number=1, outcome=Outcome.FAILED, details=details, sections=sections)
    return [line.plain for line in failure(attempt, cut=cut)]


def test_a_failure_goes_by_with_its_reason() -> None:
    assert lines(failed()) == ["FAILED tests/test_x.py::test_a  (phase async, 1.24s)", "│ assert 1 == 2"]
    assert lines(failed(details=())) == ["FAILED tests/test_x.py::test_a  (phase async, 1.24s)"]


def test_a_failure_shows_pytests_own_words_behind_a_gutter() -> None:
    sections = (Section("Captured stdout call", "hello\n"), Section("Captured log call", " \n"))
    assert texts(FAILED, sections=sections) == [
        "│     def test():",
        "│ >       assert 1 == 2",
        "│ E       assert 1 == 2",
        "│ ─── Captured stdout call ───",
        "│ hello",
    ]


def test_stages_other_than_the_call_are_named() -> None:
    shown = texts(
        FAILED, Detail("teardown", Outcome.ERROR, "boom"), Detail("runner", Outcome.CRASHED, "killed by SIGSEGV")
    )
    assert shown[3:] == ["  at teardown", "│ boom", "│ killed by SIGSEGV"]


def test_a_retry_is_one_line() -> None:
    assert lines(failed(retry=True)) == [
        "RETRY tests/test_x.py::test_a  failed: assert 1 == 2  (phase async, 1.24s)",
    ]


def test_a_later_attempt_says_which() -> None:
    assert lines(failed(attempt=2))[0] == "FAILED tests/test_x.py::test_a  (phase async, attempt 2, 1.24s)"


def test_long_output_keeps_its_end_and_says_what_is_cut() -> None:
    output = "".join(f"line {number}\n" for number in range(100))
    shown = texts(sections=(Section("Captured stdout call", output),))
    assert shown[:3] == ["│ ─── Captured stdout call ───", "  … 40 earlier lines, kept in the journal", "│ line 40"]
    assert shown[-1] == "│ line 99"


def test_long_tracebacks_keep_their_end() -> None:
    text = "\n".join(str(number) for number in range(1000))
    detail = Detail("call", Outcome.FAILED, "recursion", text)
    shown = texts(detail)
    assert (len(shown), shown[0], shown[-1]) == (61, "  … 940 earlier lines, kept in the journal", "│ 999")
    assert len(texts(detail, cut=False)) == 1000


@pytest.mark.parametrize("command", ["::error::x", "  ::set-output name=a::b", "##[group]x", "a ##vso[task.x]"])
def test_no_line_of_a_test_begins_like_a_command_of_a_ci_service(command: str) -> None:
    detail = Detail("setup", Outcome.FAILED, command, f"{command}\r{command}\n{command}")
    event = Script().end(
        command, f"{command}\n{command}", 3.0, Outcome.FAILED, details=(detail,), sections=(Section(command, command),)
    )
    shown = lines(event) + lines(Script().end(command, command, 3.0, Outcome.FAILED, details=(detail,), retry=True))
    shown += texts(detail, sections=(Section(command, command),))
    assert len(shown) == 8
    for line in "\n".join(shown).splitlines():
        assert not line.lstrip().startswith(("::", "##"))
        assert "##[" not in line
        assert "##vso[" not in line


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Script().run(), ["RUN 20261120T071500.000Z-ab12cd  plan ci (runner.yaml)"]),
        (Script().run(proposed=True), ["RUN 20261120T071500.000Z-ab12cd  plan ci (proposed)"]),
        (Script().collected(tests=1), ["COLLECTED 1 test"]),
        (
            Script().collected(tests=9, left_out=(LeftOut("slow", 3), LeftOut("ignored", 1, "paths"))),
            ["COLLECTED 9 tests, 3 left out"],
        ),
        (
            Script().collected(tests=0, errors=(CollectError("tests/test_b.py", "\nE  ImportError: no x\n"),)),
            ["COLLECTED 0 tests, 1 error", "│ tests/test_b.py: E  ImportError: no x"],
        ),
        (Warned(at=0, mono=0, message="slow\ndisk"), ["WARNING slow\\ndisk"]),
        (
            ProblemFound(at=0, mono=0, problem=Problem("infrastructure", "no python", "a log\ninstall it", "async")),
            ["PROBLEM no python  (phase async)", "│ a log", "│ install it"],
        ),
        (Interrupted(at=0, mono=0, signal=2), ["INTERRUPTED by SIGINT: ending in order, once more kills at once"]),
        (Interrupted(at=0, mono=0, signal=2, count=2), ["INTERRUPTED by SIGINT: killing what is left"]),
        (
            DeadlineReached(at=0, mono=0, budget="phase", limit=600, phase="async"),
            ["DEADLINE phase async: the phase budget of 10m 00s is used up"],
        ),
        (
            DeadlineReached(at=0, mono=0, budget="run", limit=60),
            ["DEADLINE the run: the run budget of 1m 00s is used up"],
        ),
        (Script().end("async", "a", 1.0, Outcome.SKIPPED), ["skipped a  (phase async, 1.00s)"]),
        (
            WorkerRetired(at=0, mono=0, phase="p", process="p/1", id="a", why="app: \x1b[1mLIST added"),
            ["NEW PROCESS after a: app: \\x1b[1mLIST added"],
        ),
    ],
)
def test_news_of_the_run(event: Event, expected: list[str]) -> None:
    assert lines(event) == expected


def command(status: int | None, output: str = "", problem: str = "") -> Event:
    result = CommandResult(
        phase="db",
        stage="setup",
        command="alembic upgrade head",
        status=status,
        duration=2.0,
        output=output,
        problem=problem,
    )
    return CommandFinished(at=0, mono=0, result=result)


def test_a_failed_command_shows_the_end_of_its_output() -> None:
    output = "".join(f"{number}\n" for number in range(62))
    shown = lines(command(1, output))
    assert shown[0] == "SETUP FAILED alembic upgrade head  (phase db, exit 1, 2.00s)"
    assert shown[1:3] == ["  … 2 earlier lines, kept in the run directory", "│ 2"]
    assert lines(command(None, problem="not found"))[1:] == ["│ not found"]


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("", "PYTHON /env/bin/python: it is active"),
        ("not .venv", "PYTHON /env/bin/python: it is active; not .venv"),
    ],
)
def test_the_python_is_told_with_why_it_is_that_one(note: str, line: str) -> None:
    event = PythonFound(at=0, mono=0, wanted="auto", python="/env/bin/python", why="it is active", note=note)
    assert lines(event) == [line]


@pytest.mark.parametrize(
    ("event", "quiet", "normal", "verbose"),
    [
        (Script().end("p", "a", 1.0), False, False, True),
        (Script().end("p", "a", 1.0, Outcome.TIMED_OUT), True, True, True),
        (Script().run(), False, True, True),
        (Script().add(PythonFound, 0.0, wanted="auto", python="/p", why="w"), False, True, True),
        (Script().collected(), False, True, True),
        (Script().collected(errors=(CollectError("x", ""),)), True, True, True),
        (command(0), False, False, True),
        (command(1), True, True, True),
        (WorkerRetired(at=0, mono=0, phase="p", process="p/1", id="a", why="w"), False, False, True),
        (DeadlineReached(at=0, mono=0, budget="test", limit=1), False, False, False),
        (DeadlineReached(at=0, mono=0, budget="run", limit=1), True, True, True),
        (Script().start("p", "a", 1.0), False, False, False),
    ],
)
def test_what_is_told_at_which_verbosity(event: Event, quiet: bool, normal: bool, verbose: bool) -> None:
    assert [is_told(event, verbosity) for verbosity in (-1, 0, 1)] == [quiet, normal, verbose]


def test_every_kind_of_event_is_told_or_named_as_untold() -> None:
    assert list(TELLINGS) == list(get_args(Event))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_what_is_told_begins_with_a_word_for_it_and_what_is_only_counted_has_no_entry(event: Event) -> None:
    told = entry(event)
    assert told is not None or not is_told(event, 99)
    assert told is None or told.head.plain.split()[0].isupper()


def test_a_retry_that_passes_alone_after_others_is_told_at_once() -> None:
    event = Script().end("async", "t.py::a", 1.0, attempt=2, alone=True, fails=True)
    assert is_told(event, -1)
    (line,) = lines(event)
    assert line.startswith("ORDER-DEPENDENT t.py::a  passed alone in a fresh process, and was red after others  (")


@pytest.mark.parametrize(
    ("facts", "line", "verbosity"),
    [
        ({}, "ORDER-DEPENDENT t.py::a  passed alone  (phase async, 0.50s)", -1),
        ({"outcome": Outcome.CRASHED}, "RECHECK t.py::a  crashed alone too  (phase async, 0.50s)", 1),
        ({"outcome": Outcome.NOT_RUN, "reason": "why"}, "RECHECK t.py::a  not run again alone: why", 1),
    ],
)
def test_a_recheck_is_told_at_once_when_it_has_found_something(
    facts: dict[str, object], line: str, verbosity: int
) -> None:
    event = Script().recheck("async", "t.py::a", 3.0, **facts)  # type: ignore[arg-type]
    assert lines(event) == [line]
    assert is_told(event, verbosity)
    assert is_told(event, verbosity - 1) is (verbosity == -1)


def test_a_flaky_test_that_fails_is_told_although_its_last_attempt_passed() -> None:
    event = Script().end("async", "t.py::a", 3.0, attempt=2, fails=True)
    assert is_told(event, -1)
    assert lines(event) == [
        "FLAKY t.py::a  passed after it was red, which the plan wants to fail  (phase async, attempt 2, 1.00s)"
    ]


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


def test_a_time_out_is_told_once() -> None:
    """Its place as it happens; the report of the hang at the end, and not the traceback of what ended the test."""
    late = Overdue("test", 5.0, "a.py:3 in f", "most likely: a.py:3 in f\ntest: a.py::test\nall the rest")
    details = (
        Detail("runner", Outcome.TIMED_OUT, str(late), f"{late.text}\n\nlast words"),
        Detail("call", Outcome.FAILED, "Failed: exceeded its test deadline of 5s (test_timeout)", "selectors.py"),
    )
    goes_by = shown(hang(text=late.report)) + shown(TestFinished(**AT, outcome=Outcome.TIMED_OUT, details=details))
    assert goes_by.count("a.py:3 in f") == 1
    assert "all the rest" not in goes_by
    assert "exceeded its test deadline of 5s (test_timeout)" in goes_by
    assert texts(*details) == [
        "│ exceeded its test deadline of 5s (test_timeout)",
        "│ most likely: a.py:3 in f",
        "│ test: a.py::test",
        "│ all the rest",
        "│ last words",
    ]
    assert "│ selectors.py" in texts(*details, cut=False)


def test_a_long_report_of_a_hang_keeps_its_beginning() -> None:
    late = Overdue("test", 5.0, "", "\n".join(str(number) for number in range(100)))
    at_end = texts(Detail("runner", Outcome.TIMED_OUT, str(late), late.text))
    assert at_end[1] == "│ 0"
    assert at_end[-1] == "  … 40 more lines, kept in the journal"


@pytest.mark.parametrize(("line", "said"), [("a.py:3 in f", ", at a.py:3 in f"), ("", "; its process does not answer")])
def test_a_slow_test_is_told_with_its_line(line: str, said: str) -> None:
    event = TestSlow(**AT, age=61.0, line=line)
    assert shown(event).startswith(f"SLOW a.py::test: runs for 1m 01s{said}")
    assert not is_told(event, -1)

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.result import Detail, Leak, Section
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Event, LeakFound, ProcessStarted
from async_test_runner.reports.terminal.plain import Plain, Quiet
from async_test_runner.reports.terminal.screen import Output, console
from tests.reports.event_script import MONO, Script, planned


class Log:
    """A plain view of a stream in memory; ``new()`` is what was written since it was last asked."""

    def __init__(self, verbosity: int = 0, color: bool = False, often: bool = False) -> None:
        self.stream = io.StringIO()
        out = console(Output(self.stream), color=color, terminal=False, width=40, height=10)
        self.view = Plain(out, verbosity=verbosity, often=often)
        self._read = 0

    def take(self, events: list[Event]) -> list[str]:
        for event in events:
            self.view.event(event)
        return self.new()

    def tick(self, at: float) -> list[str]:
        self.view.tick(MONO + at)
        return self.new()

    def new(self) -> list[str]:
        text = self.stream.getvalue()[self._read :]
        self._read = len(self.stream.getvalue())
        return text.splitlines()


def test_a_run_as_a_log() -> None:
    script = planned("tests/test_a.py::test_one", "tests/test_a.py::test_two", workers=4)
    script.start("async", "tests/test_a.py::test_one", 2.0)
    script.end("async", "tests/test_a.py::test_one", 3.0)
    detail = Detail("call", Outcome.FAILED, "a line that is longer than the forty columns of the console", "E")
    script.end("async", "tests/test_a.py::test_two", 4.0, Outcome.FAILED, details=(detail,))
    script.over("async", 5.0, wall=3.0, reason="stopped after 1 failure")
    script.finish(5.5)
    assert Log().take(script.events) == [
        "[   0.0s] RUN 20261120T071500.000Z-ab12cd  plan ci (runner.yaml)",
        "[   1.0s] COLLECTED 2 tests",
        "[   2.0s] PHASE async: 2 tests, isolation test, 4 workers",
        "[   4.0s] FAILED tests/test_a.py::test_two  (phase async, 1.00s)",
        "│ a line that is longer than the forty columns of the console",
        "[   5.0s] DONE async: 1 failed, 1 passed in 3.00s: stopped after 1 failure",
    ]


def test_verbose_has_a_line_per_test() -> None:
    script = planned("a")
    script.end("async", "a", 3.0)
    assert Log(verbosity=1).take(script.events)[-1] == "[   3.0s] passed a  (phase async, 1.00s)"


def test_progress_is_told_now_and_then_and_only_if_there_is_any() -> None:
    log = Log()
    script = planned("a", "b", "c")
    for id in "abc":
        script.start("async", id, 2.0)
    log.take(script.events)
    assert log.tick(30.0) == []
    log.take([script.end("async", "a", 31.0, duration=29.0)])
    assert log.tick(32.0) == ["[  32.0s] phase async 1/3: 1 passed, about 0:57 left"]
    log.take([script.end("async", "b", 33.0)])
    assert log.tick(46.9) == []
    assert len(log.tick(47.0)) == 1
    assert log.tick(62.0) == []


def test_a_silent_minute_is_answered_with_what_runs() -> None:
    log = Log()
    script = planned(*"abcdefg", workers=7)
    for id in "abcdefg":
        script.start("async", id, 3.0)
    log.take(script.events)
    assert log.tick(61.9) == []
    assert log.tick(62.0) == [
        "[  62.0s] still running a (phase async, 0:59), b (phase async, 0:59), c (phase async, 0:59), "
        "d (phase async, 0:59), e (phase async, 0:59) and 2 more"
    ]
    assert log.tick(121.9) == []
    assert len(log.tick(122.0)) == 1


def test_somebody_who_waits_is_answered_before_five_seconds_are_over() -> None:
    log = Log(often=True)
    script = Script()
    log.take([script.run()])
    assert log.tick(3.9) == []
    assert log.tick(4.0) == ["[   4.0s] waiting for tests to be collected (0:04)"]
    log.take([script.collected(at=5.0), script.plan("async", ["a", "b"], at=5.0), script.begin("async", 5.0)])
    log.take([script.start("async", "b", 5.0), script.end("async", "a", 6.0)])
    assert log.tick(8.9) == []
    assert log.tick(9.0)[0].startswith("[   9.0s] phase async 1/2: 1 passed")
    assert log.tick(13.0) == ["[  13.0s] still running b (phase async, 0:08)"]


@pytest.mark.parametrize("often", [False, True])
def test_what_the_runner_waits_for_is_told_after_four_seconds_and_then_four_times_a_minute(often: bool) -> None:
    log = Log(often=often)
    script = Script()
    log.take([script.run()])
    log.view.waits("an interpreter", MONO + 1.0)
    assert log.tick(3.9) == []
    assert log.tick(4.0) == ["[   4.0s] waiting for an interpreter (0:03)"]
    assert log.tick(18.9) == []
    assert log.tick(19.0) == ["[  19.0s] waiting for an interpreter (0:18)"]
    log.view.waits("", MONO + 21.0)
    log.take([script.collected(at=21.0), script.plan("async", ["a"], at=21.0), script.begin("async", 21.0)])
    assert log.tick(24.9) == []
    assert log.tick(25.0) == ["[  25.0s] waiting for the next test to begin (0:04): phase async 0/1"]


def test_processes_in_which_no_test_runs_are_what_is_waited_for() -> None:
    log = Log()
    script = planned("a", "b")
    script.add(ProcessStarted, 3.0, phase="async", process="async/0001", pid=1, log="", attempt=1, slot=0, tests=2)
    log.take(script.events)
    assert log.tick(7.0) == ["[   7.0s] waiting for 1 process to begin the first test (0:04): phase async 0/2"]
    log.take([script.start("async", "a", 8.0)])
    assert log.tick(13.0) == []
    log.take([script.end("async", "a", 14.0), script.end("async", "b", 14.0)])
    assert log.tick(17.9) == []
    assert log.tick(18.0) == ["[  18.0s] waiting for 1 process to end (0:04): phase async 2/2: 2 passed"]


def test_before_the_run_and_after_it_time_says_nothing() -> None:
    log = Log()
    assert log.tick(500.0) == []
    script = Script()
    log.take([script.run(), script.finish(1.0)])
    assert log.tick(500.0) == []


TEXT = st.text(st.sampled_from("\x1b[2J\r\n\x9b\x07:#ab\ud800\u202e \t")) | st.text()


@given(TEXT, TEXT, TEXT)
def test_whatever_a_test_is_called_and_writes_the_log_stays_a_log(id: str, text: str, name: str) -> None:
    script = planned(id, phase=name)
    detail = Detail("call", Outcome.FAILED, text, text)
    script.start(name, id, 3.0)
    events = [
        *script.events,
        script.end(name, id, 4.0, Outcome.FAILED, details=(detail,), sections=(Section(name, text),)),
    ]
    log = Log(verbosity=1)
    written = (
        log.take(events[:-1]) + log.tick(90.0) + log.take(events[-1:]) + log.take([script.over(name, 5.0, reason=text)])
    )
    assert len(written) == len(log.stream.getvalue().split("\n")) - 1
    for line in written:
        assert line.startswith(("[", "│ ", "  … "))
        assert not set(line) & {"\x1b", "\x9b", "\r", "\x07", "\u202e"}
        assert "##[" not in line


def test_colour_in_a_log_moves_no_cursor() -> None:
    log = Log(color=True)
    script = planned("a")
    written = "\n".join(log.take([*script.events, script.end("async", "a", 3.0, Outcome.FAILED)]))
    assert "\x1b[1;31mFAILED" in written
    assert {part.partition("m")[0].strip("0123456789;") for part in written.split("\x1b[")[1:]} == {""}


def quiet(script: Script) -> str:
    stream = io.StringIO()
    view = Quiet(console(Output(stream), color=False, terminal=False, width=80, height=10))
    for event in script.events:
        view.event(event)
    view.tick(MONO + 500.0)
    view.close()
    return stream.getvalue()


def test_quiet_says_nothing_while_all_is_well() -> None:
    script = planned("a")
    script.end("async", "a", 3.0)
    script.over("async", 4.0)
    script.finish(5.0)
    assert quiet(script) == ""


def test_quiet_tells_failures_with_their_reason() -> None:
    script = planned("a")
    script.end("async", "a", 3.0, Outcome.FAILED, details=(Detail("call", Outcome.FAILED, "boom", "E   boom"),))
    assert quiet(script) == "FAILED a  (phase async, 1.00s)\n│ boom\n"


def test_leaks_are_counted_at_the_end_of_a_phase_and_told_one_by_one_with_v() -> None:
    script = planned("a")
    script.end("async", "a", 3.0)
    leak = Leak("tasks", "task x", "a.py:1 in f")
    script.add(LeakFound, 3.0, phase="async", id="a", attempt=1, process="", leak=leak)
    script.over("async", 4.0)
    assert any("DONE async: 1 passed, 1 leak in" in line for line in Log().take(script.events))
    assert any("LEAK a  tasks: task x; made at a.py:1 in f" in line for line in Log(verbosity=1).take(script.events))
    assert not any("LEAK" in line for line in Log().take(script.events))


def two_phases(service: str) -> list[str]:
    script = Script()
    script.run(service=service)
    script.collected()
    script.plan("one", ["a"])
    script.plan("two", ["b"])
    script.begin("one", 2.0)
    script.begin("two", 3.0)
    script.end("one", "a", 4.0, Outcome.FAILED, details=(Detail("call", Outcome.FAILED, "::endgroup::\n::error::x"),))
    script.over("one", 5.0)
    script.over("two", 6.0)
    log = Log()
    log.take(script.events)
    log.view.close()
    return log.stream.getvalue().splitlines()


def test_phases_that_run_are_a_group_of_the_log_on_github() -> None:
    lines = two_phases("github")
    ours = [line for line in lines if line.lstrip().startswith("::")]
    assert ours == [
        "::group::phase one",
        "::endgroup::",
        "::group::phases one, two",
        "::endgroup::",
        "::group::phase two",
        "::endgroup::",
    ]
    assert lines.index("::group::phase one") + 1 == lines.index("[   2.0s] PHASE one: 1 test, isolation test, 1 worker")
    done = next(n for n, line in enumerate(lines) if "DONE one" in line)
    assert (lines[done - 1], lines[done + 1]) == ("::endgroup::", "::group::phase two")


def test_what_runs_when_the_log_ends_is_no_open_section() -> None:
    script = planned("a")
    script.events[0] = Script().run(service="github")
    log = Log()
    log.take(script.events)
    log.view.close()
    assert log.new()[:1] == ["::endgroup::"]


def test_without_a_service_there_are_no_sections() -> None:
    assert not [line for line in two_phases("none") if line.startswith("::")]

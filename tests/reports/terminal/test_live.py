from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from async_test_runner.model.result import Detail
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Interrupted
from async_test_runner.reports.terminal import live
from async_test_runner.reports.terminal.live import Live, frame
from async_test_runner.reports.terminal.progress import Progress
from async_test_runner.reports.terminal.screen import Output, console
from tests.reports.event_script import EPOCH, MONO, Script, planned


def progress(script: Script) -> Progress:
    state = Progress()
    for event in script.events:
        state.add(event)
    return state


def drawn(script: Script, at: float, width: int = 100, height: int = 30, rows: int = 0) -> list[str]:
    return [line.plain for line in frame(progress(script), MONO + at, width, height, rows)]


def three_phases() -> Script:
    script = Script()
    script.run()
    script.collected(tests=9)
    script.plan("sync", ["s1", "s2", "s3"], workers=2)
    script.plan("async", ["a1", "a2", "a3", "a4"])
    script.plan("async-db", ["d1", "d2"])
    for phase in ("sync", "async"):
        script.begin(phase, 2.0)
    script.end("sync", "s1", 3.0)
    script.end("sync", "s2", 3.5, Outcome.SKIPPED)
    script.end("sync", "s3", 4.0)
    script.over("sync", 4.0, wall=2.0)
    script.end("async", "a1", 10.0, Outcome.FAILED, duration=4.0)
    script.end("async", "a2", 11.0, Outcome.TIMED_OUT, duration=4.0, retry=True)
    script.start("async", "a2", 12.0, attempt=2)
    script.start("async", "tests/test_orders.py::test_checkout", 13.0)
    return script


def test_a_line_per_phase_and_the_tests_that_run_now() -> None:
    assert drawn(three_phases(), 25.0, rows=3) == [
        "",
        " ✓ sync      ━━━━━━━━━━━━━━━━━━━━  3/3   0:02          2 passed, 1 skipped",
        " ● async     ━━━━━───────────────  1/4   0:23      --  1 failed, 1 retried",
        " · async-db  ────────────────────  0/2                 waiting",
        "   total     ━━━━━━━━━───────────  4/9   0:25          1 failed",
        "",
        "    0:13  async     a2  (attempt 2)",
        "    0:12  async     tests/test_orders.py::test_checkout",
        "",
    ]


def test_a_narrow_terminal_goes_without_bars() -> None:
    assert drawn(three_phases(), 13.0, width=50, rows=2) == [
        "",
        " ✓ sync      3/3   0:02          2 passed, 1 skip…",
        " ● async     1/4   0:11   ~0:10  1 failed, 1 retr…",
        " · async-db  0/2                 waiting",
        "   total     4/9   0:13          1 failed",
        "",
        "    0:01  async     a2  (attempt 2)",
        "    0:00  async     tests/tes…rs.py::test_checkout",
    ]


def test_a_single_phase_needs_no_total_and_no_phase_names_below() -> None:
    script = planned("a")
    script.start("async", "a", 3.0)
    assert drawn(script, 4.0, width=60, rows=1) == ["", " ● async  0/1   0:02      --  running", "", "    0:01  a"]


def test_the_time_before_the_phases_is_shown() -> None:
    script = Script()
    script.run()
    assert drawn(script, 3.0) == ["", " ● collecting tests  0:03"]
    script.collected()
    assert drawn(script, 4.0, height=5) == [" ● assigning tests to phases  0:04"]


@pytest.mark.parametrize(("at", "height", "shown"), [(5.9, 20, False), (6.0, 20, True), (6.0, 1, False)])
def test_what_the_runner_waits_for_is_shown_when_it_takes_long(at: float, height: int, shown: bool) -> None:
    waiting = progress(planned("a"))
    waiting.waits("coverage to be combined", MONO + 3.0)
    lines = [line.plain for line in frame(waiting, MONO + at, 79, height, 0)]
    assert (lines[-1] == "   waiting for coverage to be combined (0:03)") == shown
    assert len(lines) <= height


def test_a_phase_without_a_test_yet_is_starting() -> None:
    assert drawn(planned("a"), 3.0, width=60)[1].endswith("--  starting")


def test_what_is_left_is_told_only_while_something_is() -> None:
    script = planned("a", "b")
    script.end("async", "a", 4.0, duration=2.0)
    assert "~0:02  1 passed" in drawn(script, 4.0)[1]
    assert "~0:01  1 passed" in drawn(script, 5.5)[1]
    assert "   --  1 passed" in drawn(script, 60.0)[1]
    script.end("async", "b", 61.0)
    assert "0:59          2 passed" in drawn(script, 61.0)[1]


def test_a_phase_that_lost_tests_is_not_shown_as_well_done() -> None:
    script = planned("a", "b")
    script.end("async", "a", 3.0)
    script.not_run("async", ["b"], 3.0, "stopped")
    script.over("async", 4.0, reason="stopped: [max_failures]")
    assert drawn(script, 5.0)[1].startswith(" ○ async")
    assert drawn(script, 5.0)[1].endswith("1 not run, 1 passed, stopped: [max_failures]")


def test_an_interruption_is_shown() -> None:
    script = three_phases()
    script.events.append(Interrupted(at=EPOCH, mono=MONO, signal=2))
    assert drawn(script, 25.0)[4].endswith("stopping (SIGINT), 1 failed")


def test_more_running_tests_than_rows_are_counted() -> None:
    script = planned(*"abcdefg")
    for id in "abcdefg":
        script.start("async", id, 3.0)
    assert drawn(script, 4.0, rows=3)[-3:] == ["    0:01  a", "    0:01  b", "          … and 5 more"]


def many_phases() -> Script:
    script = Script()
    script.run()
    script.collected()
    for number in range(40):
        script.plan(f"phase{number}", [f"t{number}"])
    for number in range(20):
        script.begin(f"phase{number}", 2.0)
        script.end(f"phase{number}", f"t{number}", 3.0, Outcome.FAILED if number == 7 else Outcome.PASSED)
        script.over(f"phase{number}", 3.0)
    script.begin("phase25", 4.0)
    return script


def test_of_many_phases_those_that_run_failed_and_wait_are_shown() -> None:
    lines = drawn(many_phases(), 5.0, width=60, height=8)
    names = [line.split()[1] for line in lines[:-2]]
    assert names == ["phase7", "phase20", "phase21", "phase22", "phase23", "phase25"]
    assert lines[-2] == "   … and 34 more phases, 19 of them done"
    assert lines[-1].split()[0] == "total"


@settings(max_examples=60)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 6), st.sampled_from([three_phases, many_phases]))
def test_the_region_never_outgrows_the_terminal(width: int, height: int, rows: int, script: object) -> None:
    lines = drawn(script(), 5.0, width=width, height=height, rows=rows)  # type: ignore[operator]
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width


def test_ids_cannot_break_out_of_their_line() -> None:
    id = "test[\x1b[2J\n東京]" + "京" * 100
    script = planned(id, phase="ph\nase")
    script.start("ph\nase", id, 3.0)
    lines = drawn(script, 4.0, width=40, rows=1)
    assert len(lines) == 4
    assert not any(set(line) & {"\x1b", "\n"} for line in lines)
    assert max(cell_len(line) for line in lines) <= 40


class Screen:
    """A live view on a terminal in memory."""

    def __init__(self, columns: int = 80, rows: int = 24, verbosity: int = 0) -> None:
        self.stream = io.StringIO()
        self.size = (columns, rows)
        out = console(Output(self.stream), color=False, terminal=True, width=columns, height=rows)
        self.view = Live(out, verbosity=verbosity, size=lambda: self.size)
        self._read = 0

    def feed(self, script: Script) -> None:
        for event in script.events:
            self.view.event(event)

    def tick(self, at: float) -> str:
        self.view.tick(MONO + at)
        return self.new()

    def new(self) -> str:
        text = self.stream.getvalue()[self._read :]
        self._read = len(self.stream.getvalue())
        return text


def test_nothing_is_written_between_ticks_nor_before_the_run() -> None:
    screen = Screen()
    assert screen.tick(0.0) == ""
    screen.feed(three_phases())
    assert screen.new() == ""


def test_a_frame_that_looks_the_same_is_not_written_again() -> None:
    screen = Screen()
    screen.feed(three_phases())
    assert "async-db" in screen.tick(25.1)
    assert screen.tick(25.2) == ""
    assert "async-db" in screen.tick(26.1)


def test_nothing_more_is_drawn_for_a_reader_who_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    script = planned("a", "b")
    screen.feed(script)
    screen.tick(2.5)
    screen.view.event(script.end("async", "a", 3.0, Outcome.FAILED))
    monkeypatch.setattr(Output, "is_behind", True)
    assert screen.tick(3.5) == ""
    monkeypatch.undo()
    assert "FAILED a" in screen.tick(3.6)


def test_a_phase_that_narrowing_left_empty_has_no_row() -> None:
    screen = Screen()
    script = planned("a")
    script.plan("other", [])
    screen.feed(script)
    written = screen.tick(2.5)
    assert "async" in written
    assert "other" not in written


def test_failures_stay_above_the_region() -> None:
    screen = Screen()
    script = planned("a", "b")
    screen.feed(script)
    screen.tick(2.5)
    detail = Detail("call", Outcome.FAILED, "boom", "E   boom")
    screen.view.event(script.end("async", "a", 3.0, Outcome.FAILED, details=(detail,)))
    written = screen.tick(3.5)
    assert written.index("FAILED a") < written.index("│ boom") < written.index(" ● async")


def test_the_region_keeps_its_height_when_tests_end() -> None:
    screen = Screen()
    script = planned(*"abc")
    for id in "abc":
        script.start("async", id, 3.0)
    screen.feed(script)
    before = screen.tick(4.0).count("\n")
    screen.tick(4.1)
    for id in "ab":
        screen.view.event(script.end("async", id, 5.0))
    screen.tick(5.0)
    one = screen.tick(6.0)
    assert one.count("\n") == 5  # an empty line, the phase, an empty line, three rows: the last without a newline
    assert before >= one.count("\n")


def test_the_end_takes_the_region_away_and_brings_what_is_left_of_the_news() -> None:
    screen = Screen()
    script = planned("a")
    screen.feed(script)
    screen.tick(2.5)
    screen.view.event(script.end("async", "a", 3.0, Outcome.FAILED))
    screen.view.close()
    written = screen.new()
    assert "\x1b[2K" in written
    assert "\x1b[?25h" in written  # the cursor is back
    assert written.endswith("FAILED a  (phase async, 1.00s)\n\n")


def test_a_tick_prints_a_bounded_part_of_the_news() -> None:
    ids = [f"t{number}" for number in range(250)]
    script = planned(*ids)
    for id in ids:
        script.end("async", id, 3.0, Outcome.FAILED)
    screen = Screen()
    screen.feed(script)
    counts = [screen.tick(3.0 + tick).count("FAILED t") for tick in range(4)]
    assert (sum(counts), max(counts)) == (250, 100)


@pytest.mark.parametrize("tests", [20, 20_000])
def test_the_work_of_a_tick_does_not_depend_on_the_number_of_tests(tests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    original = live.item

    def counting(text: str) -> str:
        nonlocal calls
        calls += 1
        return original(text)

    ids = [f"t{number}" for number in range(tests)]
    script = planned(*ids)
    for id in ids:
        script.start("async", id, 3.0)
    for id in ids[: tests // 2]:
        script.end("async", id, 4.0)
    screen = Screen()
    screen.feed(script)
    monkeypatch.setattr(live, "item", counting)
    screen.tick(5.0)
    assert 0 < calls < 20


def test_a_resized_window_is_drawn_in_its_new_size() -> None:
    screen = Screen(columns=60)
    screen.feed(three_phases())
    assert "━" not in screen.tick(25.0)
    screen.size = (120, 24)
    assert " ✓ sync      ━━━━━━━━━━━━━━━━━━━━  3/3   0:02          2 passed, 1 skipped\n" in screen.tick(26.0)


def test_the_smallest_window_still_gets_a_line() -> None:
    screen = Screen(columns=1, rows=1)
    screen.feed(three_phases())
    assert screen.tick(25.0)


def test_after_a_pause_nothing_of_the_shell_is_wiped_away() -> None:
    screen = Screen()
    screen.feed(three_phases())
    screen.tick(25.1)
    screen.view.pause()
    screen.new()
    written = screen.tick(90.0)
    assert "async-db" in written
    assert "\x1b[1A" not in written  # the cursor goes up to nothing that was there before

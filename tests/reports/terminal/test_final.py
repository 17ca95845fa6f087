from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import CollectError, LeftOut, PytestFacts, SuiteWarning
from async_test_runner.model.result import CommandResult, Detail, Leak, Problem, Retirement, RunResult, Section
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    CommandFinished,
    Interrupted,
    LeakFound,
    ProblemFound,
    Warned,
    WarningRecorded,
)
from async_test_runner.record.verdict import exit_code
from async_test_runner.reports.terminal import final
from tests.reports.event_script import EPOCH, MONO, RUN_ID, Script, planned, polluted, retried_alone

CWD = Path("/project")
FAILED = Detail("call", Outcome.FAILED, "assert 1 == 2", "E   assert 1 == 2")


def lines(result: RunResult, verbosity: int = 0, **options: object) -> list[str]:
    rendered = final.render(result, exit_code(result), verbosity=verbosity, cwd=CWD, **options)  # type: ignore[arg-type]
    return [line.plain for line in rendered]


def section(result: RunResult, title: str, verbosity: int = 0) -> list[str]:
    """The lines below a title, up to the empty line that ends them."""
    every = lines(result, verbosity)
    if title not in every:
        return []
    below = every[every.index(title) + 1 :]
    return below[: below.index("")]


def green(tests: int = 2) -> Script:
    script = planned(*(f"tests/test_a.py::test_{number}" for number in range(tests)))
    for number in range(tests):
        script.end("async", f"tests/test_a.py::test_{number}", 3.0, duration=number / 2)
    script.over("async", 4.0, wall=2.0)
    return script


def last(script: Script) -> str:
    return last_of(script.result())


def last_of(result: RunResult) -> str:
    return lines(result)[-1]


def test_a_green_run() -> None:
    script = green()
    script.finish(12.4)
    there = [("summary", Path("/elsewhere/summary.json")), ("journal", Path("/elsewhere/journal.jsonl"))]
    places = [("junit", CWD / "reports/junit.xml"), *there]
    assert lines(script.result(), places=places) == [
        "phases",
        "         isolation  tests  passed   wall",
        "  async  test           2       2  2.00s",
        "",
        "slowest tests",
        "  0.50s  async  tests/test_a.py::test_1",
        "",
        "reports",
        "  reports/junit.xml",
        "  /elsewhere  (summary.json, journal.jsonl)",
        "",
        "PASSED 2 tests in 12.4s (exit 0)",
    ]


def test_quiet_and_green_is_at_most_three_lines_whatever_there_is_to_say() -> None:
    ids = [f"t{number}" for number in range(20)]
    script = planned(*ids)
    script.events[1] = Script().collected(left_out=tuple(LeftOut(f"reason {n}", 3) for n in range(20)))
    for id in ids:
        script.end("async", id, 3.0, Outcome.FAILED, retry=True)
        script.end("async", id, 4.0, attempt=2)
    for number in range(20):
        script.add(Warned, 4.0, message=f"warning {number}")
    script.over("async", 4.0)
    script.finish(5.0)
    shown = lines(script.result(), -1, places=[("junit", CWD / "junit.xml")])
    assert shown == [
        "warning: warning 0; and 19 more, shown without -q",
        "reports: junit.xml",
        "PASSED 20 tests, 20 flaky in 5.00s (exit 0)",
    ]


def red() -> Script:
    script = planned("tests/test_x.py::test_a[it's]", "tests/test_x.py::test_b", "tests/test_x.py::test_c")
    sections = (Section("Captured stdout call", "printed\n"),)
    script.end("async", "tests/test_x.py::test_a[it's]", 3.0, Outcome.FAILED, details=(FAILED,), sections=sections)
    script.end("async", "tests/test_x.py::test_b", 3.0, Outcome.TIMED_OUT, details=(FAILED,), retry=True)
    script.end("async", "tests/test_x.py::test_b", 4.0, Outcome.TIMED_OUT, attempt=2)
    script.end("async", "tests/test_x.py::test_c", 4.0)
    script.over("async", 5.0)
    script.finish(60.0, exit_code=1)
    return script


def test_each_failure_has_its_reason_and_the_line_that_runs_it_again() -> None:
    shown = section(red().result(), "failures")
    assert shown == [
        "  FAILED tests/test_x.py::test_a[it's]  (phase async, 1.00s)",
        "│ E   assert 1 == 2",
        "│ ─── Captured stdout call ───",
        "│ printed",
        "    async-test-run run -c runner.yaml --test 'tests/test_x.py::test_a[it'\"'\"'s]'",
        "  TIMED OUT tests/test_x.py::test_b  (phase async, 1.00s, 2 attempts)",
        "    async-test-run run -c runner.yaml --test tests/test_x.py::test_b",
    ]


def test_verbose_brings_every_attempt_with_its_traceback_and_output() -> None:
    shown = section(red().result(), "failures", verbosity=1)
    assert shown[1:4] == ["│ E   assert 1 == 2", "│ ─── Captured stdout call ───", "│ printed"]
    assert shown[6:9] == ["  attempt 1: timed out", "│ E   assert 1 == 2", "  attempt 2: timed out"]


def test_what_failed_stands_last_with_what_to_do_next() -> None:
    shown = lines(red().result(), places=[("junit", CWD / "junit.xml")])
    titles = [line for line in shown if line in ("phases", "slowest tests", "reports", "failures")]
    assert titles == ["phases", "slowest tests", "reports", "failures"]
    again = "next: async-test-run --failed runs what was red again"
    assert shown[-3:] == ["", f"{again}; async-test-run report {RUN_ID} -v shows all of it", shown[-1]]
    assert lines(red().result(), 1)[-2] == again


def test_of_many_failures_the_first_come_with_their_text() -> None:
    ids = [f"t{number:03}" for number in range(22)]
    script = planned(*ids)
    for id in ids:
        script.end("async", id, 3.0, Outcome.FAILED, details=(FAILED,))
    shown = section(script.result(), "failures")
    assert shown.count("│ E   assert 1 == 2") == 20
    assert shown[-2:] == ["  FAILED t020  assert 1 == 2", "  FAILED t021  assert 1 == 2"]


def test_a_phase_that_narrowing_left_empty_has_no_row() -> None:
    script = green()
    script.plan("other", [])
    assert not any(line.startswith("  other") for line in section(script.result(), "phases"))
    script.begin("other", 3.0)
    assert any(line.startswith("  other") for line in section(script.result(), "phases"))


def warned(*said: SuiteWarning) -> RunResult:
    script = green()
    for warning in said:
        script.add(WarningRecorded, 3.0, phase="async", process="async/0001", warning=warning)
    script.finish(4.0)
    return script.result()


def test_warnings_are_shown_once_with_their_tests_and_counted() -> None:
    result = warned(
        SuiteWarning("UserWarning", "a.py:3", "old\nmore", 1, ("t0",)),
        SuiteWarning("UserWarning", "a.py:3", "old\nmore", 4, ("t1", "t2", "t3")),
        SuiteWarning("", "", "", 7),
    )
    assert section(result, "warnings of the suite") == [
        "  a.py:3: UserWarning: old (5 times)",
        "    t0",
        "    t1",
        "    t2",
        "    … and 1 more; -v shows all",
        "  … and 7 warnings that the journal has not: too many different ones",
    ]
    assert "    t3" in section(result, "warnings of the suite", verbosity=1)
    assert last_of(result) == "PASSED 2 tests, 12 warnings in 4.00s (exit 0)"
    assert lines(result, -1) == [last_of(result)]


def test_of_ten_thousand_warnings_twenty_are_shown() -> None:
    result = warned(*(SuiteWarning("UserWarning", f"a.py:{number}", "old") for number in range(10_000)))
    shown = section(result, "warnings of the suite")
    assert len(shown) == 22
    assert shown[-2:] == [
        "  … and 980 more; -v shows all",
        "  … and 9000 warnings that the journal has not: too many different ones",
    ]


def test_a_warning_cannot_command_the_terminal_or_the_ci_service() -> None:
    result = warned(SuiteWarning("\x1b[2J", "::error::a.py:3", "##vso[x]\r\x1b[A", 1, ("::t\n",)))
    text = "\n".join(section(result, "warnings of the suite"))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "##vso[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_the_option_of_a_random_order_is_shown_for_bash() -> None:
    result = msgspec.structs.replace(green().result(), facts=PytestFacts(seed="--random-order-seed=x y"))
    assert section(result, "random order") == ["  the same again: async-test-run -- '--random-order-seed=x y'"]
    assert "random order" not in lines(green().result())


def test_the_command_line_can_ask_for_reasons_instead_of_pytests_configuration() -> None:
    script = planned("t.py::a")
    detail = Detail("setup", Outcome.SKIPPED, "no network")
    script.end("async", "t.py::a", 3.0, Outcome.SKIPPED, details=(detail,))
    assert "skipped tests" not in lines(script.result())
    assert "  1 test: no network" in lines(script.result(), report_chars="s")
    asked = msgspec.structs.replace(script.result(), facts=PytestFacts(report_chars="s"))
    assert "skipped tests" not in lines(asked, report_chars="x")


def test_a_run_that_breaks_everywhere_shows_the_first_hundred() -> None:
    ids = [f"t{number:03}" for number in range(150)]
    script = planned(*ids)
    for id in ids:
        script.end("async", id, 3.0, Outcome.FAILED)
    result = script.result()
    assert section(result, "failures")[-1] == "  … and 50 more; -v shows all"
    assert sum("FAILED" in line for line in lines(result, 1)) == 150


def test_collection_errors_come_with_pytests_text() -> None:
    script = Script()
    script.run()
    text = "".join(f"line {number}\n" for number in range(70)) + "E   ImportError: no module named x\n"
    script.collected(errors=(CollectError("tests/test_broken.py", text),))
    script.finish(2.0)
    shown = section(script.result(), "collection errors")
    assert shown[:3] == ["  tests/test_broken.py", "  … 11 earlier lines; -v shows all", "│ line 11"]
    assert shown[-1] == "│ E   ImportError: no module named x"
    assert last(script) == "FAILED 1 collection error in 2.00s (exit 1)"


def test_the_phase_table_has_a_column_for_each_outcome_that_occurred() -> None:
    script = red()
    script.plan("データ", ["d"], workers=3)
    script.not_run("データ", ["d"], 6.0, "setup failed")
    script.over("データ", 6.0, reason="setup failed")
    assert section(script.result(), "phases") == [
        "          isolation  tests  failed  timed out  not run  passed         wall",
        "  async   test           3       1          1        -       1        1.00s",
        "  データ  test x3        1       -          -        1       -  not started  setup failed",
        "  total                  4       1          1        1       1",
    ]


def test_the_slowest_come_first_and_only_as_many_as_wanted() -> None:
    result = green(15).result()
    assert [line.split()[0] for line in section(result, "slowest tests")] == [
        f"{number / 2:.2f}s" for number in range(14, 4, -1)
    ]
    assert sum("  async  " in line and "::" in line for line in lines(result, slowest=2)) == 2
    assert sum("  async  " in line and "::" in line for line in lines(result, slowest=0)) == 14  # as pytest's: all


@pytest.mark.parametrize(
    ("facts", "count"), [({"durations": 3}, 3), ({"durations": 0}, 14), ({"durations_min": 6.0}, 3)]
)
def test_pytests_durations_say_how_many_slow_tests_are_listed(facts: dict[str, float], count: int) -> None:
    result = msgspec.structs.replace(green(15).result(), facts=PytestFacts(**facts))  # type: ignore[arg-type]
    assert len(section(result, "slowest tests")) == count


def test_what_pytest_is_asked_to_report_is_shown_unless_the_run_is_quiet() -> None:
    result = msgspec.structs.replace(green(2).result(), facts=PytestFacts(report_chars="p"))
    assert len(section(result, "passed tests")) == 2
    assert "passed tests" not in lines(result, verbosity=-1)


def test_flaky_tests_show_the_way_they_took() -> None:
    script = planned("a")
    script.end("async", "a", 3.0, Outcome.CRASHED, retry=True)
    script.end("async", "a", 3.0, attempt=2)
    script.over("async", 4.0)
    script.finish(5.0)
    assert section(script.result(), "flaky tests") == ["  a  (phase async)  crashed, then passed"]
    assert last(script) == "PASSED 1 test, 1 flaky in 5.00s (exit 0)"


def test_what_did_not_run_is_grouped_by_phase_and_reason() -> None:
    script = planned("a", "b", "c", "d", "e", "f")
    script.not_run("async", ["a", "c", "d", "e"], 3.0, "stopped after 1 failure")
    script.not_run("async", ["b"], 3.0, "run budget used up")
    script.start("async", "f", 3.5)
    result = script.result()
    assert section(result, "not run") == [
        "  1 test of phase async: in flight when the run ended",
        "    f",
        "  1 test of phase async: run budget used up",
        "    b",
        "  4 tests of phase async: stopped after 1 failure",
        "    a",
        "    c",
        "    d",
        "    … and 1 more; -v shows all",
    ]
    assert "    e" in section(result, "not run", verbosity=1)


def test_what_a_signal_has_ended_stands_first_and_the_way_on_is_shown() -> None:
    script = planned("a", "b", "c")
    script.not_run("async", ["a", "c"], 3.0, "interrupted by SIGINT")
    script.not_run("async", ["b"], 3.0, "interrupted by SIGINT after 2s, at a.py:1 in f")
    finished = msgspec.structs.replace(script.result(), finished=True)
    assert not any(line.startswith("next: ") for line in lines(finished))
    script.events.append(Interrupted(at=EPOCH + 3.0, mono=MONO + 3.0, signal=2))
    assert section(script.result(), "not run")[0].endswith("after 2s, at a.py:1 in f")
    (way,) = [line for line in lines(script.result()) if line.startswith("next: ")]
    assert way.endswith(f"--resume {RUN_ID} goes on with it")


def test_the_rest_of_what_there_is_to_say() -> None:
    script = green(1)
    script.events[1] = Script().collected(
        left_out=(LeftOut("not slow", 7), LeftOut("--ignore", 1, "paths")),
        skips=(CollectError("tests/test_w.py", "\nSkipped: windows only\n"),),
    )
    script.add(ProblemFound, 4.0, problem=Problem("infrastructure", "no python", "a log\ninstall it", "async"))
    script.add(Warned, 4.0, message="slow\ndisk")
    setup = CommandResult(phase="async", stage="setup", command="make db", status=-9, duration=1.0, output="")
    script.add(CommandFinished, 4.0, result=setup)
    script.end("async", "ghost", 4.0)
    script.finish(5.0)
    result = script.result()
    assert section(result, "left out") == ["  7 tests: not slow", "  1 path: --ignore"]
    assert section(result, "files that skipped themselves") == ["  tests/test_w.py: Skipped: windows only"]
    assert last(script) == "INTERNAL ERROR 1 test, 1 problem in 5.00s (exit 3)"
    assert section(result, "problems") == ["  phase async: no python", "    a log", "    install it"]
    assert section(result, "warnings") == ["  slow\\ndisk"]
    assert section(result, "commands that failed") == ["  make db  (setup of phase async, killed by SIGKILL)"]
    assert section(result, "broken promises of the runner") == ["  reported without being planned: ghost"]


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_empty_sections_are_not_shown(verbosity: int) -> None:
    script = Script()
    script.run()
    script.collected()
    script.finish(1.0)
    assert lines(script.result(), verbosity) == ["NOTHING SELECTED no tests in 1.00s (exit 5)"]


def test_verdicts_in_one_line() -> None:
    mixed = planned("a", "b", "c")
    mixed.end("async", "a", 3.0)
    mixed.end("async", "b", 3.0, Outcome.SKIPPED)
    assert last(mixed) == (
        "INCOMPLETE: the runner was killed, or is still at work: 1 not run, 1 passed, 1 skipped in 3.00s (exit 1)"
    )
    mixed.events.append(Interrupted(at=EPOCH, mono=MONO, signal=15))
    assert last(mixed).startswith("INCOMPLETE: interrupted by SIGTERM, and killed before it ended: 1 not run, ")
    mixed.finish(5.0)
    assert last(mixed) == "INTERRUPTED by SIGTERM: 1 not run, 1 passed, 1 skipped in 5.00s (exit 143)"
    assert last(red()) == "FAILED 1 failed, 1 timed out, 1 passed in 1m 00s (exit 1)"


def test_every_exit_code_has_a_word() -> None:
    for code in ExitCode:
        assert re.search(rf"\(exit {int(code)}\)$", final.verdict(red().result(), code).plain)


def test_nothing_that_a_test_wrote_leaves_its_line_or_reaches_the_terminal() -> None:
    evil = "::error::x\x1b[2J\r\n##[group]\u202e"
    detail = Detail("setup", Outcome.FAILED, evil, evil)
    script = Script()
    script.run(plan_path=f"/project/{evil}")
    bad = (CollectError(evil, evil),)
    script.collected(errors=bad, skips=bad, left_out=(LeftOut(evil, 1),))
    script.plan(evil, [evil, "b" + evil, "c" + evil])
    script.end(evil, evil, 3.0, Outcome.FAILED, details=(detail,), sections=(Section(evil, evil),))
    script.end(evil, "b" + evil, 3.0, Outcome.FAILED, retry=True)
    script.end(evil, "b" + evil, 3.0, attempt=2)
    script.not_run(evil, ["c" + evil], 3.0, evil)
    script.end(evil, "unplanned" + evil, 3.0)
    script.add(ProblemFound, 4.0, problem=Problem("internal", evil, evil, evil))
    script.add(Warned, 4.0, message=evil)
    result = CommandResult(phase=evil, stage="setup", command=evil, status=1, duration=1.0, output=evil, problem=evil)
    script.add(CommandFinished, 4.0, result=result)
    script.over(evil, 5.0, reason=evil)
    for verbosity in (-1, 0, 1):
        for line in lines(script.result(), verbosity, places=[("junit", CWD / evil)]):
            assert not set(line) & {"\x1b", "\r", "\n", "\u202e"}
            assert "##[" not in line
            assert not line.lstrip().startswith("::")


def test_the_run_is_the_one_that_was_recorded() -> None:
    assert red().result().run_id == RUN_ID


# ------------------------------------------------------------------------------------------------- flaky, rechecked


def test_a_flaky_test_that_fails_is_among_the_failures() -> None:
    script = planned("t.py::a")
    script.end("async", "t.py::a", 3.0, Outcome.FAILED, details=(FAILED,), retry=True)
    script.end("async", "t.py::a", 4.0, attempt=2, fails=True)
    script.over("async", 5.0)
    script.finish(6.0)
    result = script.result()
    assert "    failed, then passed: flaky" in section(result, "failures")
    assert section(result, "flaky tests")
    assert last(script) == "FAILED 1 failed, 1 flaky in 6.00s (exit 1)"


def test_a_test_that_passes_alone_is_shown_with_the_tests_that_ran_before_it() -> None:
    script = polluted(25)
    shown = section(script.result(), "order-dependent tests")
    assert shown[:3] == [
        "  t.py::red  (phase async, stays red)",
        "    order-dependent: passed alone, in a process of its own, but not after 25 tests in async/0001",
        "      … 5 more before these, in summary.json",
    ]
    assert shown[-1] == "      t.py::test_24"
    assert len(section(script.result(), "order-dependent tests", verbosity=1)) == 2 + 25
    assert last(script) == "FAILED 1 failed, 25 passed, 1 order-dependent in 7.00s (exit 1)"


def test_a_test_that_may_depend_on_the_order_leaves_a_green_run() -> None:
    script = polluted(1, passes=True)
    assert section(script.result(), "order-dependent tests")[0] == "  t.py::red  (phase async, passes)"
    assert last(script) == "PASSED 2 tests, 1 order-dependent in 7.00s (exit 0)"


def test_a_retry_that_passes_alone_is_order_dependent_and_not_flaky() -> None:
    script = retried_alone()
    said = "    passed alone in a fresh process, but not after 1 test in async/0001: probably order-dependent"
    shown = ["  t.py::red  (phase async, stays red)", said, "      t.py::test_0"]
    assert section(script.result(), "order-dependent tests") == shown
    assert said in section(script.result(), "failures")
    assert section(script.result(), "flaky tests") == []
    assert last(script) == "FAILED 1 failed, 1 passed, 1 order-dependent in 7.00s (exit 1)"
    assert last(retried_alone(fails=False)) == "PASSED 2 tests, 1 order-dependent in 7.00s (exit 0)"


@pytest.mark.parametrize(
    ("outcome", "reason", "line"),
    [
        (Outcome.FAILED, "", "    not order-dependent: failed alone too"),
        (Outcome.NOT_RUN, "interrupted by SIGINT", "    not run again alone: interrupted by SIGINT"),
    ],
)
def test_a_failure_says_what_came_of_its_recheck(outcome: Outcome, reason: str, line: str) -> None:
    result = polluted(1, outcome, reason=reason).result()
    assert line in section(result, "failures")
    assert section(result, "order-dependent tests") == []


def leaking(count: int, what: str = "task x still pending") -> Script:
    script = green(count)
    for number in range(count):
        leak = Leak("tasks", what, f"tests/test_a.py:{number} in job")
        script.add(
            LeakFound, 4.0, phase="async", id=f"tests/test_a.py::test_{number}", attempt=1, process="", leak=leak
        )
    script.finish(12.4)
    return script


def test_leaks_are_grouped_by_kind_with_their_tests_and_counted() -> None:
    shown = section(leaking(7).result(), "leaks")
    assert shown[:2] == [
        "  tasks (7)",
        "    tests/test_a.py::test_0  task x still pending; made at tests/test_a.py:0 in job",
    ]
    assert shown[-1] == "    … and 2 more; -v shows all"
    assert len(section(leaking(7).result(), "leaks", 1)) == 8
    assert last(leaking(7)) == "PASSED 7 tests, 7 leaks in 12.4s (exit 0)"


def test_what_was_left_behind_cannot_leave_its_line() -> None:
    (_, line) = section(leaking(1, "\x1b[31m\n##vso[task]").result(), "leaks")
    assert "\\x1b[31m\\n# #vso[task]" in line


def sharing(retired: int) -> RunResult:
    """A clean phase of two tests, in which so many processes were not clean any more."""
    result = green().result()
    ended = tuple(Retirement("async/0001", "gw0", f"t.py::{n}", "app: LIST added\n##[x]") for n in range(retired))
    phase = msgspec.structs.replace(result.phases[0], isolation=Isolation.CLEAN, shared=retired + 1, retirements=ended)
    return msgspec.structs.replace(result, phases=(phase,))


def test_a_clean_phase_says_how_many_processes_it_needed_and_verbosely_what_ended_each() -> None:
    assert section(sharing(0), "processes") == ["  async  2 tests in 1 process"]
    assert section(sharing(2), "processes") == ["  async  2 tests in 3 processes", "    … and 2 more; -v shows all"]
    assert section(sharing(2), "processes", 1)[1:] == [
        "    t.py::0  app: LIST added\\n# #[x]",
        "    t.py::1  app: LIST added\\n# #[x]",
    ]
    assert section(sharing(2), "processes", -1) == []
    assert section(green().result(), "processes") == []

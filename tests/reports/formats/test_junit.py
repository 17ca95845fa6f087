"""The XML of a run: as values, and beside the XML that pytest itself writes."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.inventory import CollectError, PytestFacts
from async_test_runner.model.result import (
    Attempt,
    Detail,
    Leak,
    PhaseResult,
    Problem,
    Recheck,
    Retirement,
    RunResult,
    Section,
    TestResult,
)
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record import verdict
from async_test_runner.reports.formats import junit
from tests.reports.event_script import retried_alone

from .html_sample import large

AT = 1_700_000_000.0


def attempt(outcome: Outcome, *details: Detail, number: int = 1, **more: object) -> Attempt:
    return Attempt(number=number, outcome=outcome, details=details, at=AT, duration=0.5, **more)  # type: ignore[arg-type]


def failed(number: int = 1, message: str = "assert 1 == 2", text: str = "trace") -> Attempt:
    return attempt(Outcome.FAILED, Detail("call", Outcome.FAILED, message, text), number=number)


def passed(number: int = 1) -> Attempt:
    return attempt(Outcome.PASSED, number=number)


def case(
    *attempts: Attempt, id: str = "tests/test_a.py::test_one", reason: str = "", phase: str = "sync"
) -> TestResult:
    return TestResult(id=id, file="tests/test_a.py", line=3, phase=phase, attempts=attempts, reason=reason)


def phase(*tests: TestResult, name: str = "sync") -> PhaseResult:
    return PhaseResult(
        name=name, isolation=Isolation.TEST, workers=2, tests=tests, wall=9.0, started=True, finished=True
    )


def run(*phases: PhaseResult, finished: bool = True, **more: object) -> RunResult:
    values = {"run_id": "r1", "plan": "app", "plan_path": "/p/runner.yaml", "root": "/p", "at": AT, "wall": 12.3456}
    return RunResult(phases=phases, finished=finished, **(values | more))  # type: ignore[arg-type]


def parsed(result: RunResult) -> ET.Element:
    return ET.fromstring(b"".join(junit.render(result)))


def only(*attempts: Attempt, reason: str = "", **more: object) -> ET.Element:
    """The one testcase of a run."""
    found = parsed(run(phase(case(*attempts, reason=reason)), **more)).find("testsuite[@name='sync']/testcase")
    assert found is not None
    return found


def tags(element: ET.Element) -> list[str]:
    return [child.tag for child in element if child.tag != "properties"]


def is_red(root: ET.Element) -> bool:
    return bool(int(root.attrib["failures"]) + int(root.attrib["errors"]))


# ---------------------------------------------------------------------------------------------------------- the frame


def test_the_root_carries_the_plan_the_counts_and_the_wall_time() -> None:
    root = parsed(run(phase(case(passed()), case(failed(), id="b"), case(attempt(Outcome.SKIPPED), id="c"))))
    assert root.attrib == {
        "name": "app",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "12.346",
        "timestamp": "2023-11-14T22:13:20.000+00:00",
    }


def test_a_phase_is_a_suite_with_the_sum_of_its_tests_times_and_its_policy() -> None:
    suite = parsed(run(phase(case(passed()), case(passed(), id="b"))))[0]
    assert (suite.attrib["name"], suite.attrib["time"], suite.attrib["tests"]) == ("sync", "1.000", "2")
    assert {p.attrib["name"]: p.attrib["value"] for p in suite.iterfind("properties/property")} == {
        "phase": "sync",
        "isolation": "test",
        "workers": "2",
    }


def test_a_clean_phase_says_how_many_processes_it_needed_and_after_which_tests() -> None:
    ended = (Retirement("p/0001", "gw0", "a", "call failed"), Retirement("p/0001", "gw1", "b", "app: LIST <added>"))
    clean = msgspec.structs.replace(phase(case(passed())), isolation=Isolation.CLEAN, shared=3, retirements=ended)
    suite = parsed(run(clean))[0]
    assert [(p.attrib["name"], p.attrib["value"]) for p in suite.iterfind("properties/property")][3:] == [
        ("processes", "3"),
        ("retired", "a: call failed"),
        ("retired", "b: app: LIST <added>"),
    ]


def test_the_hostname_is_written_when_it_is_given_only() -> None:
    result = run(phase(case(passed())))
    assert b"hostname" not in b"".join(junit.render(result))
    assert b' hostname="box"' in b"".join(junit.render(result, hostname="box"))


def test_tests_stand_in_the_order_of_the_plan_and_the_collection() -> None:
    first = phase(case(passed(), id="z.py::t"), case(passed(), id="a.py::t"), name="one")
    second = phase(case(passed(), id="m.py::t"), name="two")
    root = parsed(run(first, second))
    assert [element.attrib["classname"] for element in root.iter("testcase")] == ["z", "a", "m"]


def test_a_phase_that_is_called_like_a_suite_of_ours_does_not_share_its_name() -> None:
    root = parsed(run(phase(case(passed()), name="run"), problems=(Problem("infrastructure", "no disk"),)))
    assert [suite.attrib["name"] for suite in root] == ["run", "run#2"]


def test_a_testcase_has_its_place_and_its_properties() -> None:
    ran = attempt(Outcome.PASSED, number=2, properties=(("owner", "a"), ("owner", "b")), process="sync/0001", slot=3)
    found = only(ran)
    assert found.attrib == {
        "classname": "tests.test_a",
        "name": "test_one",
        "file": "tests/test_a.py",
        "line": "3",
        "time": "0.500",
    }
    assert [(p.attrib["name"], p.attrib["value"]) for p in found.iterfind("properties/property")] == [
        ("attempt", "2"),
        ("slot", "3"),
        ("process", "sync/0001"),
        ("owner", "a"),
        ("owner", "b"),
    ]


def test_attributes_that_a_test_sets_stand_in_place_of_ours_but_for_its_time() -> None:
    added = (("name", 'renamed "<1>"'), ("time", "99"), ("line", "7"), ("rank", "3"))
    assert only(attempt(Outcome.PASSED, attributes=added)).attrib == {
        "classname": "tests.test_a",
        "name": 'renamed "<1>"',
        "file": "tests/test_a.py",
        "line": "7",
        "time": "0.500",
        "rank": "3",
    }


@pytest.mark.parametrize("name", ["", "two words", "1st", 'a"/><b c="', "xmlns", "XML-id", "a:b", "ä", "a\n"])
def test_what_cannot_be_the_name_of_an_attribute_is_one_of_a_property(name: str) -> None:
    found = only(attempt(Outcome.PASSED, attributes=((name, "3"),)))
    assert set(found.attrib) == {"classname", "name", "file", "line", "time"}
    assert ("3", name) in [(p.attrib["value"], p.attrib["name"]) for p in found.iterfind("properties/property")]


@pytest.mark.parametrize(
    ("id", "classname", "name"),
    [
        ("tests/test_a.py::test_one", "tests.test_a", "test_one"),
        ("tests/a/test_b.py::TestC::TestD::test_e", "tests.a.test_b.TestC.TestD", "test_e"),
        ("t.py::test[a::b/c.py]", "t", "test[a::b/c.py]"),
        ("t.py::test[x[y]]", "t", "test[x[y]]"),
        ("dir[1]/t.py::test[2]", "dir[1].t", "test[2]"),
        ("docs/readme.md::readme.md", "docs.readme.md", "readme.md"),
        ("tests/test_broken.py", "", "tests.test_broken"),
    ],
)
def test_ids_are_taken_apart_as_pytest_does(id: str, classname: str, name: str) -> None:
    assert junit.address(id) == (classname, name)


# ------------------------------------------------------------------------------------------------------- the outcomes


def test_passed_and_xpassed_show_nothing() -> None:
    assert tags(only(passed())) == []
    assert tags(only(attempt(Outcome.XPASSED, Detail("call", Outcome.XPASSED, "bug 1")))) == []


def test_failed_has_the_message_and_the_text() -> None:
    found = only(failed(message="assert 'a' == \"b\"\n+ x", text="a < b & ]]> c\n")).find("failure")
    assert found is not None
    assert found.attrib == {"message": "assert 'a' == \"b\"\n+ x"}
    assert found.text == "a < b & ]]> c\n"


@pytest.mark.parametrize("when", ["setup", "teardown"])
@pytest.mark.parametrize("stage", [Outcome.FAILED, Outcome.ERROR])
def test_an_error_says_in_which_stage_as_pytest_does(when: str, stage: Outcome) -> None:
    found = only(attempt(Outcome.ERROR, Detail(when, stage, "boom", "trace"))).find("error")  # type: ignore[arg-type]
    assert found is not None
    assert (found.attrib["message"], found.text) == (f'failed on {when} with "boom"', "trace")


def test_a_failed_call_with_a_broken_teardown_is_one_testcase_that_counts_once() -> None:
    both = attempt(
        Outcome.FAILED,
        Detail("call", Outcome.FAILED, "assert 0", "one"),
        Detail("teardown", Outcome.ERROR, "boom", "two"),
    )
    root = parsed(run(phase(case(both))))
    assert tags(root[0].findall("testcase")[0]) == ["failure", "error"]
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("1", "1", "0")


def test_skipped_and_xfailed_have_pytests_types() -> None:
    skipped = only(attempt(Outcome.SKIPPED, Detail("setup", Outcome.SKIPPED, "no db", "t.py:3: no db"))).find("skipped")
    assert skipped is not None
    assert (skipped.attrib, skipped.text) == ({"type": "pytest.skip", "message": "no db"}, "t.py:3: no db")
    xfailed = only(attempt(Outcome.XFAILED, Detail("call", Outcome.XFAILED, "reason: bug", "trace"))).find("skipped")
    assert xfailed is not None
    assert (xfailed.attrib, xfailed.text) == ({"type": "pytest.xfail", "message": "bug"}, None)


def test_timed_out_is_a_failure_and_crashed_an_error_of_that_type() -> None:
    timed_out = only(attempt(Outcome.TIMED_OUT, Detail("runner", Outcome.TIMED_OUT, "60s", "stacks"))).find("failure")
    crashed = only(attempt(Outcome.CRASHED, Detail("runner", Outcome.CRASHED, "killed by SIGSEGV"))).find("error")
    assert timed_out is not None and crashed is not None
    assert (timed_out.attrib, timed_out.text) == ({"type": "timed_out", "message": "60s"}, "stacks")
    assert (crashed.attrib["type"], crashed.text) == ("crashed", "killed by SIGSEGV")


def test_a_test_that_was_failed_from_inside_at_its_deadline_says_timed_out() -> None:
    found = only(attempt(Outcome.TIMED_OUT, Detail("call", Outcome.FAILED, "Timeout", "trace")))
    assert [(child.tag, child.get("type")) for child in found if child.tag != "properties"] == [
        ("failure", "timed_out")
    ]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o.is_red])
def test_a_red_outcome_without_any_detail_is_red_all_the_same(outcome: Outcome) -> None:
    for details in ((), (Detail("call", Outcome.SKIPPED, "x"),), (Detail("call", Outcome.PASSED, "x"),)):
        assert is_red(parsed(run(phase(case(attempt(outcome, *details))))))


def test_a_skip_in_the_call_does_not_hide_an_error_in_teardown() -> None:
    root = parsed(
        run(
            phase(
                case(
                    attempt(Outcome.ERROR, Detail("call", Outcome.SKIPPED, "s"), Detail("teardown", Outcome.ERROR, "t"))
                )
            )
        )
    )
    assert tags(root[0].findall("testcase")[0]) == ["skipped", "error"]
    assert (root.attrib["errors"], root.attrib["skipped"]) == ("1", "0")


# --------------------------------------------------------------------------------------------------------- not passed


def test_tests_that_were_not_run_are_skipped_and_one_error_per_reason_keeps_the_report_red() -> None:
    gaps = [case(id=f"t.py::t{n}", reason="stopped after 1 failure") for n in range(30)]
    root = parsed(run(phase(*gaps, case(id="t.py::last", reason="another"))))
    first = root[0].findall("testcase")[0].find("skipped")
    assert first is not None and first.attrib == {"type": "not_run", "message": "stopped after 1 failure"}
    errors = root.findall("testsuite[@name='run']/testcase/error")
    assert [error.attrib["message"] for error in errors] == [
        "30 tests not run: stopped after 1 failure",
        "1 test not run: another",
    ]
    assert errors[0].text is not None and errors[0].text.endswith("t.py::t19\n… and 10 more")
    assert (root.attrib["tests"], root.attrib["skipped"], root.attrib["errors"]) == ("33", "31", "2")


def test_collection_errors_have_their_suite() -> None:
    result = run(phase(case(passed())), collect_errors=(CollectError("tests/test_b.py", "SyntaxError: x"),))
    found = parsed(result).find("testsuite[@name='collection']/testcase")
    assert found is not None and found.attrib["name"] == "tests.test_b"
    assert [(e.attrib["message"], e.text) for e in found.findall("error")] == [("collection failure", "SyntaxError: x")]


def test_files_that_skipped_themselves_are_shown_and_stay_green() -> None:
    root = parsed(run(phase(case(passed())), collect_skips=(CollectError("tests/test_b.py", "no numpy"),)))
    assert root.find("testsuite[@name='collection']/testcase/skipped") is not None
    assert not is_red(root)


RED_RUNS = {
    "a problem": run(phase(case(passed())), problems=(Problem("infrastructure", "setup failed", "look", "sync"),)),
    "a failed run": run(phase(case(passed())), problems=(Problem("failure", "a leak"),)),
    "interrupted": run(phase(case(passed())), signal=15),
    "killed": run(phase(case(passed())), finished=False),
    "duplicates": run(phase(case(passed())), duplicates=("t",)),
    "unplanned": run(phase(case(passed())), unplanned=("t",)),
    "a gap without a reason": run(phase(case())),
    "nothing selected": run(),
    "collect error": run(phase(case(passed())), collect_errors=(CollectError("a", "b"),)),
}


@pytest.mark.parametrize("result", RED_RUNS.values(), ids=RED_RUNS.keys())
def test_a_run_with_a_red_exit_code_never_has_a_green_report(result: RunResult) -> None:
    assert verdict.exit_code(result) != 0
    assert is_red(parsed(result))


def test_a_green_run_has_a_green_report_and_no_suite_of_ours() -> None:
    result = run(phase(case(passed())))
    assert verdict.exit_code(result) == 0
    root = parsed(result)
    assert not is_red(root)
    assert [suite.attrib["name"] for suite in root] == ["sync"]


def test_a_problem_names_its_phase_and_its_hint() -> None:
    found = parsed(RED_RUNS["a problem"]).find("testsuite[@name='run']/testcase")
    assert found is not None and found.attrib["name"] == "infrastructure in phase sync"
    error = found.find("error")
    assert error is not None and error.text == "setup failed\nlook"


# ------------------------------------------------------------------------------------------------------------ retries


def test_a_test_that_came_good_is_passed_with_its_flaky_attempts() -> None:
    crashed = attempt(Outcome.CRASHED, Detail("runner", Outcome.CRASHED, "killed"), number=2)
    root = parsed(run(phase(case(failed(), crashed, passed(3)))))
    found = root[0].findall("testcase")[0]
    assert tags(found) == ["flakyFailure", "flakyError"]
    assert [child.attrib["type"] for child in found if child.tag.startswith("flaky")] == ["failed", "crashed"]
    assert found.findtext("flakyFailure/stackTrace") == "trace"
    assert not is_red(root)


def test_a_test_that_stayed_red_shows_the_last_attempt_and_reruns_for_the_earlier_ones() -> None:
    found = only(failed(1, "first"), failed(2, "second"))
    assert tags(found) == ["failure", "rerunFailure"]
    assert [child.attrib["message"] for child in found if child.tag != "properties"] == ["second", "first"]


def test_the_output_of_an_earlier_attempt_is_kept_whatever_junit_logging_says() -> None:
    first = attempt(
        Outcome.FAILED,
        sections=(Section("Captured stdout call", "out"), Section("Captured stderr call", "err")),
    )
    found = only(first, passed(2))
    assert found.findtext("flakyFailure/system-out") == "out"
    assert found.findtext("flakyFailure/system-err") == "err"


def test_a_flaky_test_that_the_plan_wants_to_fail_is_a_failure_with_its_flaky_attempts() -> None:
    root = parsed(run(phase(msgspec.structs.replace(case(failed(), passed(2)), fails=True))))
    found = root[0].findall("testcase")[0]
    assert tags(found) == ["failure", "flakyFailure"]
    failure = found.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("flaky failure", "failed, then passed: flaky")
    assert root.get("failures") == "1"


@pytest.mark.parametrize("fails", [True, False])
def test_a_retry_that_passes_alone_after_others_is_a_failure_unless_the_plan_lets_it_pass(fails: bool) -> None:
    root = parsed(retried_alone(fails=fails).result())
    found = root[0].findall("testcase")[-1]
    assert tags(found) == (["failure", "flakyFailure"] if fails else ["flakyFailure"])
    failure = found.find("failure")
    assert (failure is not None) is fails
    if failure is not None:
        assert failure.get("type") == "order-dependent"
        assert str(failure.get("message")).endswith("in async/0001: probably order-dependent")
        assert str(failure.text).endswith("t.py::test_0")


def rechecked(outcome: Outcome, *, passes: bool = False) -> ET.Element:
    ids = tuple(f"t.py::test_{number}" for number in range(30))
    recheck = Recheck(outcome=outcome, passes=passes, position=25, history=ids)
    root = parsed(run(phase(msgspec.structs.replace(case(failed()), recheck=recheck))))
    assert is_red(root) is not passes
    return root[0].findall("testcase")[0]


def test_a_test_that_passes_alone_says_so_in_its_failure_with_what_ran_before_it() -> None:
    found = rechecked(Outcome.PASSED)
    assert tags(found) == ["failure"]
    text = (found.findtext("failure") or "").splitlines()
    assert "order-dependent: passed alone, in a process of its own, but not after 25 tests in " in text
    assert text[-1] == "t.py::test_24"
    assert "… 5 more before these, in summary.json" in text
    assert [p.get("value") for p in found.iter("property") if p.get("name") == "order_dependent"] == ["true"]


def test_a_test_that_fails_alone_too_says_so_in_its_failure() -> None:
    text = rechecked(Outcome.CRASHED).findtext("failure") or ""
    assert "not order-dependent: crashed alone too" in text


def test_a_test_that_may_depend_on_the_order_is_passed_with_its_flaky_attempt() -> None:
    assert tags(rechecked(Outcome.PASSED, passes=True)) == ["flakyFailure"]


# ---------------------------------------------------------------------------------------------------- options of pytest

SECTIONS = (
    Section("Captured stdout setup", "1"),
    Section("Captured log call", "L"),
    Section("Captured stdout call", "2"),
    Section("Captured stderr call", "E"),
)


def outputs(logging: str, outcome: Outcome = Outcome.FAILED, log_passing: bool = True) -> dict[str, str]:
    facts = PytestFacts(junit_logging=logging, junit_log_passing=log_passing)
    found = only(attempt(outcome, sections=SECTIONS), facts=facts)
    return {child.tag: child.text or "" for child in found if child.tag.startswith("system")}


def test_captured_output_follows_junit_logging() -> None:
    log, out, err = (f"{title.center(80, '-')}\n" for title in (" Captured Log ", " Captured Out ", " Captured Err "))
    assert outputs("no") == {}
    assert outputs("log") == {"system-out": f"{log}L\n"}
    assert outputs("system-out") == {"system-out": f"{out}12\n"}
    assert outputs("system-err") == {"system-err": f"{err}E\n"}
    assert outputs("out-err") == {"system-out": f"{out}12\n", "system-err": f"{err}E\n"}
    assert outputs("all") == {"system-out": f"{log}L\n{out}12\n", "system-err": f"{err}E\n"}


def test_output_of_passing_tests_can_be_left_out() -> None:
    assert outputs("all", Outcome.PASSED, log_passing=False) == {}
    assert outputs("all", Outcome.ERROR, log_passing=False) != {}


def test_the_duration_can_be_that_of_the_call() -> None:
    ran = attempt(Outcome.PASSED, call=0.125)
    assert only(ran).attrib["time"] == "0.500"
    assert only(ran, facts=PytestFacts(junit_duration="call")).attrib["time"] == "0.125"


# ------------------------------------------------------------------------------------------------------ hostile values


def test_what_xml_cannot_hold_is_spelled_out() -> None:
    found = only(failed(message="\x1b[31m\0\ud800", text="\x7f\ufffe\x07")).find("failure")
    assert found is not None
    assert (found.attrib["message"], found.text) == ("#x1B[31m#x00#xD800", "#x7F#xFFFE#x07")


def test_markup_in_names_properties_and_output_stays_text() -> None:
    evil = '"/><testcase name="x"><failure/>]]>&amp;'
    ran = attempt(Outcome.PASSED, properties=((evil, evil),), sections=(Section("Captured stdout call", evil),))
    result = run(phase(case(ran, id=f"t.py::{evil}"), name=evil), plan=evil, facts=PytestFacts(junit_logging="all"))
    root = parsed(result)
    assert len(list(root.iter("testcase"))) == 1
    assert root.attrib["name"] == root[0].attrib["name"] == evil
    assert {p.attrib["name"]: p.attrib["value"] for p in root.iterfind(".//testcase/properties/property")}[evil] == evil


def test_nothing_that_a_terminal_obeys_stands_in_the_bytes() -> None:
    data = b"".join(junit.render(run(phase(case(failed(message="\x9b31m\u202e", text="\x9b\x1b\u2066\r"))))))
    assert not set("\x1b\x9b\u202e\u2066\r") & set(data.decode())
    found = ET.fromstring(data).find(".//failure")
    assert found is not None and found.text == "\x9b#x1B\u2066\r"


def test_a_huge_message_is_cut_in_the_attribute_and_whole_in_the_text() -> None:
    huge = "x" * 100_000
    found = only(failed(message=huge, text="")).find("failure")
    assert found is not None
    assert found.attrib["message"] == f"{'x' * 1000}… (+99000 characters)"
    assert found.text == huge


def test_a_time_out_of_range_is_left_out() -> None:
    assert "timestamp" not in parsed(run(at=1e300)).attrib


details = st.builds(
    Detail, st.sampled_from(["setup", "call", "teardown", "runner"]), st.sampled_from(Outcome), st.text()
)
attempts = st.builds(
    Attempt,
    number=st.just(1),
    outcome=st.sampled_from([o for o in Outcome if o is not Outcome.NOT_RUN]),
    details=st.lists(details, max_size=3).map(tuple),
    sections=st.lists(st.builds(Section, st.just("Captured stdout call"), st.text()), max_size=1).map(tuple),
)
cases = st.builds(
    TestResult,
    id=st.text(st.characters()),
    file=st.text(),
    line=st.integers(0, 9),
    phase=st.just("p"),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    reason=st.text(),
)


@given(st.lists(cases, max_size=4))
def test_any_run_gives_wellformed_xml_with_right_counts_and_every_test_once(tests: list[TestResult]) -> None:
    result = run(phase(*tests), facts=PytestFacts(junit_logging="all"))
    root = parsed(result)
    assert len(root[0].findall("testcase")) == len(tests)
    assert counted(root) == {key: int(root.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
    assert is_red(root) == (verdict.exit_code(result) != 0)
    for test, found in zip(tests, root[0].findall("testcase"), strict=True):
        assert (found.find("failure") is not None or found.find("error") is not None) == test.outcome.is_red


def counted(root: ET.Element) -> dict[str, int]:
    counts = Counter(tests=0, failures=0, errors=0, skipped=0)
    for element in root.iter("testcase"):
        kinds = {child.tag for child in element}
        counts["tests"] += 1
        for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            if tag in kinds:
                counts[key] += 1
                break
    return dict(counts)


# ---------------------------------------------------------------------------------------------- beside pytest's own XML

SUITE = """
import logging, sys, pytest

def test_pass(): print("hello"); print("oops", file=sys.stderr); logging.warning("logged")
def test_fail(): print("before"); assert "a\\nb" == "a\\x1bc", "<why> & ]]>"
@pytest.mark.skip(reason="not <today>")
def test_skip(): pass
def test_skip_inside(): pytest.skip("no db")
@pytest.mark.skipif(True, reason="never")
def test_skipif(): pass
@pytest.mark.xfail(reason="bug 1")
def test_xfail(): assert 0
def test_xfail_inside(): pytest.xfail("later")
@pytest.mark.xfail(reason="bug 2")
def test_xpass(): pass
@pytest.mark.xfail(reason="bug 3", strict=True)
def test_xpass_strict(): pass
@pytest.fixture
def bad_setup(): print("in setup"); raise RuntimeError("setup \\"broke\\"")
@pytest.fixture
def bad_teardown(): yield; raise RuntimeError("teardown broke")
def test_setup_error(bad_setup): pass
def test_teardown_error(bad_teardown): pass
def test_call_and_teardown(bad_teardown): assert 0, "call"
def test_skip_and_teardown(bad_teardown): pytest.skip("then it broke")
@pytest.mark.parametrize("value", ["a::b", "x/y.py", "[", "]", "a[b]", "é", "\\x1b", "<&>", "\\"", "\\n", ""])
def test_params(value): pass
class TestClass:
    class TestInner:
        def test_method(self): pass
    def test_property(self, record_property):
        record_property("owner", "<me> & \\"you\\"")
        record_property("number", 3)
def test_long_message(): raise ValueError("x" * 2000)
def test_plain_fail(): pytest.fail("no trace", pytrace=False)
"""

RECORDER = """
import json, pytest

_tests = {}

def pytest_runtest_logreport(report):
    test = _tests.setdefault(report.nodeid, {"id": report.nodeid, "file": report.location[0],
        "line": report.location[1] + 1, "details": [], "duration": 0.0, "call": 0.0, "sections": [], "properties": []})
    test["duration"] += report.duration
    if report.when == "call":
        test["call"] = report.duration
    test["sections"] = [list(section) for section in report.sections] or test["sections"]
    test["properties"] = [[str(n), str(v)] for n, v in report.user_properties] or test["properties"]
    crash = getattr(report.longrepr, "reprcrash", None)
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
        detail = [report.when, outcome, report.wasxfail, report.longreprtext]
    elif report.skipped:
        path, line, reason = report.longrepr
        reason = reason.removeprefix("Skipped: ")
        detail = [report.when, "skipped", reason, f"{path}:{line}: {reason}"]
    elif report.failed:
        message = crash.message if crash is not None else str(report.longrepr)
        detail = [report.when, "failed" if report.when == "call" else "error", message, report.longreprtext]
    else:
        return
    test["details"].append(detail)

def pytest_sessionfinish(session):
    config = session.config
    with open("recorded.json", "w") as file:
        json.dump({"tests": list(_tests.values()), "log_passing": config.getini("junit_log_passing_tests")}, file)
"""


def recorded_run(directory: Path, family: str, logging: str, duration: str) -> tuple[RunResult, ET.Element]:
    (directory / "nested" / "deep.dir").mkdir(parents=True)
    (directory / "test_top.py").write_text(SUITE, encoding="utf-8")
    (directory / "nested" / "deep.dir" / "test_low.py").write_text("def test_low(): pass\n", encoding="utf-8")
    (directory / "recorder.py").write_text(RECORDER, encoding="utf-8")
    (directory / "pytest.ini").write_text(
        f"[pytest]\njunit_family={family}\njunit_logging={logging}\njunit_duration_report={duration}\n"
    )
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "recorder", "-p", "no:cacheprovider", "--junitxml=theirs.xml"],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.DEVNULL,
    )
    recorded = json.loads((directory / "recorded.json").read_text())
    tests = [
        TestResult(id=test["id"], file=test["file"], line=test["line"], phase="p", attempts=(as_attempt(test),))
        for test in recorded["tests"]
    ]
    facts = PytestFacts(junit_logging=logging, junit_duration=duration, junit_log_passing=recorded["log_passing"])
    return run(phase(*tests), facts=facts), ET.parse(directory / "theirs.xml").getroot()


def as_attempt(test: dict[str, list[list[str]]]) -> Attempt:
    found = [Detail(when, Outcome(outcome), message, text) for when, outcome, message, text in test["details"]]  # type: ignore[arg-type]
    order = [Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.XFAILED, Outcome.XPASSED, Outcome.PASSED]
    outcome = min((detail.outcome for detail in found), key=order.index, default=Outcome.PASSED)
    return Attempt(
        number=1,
        outcome=outcome,
        duration=test["duration"],  # type: ignore[arg-type]
        call=test["call"],  # type: ignore[arg-type]
        details=tuple(found),
        sections=tuple(Section(*section) for section in test["sections"]),
        properties=tuple((name, value) for name, value in test["properties"]),
    )


def comparable(elements: list[ET.Element]) -> list[tuple[str, str | None, str, str]]:
    """``(tag, type, message, text)`` of the children; messages up to where either side shortens them.

    pytest writes the output of a skipped test twice, and before an error in its teardown.
    """
    children = [child for element in elements for child in element if child.tag != "properties"]
    found = [(c.tag, c.get("type"), (c.get("message") or "").split("\n[")[0][:400], c.text or "") for c in children]
    return sorted(dict.fromkeys(found), key=str) if any(c.tag == "skipped" for c in children) else found


@pytest.mark.processes
@pytest.mark.parametrize(
    ("family", "logging", "duration"),
    [("xunit1", "no", "total"), ("xunit2", "all", "call"), ("xunit1", "log", "total")],
)
def test_every_testcase_says_what_pytests_own_xml_says(
    tmp_path: Path, family: str, logging: str, duration: str
) -> None:
    result, theirs = recorded_run(tmp_path, family, logging, duration)
    by_name: dict[tuple[str, str], list[ET.Element]] = {}
    for element in theirs.iter("testcase"):
        by_name.setdefault((element.attrib["classname"], element.attrib["name"]), []).append(element)
    ours = parsed(result)[0].findall("testcase")
    assert len(ours) == 29
    assert [(e.attrib["classname"], e.attrib["name"]) for e in ours] == list(by_name)
    for element in ours:
        pair = by_name[element.attrib["classname"], element.attrib["name"]]
        assert comparable([element]) == comparable(pair)
        assert float(element.attrib["time"]) == pytest.approx(sum(float(p.attrib["time"]) for p in pair), abs=0.0021)
        own = [(p.attrib["name"], p.attrib["value"]) for p in element.iterfind("properties/property")][3:]
        assert own == [(p.attrib["name"], p.attrib["value"]) for p in pair[-1].iterfind("properties/property")]
        if family == "xunit1":  # there lines count from 0
            assert (element.attrib["file"], int(element.attrib["line"]) - 1) == (
                pair[0].attrib["file"],
                int(pair[0].attrib["line"]),
            )


# -------------------------------------------------------------------------------------------------------------- leaks


@pytest.mark.parametrize("logging", ["no", "all", "system-err"])
def test_what_a_test_left_is_a_property_and_stands_in_its_system_err(logging: str) -> None:
    leak = Leak("tasks", "task <x>\x1b", "a.py:1 in f")
    found = only(
        attempt(Outcome.PASSED, leaks=(leak,), sections=(Section("Captured stderr call", "own words"),)),
        facts=PytestFacts(junit_logging=logging),
    )
    (said,) = [p.attrib["value"] for p in found.iterfind("properties/property") if p.attrib["name"] == "leak"]
    err = found.findtext("system-err", "")
    assert said.startswith("tasks: task <x>")
    assert said.endswith("; made at a.py:1 in f")
    assert said.partition("\x1b")[0] in err
    assert ("own words" in err) == (logging != "no")
    assert not is_red(parsed(run(phase(case(attempt(Outcome.PASSED, leaks=(leak,)))))))


# --------------------------------------------------------------------------------------- what pytest's settings ask for

SHOP = PytestFacts(junit_suite="shop", junit_prefix="py311")


def test_the_suite_has_the_name_that_the_project_gives_it() -> None:
    one, two = phase(case(passed())), phase(case(passed(), id="b.py::t"), name="async")
    assert [suite.get("name") for suite in parsed(run(one, facts=SHOP))] == ["shop"]
    assert [suite.get("name") for suite in parsed(run(one, two, facts=SHOP))] == ["shop.sync", "shop.async"]


def test_the_prefix_stands_before_every_classname_of_the_project() -> None:
    errors = (CollectError("tests/test_b.py", "SyntaxError"),)
    root = parsed(run(phase(case(passed()), case(reason="why", id="test_c.py::t")), facts=SHOP, collect_errors=errors))
    found = [(found.get("classname"), found.get("name")) for found in root.iter("testcase")]
    assert found[:3] == [("py311.tests.test_a", "test_one"), ("py311.test_c", "t"), ("py311", "tests.test_b")]
    assert all(classname == "async-test-run" for classname, _ in found[3:])


def test_properties_that_tests_add_to_the_suite_stand_behind_ours() -> None:
    added = msgspec.structs.replace(phase(case(passed())), properties=(("build", "42"), ("build", "<43>")))
    suite = parsed(run(added))[0]
    found = [(p.get("name"), p.get("value")) for p in suite.iterfind("properties/property")]
    assert found[3:] == [("build", "42"), ("build", "<43>")]


# ------------------------------------------------------------------------------------------------------------ its size


def much(count: int) -> RunResult:
    noisy = attempt(Outcome.PASSED, sections=(Section("Captured stdout call", "out" * 100),))
    red = [case(failed(message="<m>" * 50, text="&" * 400), id=f"a.py::red{n}") for n in range(count)]
    green = [case(noisy, id=f"a.py::green{n}") for n in range(count)]
    facts = PytestFacts(junit_logging="all", junit_log_passing=True)
    return run(phase(*red, *green), facts=facts)


def left_out(root: ET.Element) -> str:
    return "".join(
        p.attrib["value"]
        for p in root.iterfind("testsuite/properties/property")
        if p.attrib["name"] == "async-test-run.left_out"
    )


def test_an_xml_that_fits_misses_nothing() -> None:
    whole = b"".join(junit.render(much(50)))
    assert b"".join(junit.render(much(50), limit=len(whole))) == whole
    assert left_out(ET.fromstring(whole)) == ""


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.9, "the output of green tests; the journal has it"),
        (0.8, "the output of green tests; properties of testcases; the journal has it"),
        (0.5, "the output of green tests; properties of testcases; the middle of texts longer than "),
    ],
)
def test_a_larger_one_has_what_has_room_and_each_test_once(share: float, said: str) -> None:
    whole = b"".join(junit.render(much(50)))
    limit = int(len(whole) * share)
    written = b"".join(junit.render(much(50), limit=limit))
    assert limit * 0.6 < len(written) <= limit
    root = ET.fromstring(written)
    assert left_out(root).startswith(said)
    assert {c.attrib["name"] for c in root.iter("testcase")} == {f"{k}{n}" for k in ("red", "green") for n in range(50)}
    assert len(root.findall(".//failure")) == 50
    assert b"".join(junit.render(much(50), limit=limit)) == written


def test_no_limit_leaves_out_a_test_or_its_outcome() -> None:
    root = ET.fromstring(b"".join(junit.render(much(3), limit=1)))
    assert (len(root.findall(".//testcase")), len(root.findall(".//failure"))) == (6, 3)


@pytest.mark.thorough
def test_a_hundred_thousand_failures_are_below_thirty_megabytes() -> None:
    size = tests = 0
    for piece in junit.render(large(100_000, failures=100_000)):
        size += len(piece)
        tests += piece.count(b"<testcase ")
    assert size <= 30_000_000
    assert tests == 100_000

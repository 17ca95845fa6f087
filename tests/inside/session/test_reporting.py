"""From pytest's reports to plain values."""

from __future__ import annotations

from typing import Any

import pytest
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.session.reporting import TestReports, cut, leak_said
from hypothesis import given
from hypothesis import strategies as st


def report(when: str = "call", outcome: str = "passed", **facts: Any) -> pytest.TestReport:
    values = {"longrepr": None, "sections": (), "duration": 0.5, "user_properties": None}
    extra = {key: facts.pop(key) for key in list(facts) if key not in values}
    made = pytest.TestReport(
        nodeid="a::t", location=("a", 1, "t"), keywords={}, outcome=outcome, when=when, **{**values, **facts}
    )
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def fields(*reports: pytest.TestReport) -> dict[str, Any]:
    test = TestReports("a::t", 7.0, 5000)
    for each in reports:
        test.add(each)
    message = test.finished("gw0", [])
    assert (message.kind, message.fields.pop("worker")) == ("finished", "gw0")
    return message.fields


def stage(**facts: Any) -> dict[str, Any]:
    (found,) = fields(report(**facts))["stages"]
    return {key: found[key] for key in ("when", "outcome", "message")}


def test_a_passed_test_says_only_how_long_it_took() -> None:
    said = fields(report("setup"), report("call", duration=2.0), report("teardown"))
    assert said == {"id": "a::t", "started": 7.0, "duration": 3.0, "call": 2.0}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"outcome": "failed", "longrepr": "assert 0"}, ("call", "failed", "assert 0")),
        ({"when": "setup", "outcome": "failed", "longrepr": "no"}, ("setup", "failed", "no")),
        ({"outcome": "skipped", "longrepr": ("a", 1, "Skipped: why")}, ("call", "skipped", "why")),
        ({"outcome": "skipped", "wasxfail": "known", "longrepr": "x"}, ("call", "xfailed", "known")),
        ({"outcome": "passed", "wasxfail": "known"}, ("call", "xpassed", "known")),
        ({"outcome": "failed", "longrepr": "[XPASS(strict)] known"}, ("call", "failed", "[XPASS(strict)] known")),
        ({"outcome": "rerun", "longrepr": "again"}, ("call", "failed", "again")),  # and it was not run again
        ({"outcome": "made up", "longrepr": "x"}, ("call", "made up", "x")),
        ({"outcome": "failed", "longrepr": "\udcff"}, ("call", "failed", "\\udcff")),
    ],
)
def test_what_is_not_simply_passed_is_a_stage(facts: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert stage(**facts) == dict(zip(("when", "outcome", "message"), expected, strict=True))


def outcomes(*reports: tuple[str, str], unheard: tuple[int, ...] = ()) -> list[str]:
    """The stages of a test that a plugin repeats; what is ``unheard`` it keeps to itself."""
    test = TestReports("a::t", 7.0, 5000)
    for position, (when, outcome) in enumerate(reports):
        each = report(when, outcome, longrepr=f"{when} {position}")
        if unheard:
            test.made(each)
        if position not in unheard:
            test.add(each)
    said = test.finished("gw0", []).fields.get("stages", [])
    return [f"{stage['outcome']} {stage['message']}" for stage in said]


SETUP, CALL, DONE = ("setup", "passed"), ("call", "passed"), ("teardown", "passed")
FAILED, RERUN = ("call", "failed"), ("call", "rerun")


@pytest.mark.parametrize("name", ["rerun", "retried", "whatever"])
def test_a_failure_before_another_try_ends_its_try_however_its_plugin_calls_it(name: str) -> None:
    again = ("call", name)
    assert outcomes(SETUP, again, DONE, SETUP, CALL, DONE) == ["rerun call 1"]
    assert outcomes(SETUP, again, CALL, DONE) == ["rerun call 1"]  # pytest-retry repeats the call alone
    assert outcomes(SETUP, again, again, FAILED, DONE) == ["rerun call 1", "rerun call 2", "failed call 3"]
    assert outcomes(("setup", name), DONE, SETUP, CALL, DONE) == ["rerun setup 0"]
    assert outcomes(SETUP, again, ("teardown", name), SETUP, CALL, DONE) == ["failed call 1", "rerun teardown 2"]


def test_the_last_try_is_what_the_plugin_says() -> None:
    assert outcomes(SETUP, RERUN, DONE, SETUP, FAILED, DONE) == ["rerun call 1", "failed call 4"]
    assert outcomes(SETUP, RERUN, DONE, SETUP, RERUN, DONE) == ["rerun call 1", "failed call 4"]
    assert outcomes(SETUP, FAILED, DONE, SETUP, CALL, DONE) == ["failed call 1"]  # nobody has forgiven it


def test_what_a_plugin_keeps_to_itself_is_told() -> None:
    assert outcomes(SETUP, FAILED, DONE, SETUP, CALL, DONE, unheard=(1,)) == ["rerun call 1"]
    assert outcomes(SETUP, FAILED, DONE, SETUP, FAILED, DONE, unheard=(1,)) == ["rerun call 1", "failed call 4"]
    assert outcomes(SETUP, CALL, DONE, SETUP, CALL, DONE, unheard=(1,)) == []  # it wants to see it pass twice
    assert outcomes(("setup", "failed"), DONE, SETUP, CALL, DONE, unheard=(0,)) == ["rerun setup 0"]
    never = "failed pytest finished the test without reporting its call"
    assert outcomes(SETUP, FAILED, DONE, unheard=(1,)) == [never]


def test_a_traceback_that_cannot_be_shown_does_not_stop_the_report() -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

    assert "could not be shown: RuntimeError" in stage(outcome="failed", longrepr=Bad())["message"]


def test_a_test_without_a_call_and_without_a_reason_is_no_success() -> None:
    for reports in ((), (report("setup"), report("teardown"))):
        (found,) = fields(*reports)["stages"]
        assert (found["when"], found["outcome"]) == ("setup", "failed")
    assert [s["outcome"] for s in fields(report("setup", "skipped", longrepr=("a", 1, "why")))["stages"]] == ["skipped"]


def test_the_last_sections_and_properties_are_all_of_them() -> None:
    early = report("setup", sections=[("out", "1")], user_properties=[("k", 1)])
    late = report("call", sections=[("out", "1"), ("err", "\ud800")], user_properties=[("k", 1), ("l", None)])
    said = fields(early, late, report("teardown"))
    assert said["sections"] == [("out", "1"), ("err", "\\ud800")]
    assert said["properties"] == [("k", "1"), ("l", "None")]


def test_a_long_section_is_cut_in_the_middle() -> None:
    ((_, content),) = fields(report(sections=[("out", "a" * 9000 + "z")]))["sections"]
    assert len(content) <= 5000
    assert content.startswith("aaa")
    assert content.endswith("z")
    assert "bytes left out" in content


@given(st.text(), st.integers(2, 50))
def test_cut_keeps_both_ends_and_counts_what_is_missing(text: str, limit: int) -> None:
    made = cut(text, limit)
    if len(text) <= limit:
        assert made == text
    else:
        half = limit // 2
        assert made == f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def test_the_reports_of_subtests_are_marked_as_such() -> None:
    class SubtestReport(pytest.TestReport):
        pass

    sub = report(outcome="skipped", longrepr=("a", 1, "why"))
    sub.__class__ = SubtestReport
    said = fields(sub, report("call"))
    assert (said["duration"], said["call"]) == (0.5, 0.5)  # the call's, which the subtest is a part of
    (found,) = said["stages"]
    assert (found["sub"], found["outcome"]) == (True, "skipped")
    assert "sub" not in fields(report(outcome="failed", longrepr="x"))["stages"][0]


def test_what_is_said_of_a_leak_is_bounded_and_has_no_surrogates() -> None:
    said = leak_said(Leak("state", "\udc80" + "x" * 1000))
    assert said["kind"] == "state"
    assert "where" not in said
    assert said["what"].startswith("\\udc80x")
    assert len(said["what"]) < 400

"""What a collection is asked, and the proof that follows it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from async_test_runner.model.errors import PlanError, UsageError
from async_test_runner.model.inventory import CollectedTest, Demand, Interpreter, Inventory, PytestFacts
from async_test_runner.model.plan import Phase, Plan, Select
from async_test_runner.model.result import PhaseResult, ProcessRun, RunResult
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.run import collection
from async_test_runner.run.collection import _refused, notes, proved, surroundings, too_many_warnings, wants_host
from async_test_runner.suite.assignment import Narrowing

ROOT = Path("/plan")


def plan(*phases: Phase, **facts: Any) -> Plan:
    return Plan(path=ROOT / "runner.yaml", root=ROOT, name="p", phases=phases, **facts)


def inventory(*ids: str, xdist: bool = False) -> Inventory:
    tests = tuple(CollectedTest(id, id.partition("::")[0], 1) for id in ids)
    plugins = ("pytest-xdist-3.8.0",) if xdist else ()
    return Inventory(tests=tests, facts=PytestFacts(version="9.0.0", rootdir=str(ROOT), plugins=plugins))


def test_an_expression_that_pytest_refuses_is_said_at_every_place_where_it_stands() -> None:
    it = plan(
        Phase(name="a", markers="bad", line=3), Phase(name="b", markers="bad", line=7), select=Select(markers="bad")
    )
    error = _refused(it, (("markers", "bad"), ("keyword", "x")), {0: "Wrong expression"})
    assert isinstance(error, PlanError)
    assert error.problems == (
        "runner.yaml: select.markers: Wrong expression",
        "runner.yaml:3: phases[0].markers: Wrong expression",
        "runner.yaml:7: phases[1].markers: Wrong expression",
    )


def test_an_expression_of_no_place_in_the_plan_is_the_command_lines() -> None:
    error = _refused(plan(Phase(name="a")), (("keyword", "bad ("),), {0: "Wrong expression"})
    assert str(error) == "command line: 'bad (': Wrong expression"


def test_tests_that_have_no_phase_are_an_error_and_every_test_has_one_otherwise() -> None:
    only_a = plan(Phase(name="a", tests=("a.py::*",)))
    with pytest.raises(UsageError, match=r"b\.py::t"):
        proved(only_a, inventory("a.py::t", "b.py::t"), Narrowing())
    (assigned,) = proved(only_a, inventory("a.py::t"), Narrowing()).phases
    assert [test.id for test in assigned.tests] == ["a.py::t"]


@pytest.mark.parametrize(
    ("facts", "ids", "xdist", "refused"),
    [
        ({"launcher": "exec", "workers": 2}, ("a::t", "a::u"), False, True),
        ({"launcher": "exec", "workers": 2}, ("a::t", "a::u"), True, False),
        ({"launcher": "exec", "workers": 2}, ("a::t",), False, False),
        ({"launcher": "exec", "workers": 1}, ("a::t", "a::u"), False, False),
        ({"launcher": "exec", "workers": 2, "isolation": Isolation.FILE}, ("a::t", "a::u"), False, False),
        ({"launcher": "warm", "workers": 2}, ("a::t", "a::u"), False, not hasattr(os, "fork")),
    ],
)
def test_workers_in_one_fresh_session_need_xdist(
    facts: dict[str, Any], ids: tuple[str, ...], xdist: bool, refused: bool
) -> None:
    it = plan(Phase(name="a", **facts))
    if refused:
        found = msgspec.structs.replace(inventory(*ids, xdist=xdist), interpreter=Interpreter("/env/bin/python"))
        with pytest.raises(UsageError, match="asks for 2 workers, but /env/bin/python has no pytest-xdist") as caught:
            proved(it, found, Narrowing())
        assert caught.value.hint.startswith("/env/bin/python -m pip install pytest-xdist, set `workers: 1`, or divide")
    else:
        assert proved(it, inventory(*ids, xdist=xdist), Narrowing())


def test_a_collection_without_a_pytest_is_not_asked_for_xdist() -> None:
    it = plan(Phase(name="a", launcher="exec", workers=2))
    assert proved(it, Inventory(tests=inventory("a::t", "a::u").tests), Narrowing())


@pytest.mark.parametrize(("launchers", "wanted"), [(("exec", "exec"), False), (("exec", "warm"), True)])
def test_a_host_is_wanted_where_one_phase_may_run_in_forks(
    monkeypatch: pytest.MonkeyPatch, launchers: tuple[str, str], wanted: bool
) -> None:
    monkeypatch.setattr(collection, "may_fork", lambda phase: phase.launcher == "warm")
    phases = [Phase(name=str(number), launcher=launcher) for number, launcher in enumerate(launchers)]  # type: ignore[arg-type]
    assert wants_host(plan(*phases)) is wanted


def test_what_is_known_before_the_collection_is_of_the_plan_and_of_the_run() -> None:
    around = surroundings(plan(Phase(name="a")), Path("/runs/r1"), {"PATH": "/bin"}, ("-q",))
    assert (around.root, around.run_id, around.arguments) == (ROOT, "r1", ("-q",))
    assert around.directory("a/0001") == Path("/runs/r1/processes/a/0001")


def test_options_that_do_not_mean_what_they_say_are_told_with_the_place_where_they_stand() -> None:
    phase = Phase(name="a", pytest_args=("-s",), env=(("PYTEST_ADDOPTS", "-q --pastebin=all"), ("OTHER", "--pdb")))
    it = plan(phase, pytest_args=("--no-cov-on-fail",), env=(("PYTEST_ADDOPTS", "--rsyncdir=x"),))
    facts = PytestFacts(given=("--pdb", "--html", "--no-cov-on-fail", "--rsyncdir", "--tx"))
    said = notes(facts, it, it.phases, ["--tx=popen"])
    assert [re.split(" has | sends | is done ", note)[0] for note in said] == [
        "--pdb in pytest's configuration",
        "--tx after --",
        "-s in the pytest_args of phase a",
        "--pastebin in the PYTEST_ADDOPTS of phase a",
    ]


def test_what_each_session_writes_anew_is_told_where_there_are_several() -> None:
    one, two = Phase(name="a"), Phase(name="b")
    facts = PytestFacts(given=("--html",))
    assert len(notes(facts, plan(one, two), (one, two), ())) == 1
    fresh = Phase(name="c", isolation=Isolation.TEST, launcher="exec")
    assert len(notes(facts, plan(fresh), (fresh,), ())) == 1


def test_what_a_plugin_demands_is_not_told_twice() -> None:
    phases = (Phase(name="a"), Phase(name="b"))
    demands = (Demand("--html=report.html", "session"), Demand("--json-report (to .report.json)", "session"))
    facts = PytestFacts(given=("--html", "--pdb"), demands=demands)
    (note,) = notes(facts, plan(*phases), phases, ["--html=report.html"])
    assert note.startswith("--pdb in pytest's configuration")
    assert [demand.option for demand in demands] == ["--html", "--json-report"]


def test_a_phase_with_a_path_of_its_own_is_warned_only_if_it_takes_several_sessions() -> None:
    one, two = Phase(name="a", pytest_args=("--html=a.html",)), Phase(name="b", pytest_args=("--html=b.html",))
    assert notes(PytestFacts(), plan(one, two), (one, two), ()) == []
    fresh = Phase(name="c", isolation=Isolation.TEST, launcher="exec", pytest_args=("--html=c.html",))
    assert len(notes(PytestFacts(), plan(fresh), (fresh,), ())) == 1


@pytest.mark.parametrize(
    ("limit", "said"), [(None, ""), (6, ""), (5, "6 warnings, more than --max-warnings allows (5)")]
)
def test_warnings_of_all_processes_are_counted_together(limit: int | None, said: str) -> None:
    processes = tuple(
        ProcessRun(
            name=f"p/{n}", phase="p", pid=n, slot=0, workers=1, attempt=1, tests=1, at=0, mono=0, log="", warnings=n
        )
        for n in (2, 3)
    )
    phase = PhaseResult(name="p", isolation=Isolation.PHASE, workers=1, tests=(), processes=processes)
    facts = PytestFacts(max_warnings=limit, warnings=1)
    result = RunResult(run_id="r", plan="p", plan_path="", root="", at=0, wall=0, phases=(phase,), facts=facts)
    problem = too_many_warnings(result)
    assert (problem.message if problem else "") == said

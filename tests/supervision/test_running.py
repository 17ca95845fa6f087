"""A session under way, and who may change what of it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Hello, Stage
from async_test_runner.model.inventory import CollectedTest
from async_test_runner.model.plan import Phase
from async_test_runner.supervision import running as room
from async_test_runner.supervision.aftermath import Overdue
from async_test_runner.supervision.running import Escalation, Flight, Flights, HangReport, Heard, Running

LATE = Overdue("test", 60.0)
DOOM = Overdue("phase", 600.0)
REPORT = HangReport("a.py:1 in f", "most likely: a.py:1 in f\nand all the rest")


def session(*ids: str, workers: int = 1, slot: int = 0) -> Running:
    tests = tuple(CollectedTest(id, "a.py", 1) for id in ids)
    return Running(
        Job(process="p/0001", phase=Phase(name="p"), tests=tests, attempt=1, slot=slot, workers=workers), 10.0
    )


def hello(worker: str, pid: int) -> Hello:
    return Hello(at=0.0, mono=0.0, pid=pid, worker=worker)


# ------------------------------------------------------------------------------------------------- who writes what

WRITERS = {  # the modules that call the methods of each of the three values, which are what changes them
    "heard": {"hearing", "asking", "running"},
    "flights": {"hearing", "deciding", "running"},
    "escalation": {"deadlines", "supervisor", "running"},
}
READERS = {"reported", "of", "busy"}
SOURCES = sorted(Path(inspect.getfile(room)).parent.glob("*.py"))


def calls(tree: ast.AST) -> set[tuple[str, str]]:
    """``heard.greet(…)`` as (heard, greet), whatever stands before it."""
    return {
        (owner, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if (owner := name(node.func.value)) in WRITERS
    }


def name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_calls_what_changes_the_values_that_it_may_write(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    written = {owner for owner, method in calls(tree) if method not in READERS}
    assert written <= {owner for owner, writers in WRITERS.items() if path.stem in writers}


CHANGING = {"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "setdefault", "update"}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.stem != "running"], ids=lambda path: path.stem)
def test_no_module_changes_a_session_behind_its_back(path: Path) -> None:
    changed = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        if isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            targets = [node.func.value]
        changed += [target for target in targets if isinstance(target, ast.Attribute | ast.Subscript)]
    assert {part for target in changed for part in chain(target)} & {*WRITERS, "running", "flight"} == set()


def chain(node: ast.AST) -> list[str]:
    """``running.heard.left[0]`` as (left, heard, running)."""
    if isinstance(node, ast.Subscript):
        return chain(node.value)
    return [name(node), *(chain(node.value) if isinstance(node, ast.Attribute) else [])]


@pytest.mark.parametrize(
    "text",
    [
        "running.heard.left = []",
        "running.heard.reports[id] += 1",
        "del running.flights.under_way[id]",
        "flight.stages.append(1)",
        "self._running[name].escalation.steps.pop(0)",
    ],
)
def test_such_a_change_would_be_noticed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    with pytest.raises(AssertionError):
        test_no_module_changes_a_session_behind_its_back(path)


# --------------------------------------------------------------------------------------------------- the three values


def test_it_was_heard_last_when_the_latest_of_its_messages_was_said() -> None:
    heard = Heard(10.0)
    heard.hear(12.0)
    heard.hear(11.0)
    assert heard.last == 12.0


def test_a_report_belongs_to_its_test_and_there_is_an_empty_one_for_all_others() -> None:
    heard = Heard(10.0)
    heard.report("a", REPORT)
    assert (heard.reported("a"), heard.reported("b"), heard.reported()) == (REPORT, HangReport(), HangReport())


def test_a_flight_knows_its_place_in_its_process_and_a_new_process_begins_anew() -> None:
    flights = Flights()
    for id, worker in (("a", "gw0"), ("b", "gw1"), ("c", "gw0")):
        flights.begin(id, 1.0, 2.0, worker)
    flights.greet("gw0")
    flights.begin("d", 1.0, 2.0, "gw0")
    assert {id: flight.nth for id, flight in flights.under_way.items()} == {"a": 0, "b": 0, "c": 1, "d": 0}
    assert (flights.busy, flights.of("gw0")) == ({"gw0", "gw1"}, ["a", "c", "d"])


def test_a_test_that_is_over_is_no_flight_and_its_stages_go_with_it() -> None:
    flights = Flights()
    stage = Stage(when="call", outcome="failed", message="m", text="t")
    flights.begin("a", 1.0, 2.0, "")
    flights.stage("a", stage)
    flights.stage("b", stage)
    assert flights.land("a") == Flight(1.0, 2.0, "", 0, [stage])
    flights.decide("a")
    assert (flights.land("a"), flights.under_way, flights.done, flights.last_done) == (None, {}, {"a"}, "a")


def test_what_was_begun_goes_on_when_something_else_is_too_late() -> None:
    escalation = Escalation()
    escalation.begin(7, 1.0)
    escalation.signal(7, 15, 2.0)
    escalation.begin(7, 3.0)
    assert (escalation.steps, escalation.signalled) == ({7: (15, 2.0)}, True)
    escalation.end(7)
    escalation.end(8)
    assert escalation.steps == {}


def test_a_signal_that_is_passed_on_explains_no_end() -> None:
    escalation = Escalation()
    escalation.step(0, 2, 1.0)
    assert (escalation.steps, escalation.signalled) == ({0: (2, 1.0)}, False)


# ------------------------------------------------------------------------------------------------------ the session


@pytest.mark.parametrize(("worker", "target", "slot"), [("", 0, 2), ("gw0", 0, 2), ("gw1", 71, 3), ("gw4", 0, 3)])
def test_a_worker_is_aimed_at_by_its_process_and_holds_the_slot_of_its_number(
    worker: str, target: int, slot: int
) -> None:
    it = session("a", workers=3, slot=2)
    it.greet(hello("", 70))
    it.greet(hello("gw1", 71))
    assert (it.target(worker), it.slot_of(worker)) == (target, slot)


def test_a_late_test_that_ends_is_not_escalated_any_further() -> None:
    it = session("a", "b")
    it.greet(hello("gw1", 71))
    for id in ("a", "b"):
        it.flights.begin(id, 1.0, 2.0, "gw1")
    it.escalation.begin(it.target("gw1"), 3.0)
    assert it.land("b") is not None
    assert it.escalation.steps == {71: (0, 3.0)}
    it.escalation.too_late("a", LATE)
    assert it.land("a") is not None
    assert it.escalation.steps == {}


def test_an_end_of_one_test_does_not_save_a_session_that_is_doomed() -> None:
    it = session("a")
    it.flights.begin("a", 1.0, 2.0, "")
    it.escalation.too_late("a", LATE)
    it.escalation.doomed(DOOM, 3.0)
    it.land("a")
    assert it.escalation.steps == {0: (0, 3.0)}


def test_nothing_is_sent_to_a_worker_that_is_no_more() -> None:
    it = session("a")
    it.greet(hello("gw1", 71))
    it.escalation.begin(it.target("gw1"), 3.0)
    it.forget_worker("gw1")
    assert (it.escalation.steps, it.heard.processes, it.target("gw1")) == ({}, {}, 0)


def test_what_is_overdue_has_its_own_deadline_or_that_of_all_and_what_its_process_said() -> None:
    it = session("a", "b", "c")
    for id in ("a", "b"):
        it.flights.begin(id, 1.0, 2.0, "")
    it.escalation.too_late("a", LATE)
    it.escalation.too_late("c", LATE)
    it.heard.report("a", REPORT)
    with_report = Overdue("test", 60.0, REPORT.likely, REPORT.text)
    assert it.overdue(with_doom=True) == {"a": with_report}
    it.escalation.doomed(DOOM, 3.0)
    assert it.overdue(with_doom=False) == {"a": with_report}
    assert it.overdue(with_doom=True) == {"a": with_report, "b": DOOM}
    assert (it.late("a"), it.late("b")) == (with_report, None)

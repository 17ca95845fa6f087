"""Events have the stamp of the supervisor's clock, or of the message that they tell of."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Finished, Started
from async_test_runner.model.plan import Phase
from async_test_runner.model.result import Leak
from async_test_runner.model.vocabulary import LeakKind, Outcome
from async_test_runner.record.events import Event, TestFinished, TestStarted
from async_test_runner.supervision import telling
from async_test_runner.supervision.aftermath import Overdue
from async_test_runner.supervision.conclusion import Conclusion, Follows
from async_test_runner.supervision.running import Flight, HangReport
from async_test_runner.supervision.telling import Teller

JOB = Job(process="p/0001", phase=Phase(name="p"), tests=(), attempt=2, slot=1, workers=3)
STARTED = Started(at=70.0, mono=7.0, id="a")
FINISHED = Finished(at=80.0, mono=8.0, id="a", started=70.0, duration=1.5, call=1.0)
FLIGHT = Flight(began=7.0, at=70.0, worker="gw1", nth=4, stages=[])


def told(tell: Callable[[Teller], None]) -> Event:
    events: list[Event] = []
    tell(Teller("p", events.append, lambda: (100.0, 10.0)))
    (event,) = events
    return event


def ended(message: Finished | None = None, flight: Flight | None = None) -> Conclusion:
    return Conclusion(id="a", attempt=2, outcome=Outcome.PASSED, details=(), message=message, flight=flight)


@pytest.mark.parametrize(
    "tell",
    [
        lambda it: it.process_started(JOB, 7, "log"),
        lambda it: it.process_exited(JOB, 0, finished=True),
        lambda it: it.test_rechecked(JOB, ended(FINISHED), passes=True),
        lambda it: it.not_rechecked("a", "why"),
        lambda it: it.leak(JOB, "a", 2, Leak(LeakKind.TASKS, "task")),
        lambda it: it.deadline(Overdue("test", 60.0), "p/0001", "a"),
        lambda it: it.hang(JOB, "a", "overdue", 60.0, HangReport("a.py:1", "text")),
        lambda it: it.slow(JOB, "a", 60.0, "a.py:1"),
        lambda it: it.not_run(["a", "a"], "why"),
        lambda it: it.problem("m"),
        lambda it: it.infrastructure("m"),
        lambda it: it.warn("m"),
    ],
)
def test_an_event_is_stamped_when_it_is_told_and_names_its_phase_and_process(tell: Callable[[Teller], None]) -> None:
    event = told(tell)
    assert (event.at, event.mono) == (100.0, 10.0)
    assert getattr(event, "phase", "p") == "p"
    assert getattr(event, "process", "") in ("p/0001", "")
    assert getattr(event, "attempt", 2) == 2
    assert getattr(event, "id", "a") == "a"
    assert getattr(event, "ids", ("a",)) == ("a",)


def test_what_a_test_has_added_to_the_xml_is_told_with_its_outcome() -> None:
    message = msgspec.structs.replace(FINISHED, properties=(("owner", "a"),), attributes=(("rank", "3"),))
    event = told(lambda it: it.test_finished(JOB, 1, ended(message), Follows(), 0))
    assert isinstance(event, TestFinished)
    assert (event.properties, event.attributes) == ((("owner", "a"),), (("rank", "3"),))


def test_nothing_is_told_of_no_tests() -> None:
    Teller("p", lambda event: pytest.fail("told"), lambda: (100.0, 10.0)).not_run((), "why")


def test_a_test_begins_and_ends_when_its_process_says() -> None:
    begun = told(lambda it: it.test_started(JOB, STARTED))
    assert isinstance(begun, TestStarted)
    assert (begun.at, begun.mono, begun.process, begun.attempt) == (70.0, 7.0, "p/0001", 2)
    over = told(lambda it: it.test_finished(JOB, 1, ended(FINISHED, FLIGHT), Follows(), 4))
    assert isinstance(over, TestFinished)
    assert (over.at, over.mono, over.started, over.duration, over.nth) == (80.0, 8.0, 70.0, 1.5, 4)


def test_where_the_runner_says_how_a_test_ended_it_has_run_until_now() -> None:
    over = told(lambda it: it.test_finished(JOB, 1, ended(flight=FLIGHT), Follows(), 0))
    assert isinstance(over, TestFinished)
    assert (over.at, over.started, over.duration, over.call, over.worker) == (100.0, 70.0, 3.0, None, "gw1")


def test_no_other_module_of_this_room_makes_events() -> None:
    makers = {
        path.stem
        for path in Path(inspect.getfile(telling)).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "record.events"
        if {alias.name for alias in node.names} - {"Event"}
    }
    assert makers == {"telling"}

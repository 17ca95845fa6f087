"""Whether all tests that run have one pytest session, or one process; what is refused and told where they have not."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.model.errors import UsageError
from async_test_runner.model.inventory import CollectedTest, Demand, PytestFacts
from async_test_runner.model.plan import Phase
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.suite import sessions as it
from async_test_runner.suite.assignment import AssignedPhase

A, B = (CollectedTest(f"test_{name}.py::test", f"test_{name}.py", 1) for name in "ab")


def assigned(*tests: CollectedTest, name: str = "all", **policy: Any) -> AssignedPhase:
    return AssignedPhase(Phase(name=name, **policy), tests)


ONE = (assigned(A, B),)
WORKERS = (assigned(A, B, workers=2),)
DIVIDED = (assigned(A, B, isolation=Isolation.TEST),)
SEVERAL = (assigned(A, name="a"), assigned(B, name="b"))
FILE = (assigned(A, A, isolation=Isolation.FILE), assigned(name="empty"))


@pytest.mark.parametrize(
    ("phases", "forks", "process", "session"),
    [
        (ONE, True, "", ""),
        (ONE, False, "", ""),
        (FILE, False, "", ""),
        (WORKERS, True, "phase all has 2 workers", ""),
        (WORKERS, False, "phase all has 2 workers", ""),
        (DIVIDED, True, "phase all has `isolation: test`", ""),
        (DIVIDED, False, "phase all has a fresh process for each test", "phase all has a fresh process for each test"),
        (SEVERAL, True, "each phase has a session of its own (a, b)", "each phase has a session of its own (a, b)"),
    ],
)
def test_what_stands_in_the_way(phases: tuple[AssignedPhase, ...], forks: bool, process: str, session: str) -> None:
    found = it.sessions(phases, PytestFacts(), lambda phase: forks, collected=2)
    assert found.obstacle(Demand("a", "process")) == process
    assert found.obstacle(Demand("a", "session")) == found.obstacle(Demand("a", "all")) == session


@pytest.mark.parametrize(
    ("phases", "forks", "own"),
    [
        (ONE, True, ""),
        (FILE, False, ""),
        (SEVERAL, True, ""),  # each session has its own tests in its process
        (WORKERS, True, "phase all has 2 workers"),
        (WORKERS, False, "phase all has 2 workers"),
        (DIVIDED, True, "phase all has `isolation: test`"),
        (DIVIDED, False, ""),  # a fresh process is a session
    ],
)
def test_where_tests_run_in_other_processes_than_their_session(
    phases: tuple[AssignedPhase, ...], forks: bool, own: str
) -> None:
    found = it.sessions(phases, PytestFacts(), lambda phase: forks, collected=2)
    assert found.obstacle(Demand("a", "own process")) == own


def test_what_is_left_out_matters_to_those_only_that_need_all_tests() -> None:
    found = it.sessions(ONE, PytestFacts(), lambda phase: True, collected=3)
    assert found.obstacle(Demand("a", "session")) == ""
    assert found.obstacle(Demand("a", "all")) == "2 of 3 collected tests run"


def test_the_workers_of_pytests_own_configuration_count() -> None:
    found = it.sessions(ONE, PytestFacts(numprocesses=3), lambda phase: True, collected=2)
    assert found.obstacle(Demand("a", "process")) == "phase all has 3 workers"


FOUND = it.sessions(DIVIDED, PytestFacts(), lambda phase: False, collected=2)


def test_what_would_cost_files_is_refused_with_what_to_write() -> None:
    with pytest.raises(UsageError) as error:
        it.refuse((Demand("--told", "all"), Demand("--update", "all", True, "add --keep")), FOUND)
    assert error.value.message == (
        "--update changes files of the project, and needs one pytest session for all tests: "
        "phase all has a fresh process for each test"
    )
    assert error.value.hint == "put all tests into one phase with `isolation: phase`, or add --keep"
    with pytest.raises(UsageError) as error:
        it.refuse((Demand("--fix", "process", True),), FOUND)
    assert error.value.hint == "put all tests into one phase with `isolation: phase` and `workers: 1`"
    with pytest.raises(UsageError) as error:
        it.refuse(
            (Demand("end", "own process", True, "hear", "judges"),),
            it.sessions(DIVIDED, PytestFacts(), lambda phase: True, collected=2),
        )
    assert error.value.message == "end judges, and needs one process for all tests: phase all has `isolation: test`"
    assert error.value.hint == "give each phase `isolation: phase` and `workers: 1`, or hear"


def test_the_rest_is_told_and_nothing_where_it_is_as_in_one_process() -> None:
    demands = (Demand("--html", "session", False, "the last one stays"), Demand("--update", "all", True))
    assert list(it.notes(demands, FOUND)) == [
        "--html needs one pytest session for all tests, and phase all has a fresh process for each test: "
        "the last one stays"
    ]
    single = it.sessions(ONE, PytestFacts(), lambda phase: False, collected=2)
    it.refuse(demands, single)
    assert list(it.notes(demands, single)) == []

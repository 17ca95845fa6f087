"""From what a suite shows about itself to the plan that is written for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.inventory import CollectedTest, Coverage, Inventory, LeftOut, PytestFacts
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.plan import reading
from async_test_runner.suite import assignment as selection
from async_test_runner.suite import proposal
from async_test_runner.suite.assignment import Assignment, Narrowing
from async_test_runner.suite.proposal import MANY, Proposal, ProposedPhase

ROOT = "/project"


def test_of(
    id: str,
    *marks: str,
    is_async: bool | None = None,
    fixtures: tuple[str, ...] = (),
    class_id: str = "",
) -> CollectedTest:
    """A test; asynchronous when it bears ``asyncio`` unless it is said."""
    return CollectedTest(
        id=id,
        file=id.partition("::")[0],
        line=1,
        marks=marks,
        is_async="asyncio" in marks if is_async is None else is_async,
        fixtures=fixtures,
        class_id=class_id,
    )


test_of.__test__ = False  # type: ignore[attr-defined]


def inventory(*tests: CollectedTest, left_out: tuple[LeftOut, ...] = (), **facts: object) -> Inventory:
    return Inventory(tests=tests, left_out=left_out, facts=PytestFacts(rootdir=ROOT, **facts))  # type: ignore[arg-type]


def evaluated(found: Inventory, proposed: reading.Plan) -> Inventory:
    """The inventory as pytest would give it for the plan: what is proposed has evaluated its expressions the same."""
    expressions = selection.expressions(proposed, Narrowing())
    tests = []
    for test in found.tests:
        truth = [eval(text, {}, _Marks(test.marks)) for _, text in expressions]
        matches = tuple(position for position, holds in enumerate(truth) if holds)
        tests.append(
            CollectedTest(**{name: getattr(test, name) for name in test.__struct_fields__} | {"matches": matches})
        )
    again = Inventory(tests=tuple(tests), expressions=expressions, facts=found.facts, left_out=found.left_out)
    assert proposal.evaluated(found, expressions) == again
    return again


class _Marks(dict[str, bool]):
    def __init__(self, marks: tuple[str, ...]) -> None:
        super().__init__()
        self._marks = marks

    def __missing__(self, name: str) -> bool:
        return name in self._marks


def assigned(found: Inventory) -> Assignment:
    """Propose, write, parse, assign: what a run of the written plan would have."""
    proposed = proposal.propose(found)
    text = proposal.text(proposed, found.facts, schema="schema.json")
    parsed = reading.parse(text, Path(ROOT, "runner.yaml"))
    assignment = selection.assign(parsed, evaluated(found, parsed), Narrowing())
    assert selection.assignment_error(assignment) is None
    assert proposal.misplaced(proposed, assignment) == ()
    return assignment


def phases(found: Inventory) -> dict[str, list[str]]:
    """Phase -> ids, as a run of the written plan would have them."""
    return {entry.phase.name: [test.id for test in entry.tests] for entry in assigned(found).phases}


def phase(found: Inventory, name: str) -> ProposedPhase:
    return next(phase for phase in proposal.propose(found).phases if phase.name == name)


SYNC = test_of("tests/test_a.py::test_plain")
ASYNC = test_of("tests/test_a.py::test_await", "asyncio")


# ---------------------------------------------------------------------------------------------------------- division


def test_ordinary_tests_are_one_phase_without_criteria() -> None:
    found = inventory(SYNC)
    assert phases(found) == {"sync": [SYNC.id]}
    assert phase(found, "sync") == ProposedPhase(name="sync", why=phase(found, "sync").why, for_coroutines=False)


def test_marked_coroutines_are_selected_by_their_mark() -> None:
    found = inventory(SYNC, ASYNC)
    assert phases(found) == {"sync": [SYNC.id], "async": [ASYNC.id]}
    assert phase(found, "async").markers == "asyncio"


def test_a_suite_of_coroutines_alone_has_no_phase_for_others() -> None:
    assert phases(inventory(ASYNC)) == {"async": [ASYNC.id]}


def test_the_marks_of_several_loops_are_one_phase() -> None:
    anyio = test_of("tests/test_b.py::test_any[trio]", "anyio", is_async=True)
    trio = test_of("tests/test_b.py::test_trio", "trio", is_async=True)
    found = inventory(SYNC, ASYNC, anyio, trio)
    assert phase(found, "async").markers == "(anyio or asyncio or trio)"
    assert phases(found)["async"] == [ASYNC.id, anyio.id, trio.id]


def test_coroutines_without_a_mark_are_in_the_phase_without_criteria_which_has_a_process_per_file() -> None:
    method = test_of("tests/test_a.py::Case::test_m", is_async=True)
    found = inventory(SYNC, ASYNC, method)
    assert phases(found) == {"rest": [SYNC.id, method.id], "async": [ASYNC.id]}
    rest = phase(found, "rest")
    assert (rest.isolation, rest.workers, rest.markers) == (Isolation.FILE, "auto", "")
    assert phases(inventory(method)) == {"rest": [method.id]}


def test_without_marks_a_database_makes_all_coroutines_run_one_at_a_time() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", fixtures=("event_loop", "db_session"))
    found = inventory(SYNC, ASYNC, stored)
    assert phases(found) == {"sync": [SYNC.id], "async": [ASYNC.id, stored.id]}
    assert phase(found, "async").workers == "1"
    assert phase(found, "async").why.endswith(
        "One at a time, because some have a database (db_session): a mark of their own would tell them apart."
    )
    unmarked = test_of("tests/test_b.py::Case::test_store", is_async=True, fixtures=("db",))
    assert phase(inventory(SYNC, unmarked), "rest").workers == "1"


def test_a_test_of_tomorrow_has_its_phase_in_the_plan_of_today() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", fixtures=("db",))
    method = test_of("tests/test_a.py::Case::test_m", is_async=True)
    proposed = proposal.propose(inventory(SYNC, ASYNC, stored, method))
    parsed = reading.parse(proposal.text(proposed, PytestFacts(), schema="x"), Path(ROOT, "runner.yaml"))
    assert all(not phase.paths and not phase.tests for phase in parsed.phases)


def test_a_mark_that_tells_database_tests_selects_them_and_they_come_last() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", "async_db", fixtures=("db",))
    found = inventory(SYNC, ASYNC, stored)
    assert phase(found, "async-db").markers == "async_db"
    assert phase(found, "async").markers == "asyncio and not async_db"
    assert list(phases(found)) == ["sync", "async", "async-db"]


def test_databases_of_the_testing_kit_are_each_worker_s_own_so_its_tests_keep_the_project_s_workers() -> None:
    kit = test_of("tests/test_a.py::test_store", "asyncio", "async_db", fixtures=("async_session", "_kit_databases"))
    other = test_of("tests/test_a.py::test_other", "asyncio", "async_db", fixtures=("db",))
    by_client = test_of(
        "tests/test_a.py::test_api", "asyncio", "async_db", fixtures=("app", "async_client", "session_dependency")
    )
    assert phase(inventory(SYNC, kit, by_client, numprocesses=3), "async-db").workers == "3"
    assert phase(inventory(SYNC, kit, other, numprocesses=3), "async-db").workers == "1"


def test_a_database_mark_of_both_kinds_is_joined_with_the_loops() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", "db")
    plain = test_of("tests/test_a.py::test_store_plainly", "db")
    found = inventory(plain, ASYNC, stored)
    assert phase(found, "async-db").markers == "asyncio and db"
    assert phases(found) == {"sync": [plain.id], "async": [ASYNC.id], "async-db": [stored.id]}


def test_a_mark_that_tells_only_some_database_tests_is_not_relied_on() -> None:
    marked = test_of("tests/test_a.py::test_marked", "asyncio", "db")
    unmarked = test_of("tests/test_a.py::test_unmarked", "asyncio", fixtures=("postgres",))
    found = inventory(ASYNC, marked, unmarked)
    assert phases(found) == {"async": [ASYNC.id, marked.id, unmarked.id]}
    assert phase(found, "async").workers == "1"


def test_databases_of_the_testing_kit_do_not_keep_the_others_waiting() -> None:
    kit = test_of("tests/test_a.py::test_store", "asyncio", fixtures=("db", "_kit_databases"))
    assert phase(inventory(ASYNC, kit), "async").workers == "auto"
    assert phase(inventory(ASYNC, kit, test_of("a.py::test_x", "asyncio", fixtures=("db",))), "async").workers == "1"


def test_unmarked_coroutines_leave_marked_database_tests_alone() -> None:
    stored = test_of("tests/test_a.py::Case::test_store", "db", is_async=True)
    other = test_of("tests/test_a.py::Case::test_other", is_async=True)
    assert phases(inventory(SYNC, stored, other)) == {"rest": [SYNC.id, other.id], "async-db": [stored.id]}


def test_slow_tests_come_last_and_out_of_all_other_phases() -> None:
    slow = test_of("tests/test_a.py::test_slow", "slow")
    slow_async = test_of("tests/test_a.py::test_slow_await", "asyncio", "integration")
    slow_db = test_of("tests/test_b.py::test_slow_store", "asyncio", "slow", fixtures=("redis",))
    db = test_of("tests/test_b.py::test_store", "asyncio", fixtures=("redis",))
    method = test_of("tests/test_c.py::Case::test_m", is_async=True, class_id="tests/test_c.py::Case")
    found = inventory(SYNC, ASYNC, slow, slow_async, slow_db, db, method)
    assert list(phases(found).items()) == [
        ("rest", [SYNC.id, method.id]),
        ("async", [ASYNC.id, db.id]),
        ("slow", [slow.id, slow_async.id, slow_db.id]),
    ]
    assert phase(found, "slow").isolation is Isolation.FILE


def test_slow_tests_without_coroutines_share_a_process() -> None:
    found = inventory(SYNC, test_of("tests/test_a.py::test_slow", "slow"))
    assert phase(found, "slow").isolation is Isolation.PHASE


@pytest.mark.parametrize(("mark", "name"), [("network", "network"), ("end_to_end", "end-to-end")])
def test_a_single_mark_for_slow_tests_names_their_phase(mark: str, name: str) -> None:
    slow = test_of("tests/test_a.py::test_slow", mark)
    assert phases(inventory(SYNC, slow)) == {"sync": [SYNC.id], name: [slow.id]}


def test_a_mark_that_all_tests_bear_divides_nothing() -> None:
    found = inventory(test_of("a.py::test_x", "integration"), test_of("a.py::test_y", "integration", "asyncio"))
    assert list(phases(found)) == ["sync", "async"]


def test_marks_that_no_expression_can_name_are_not_used() -> None:
    found = inventory(ASYNC, test_of("a.py::test_x", "asyncio", "db and not"))
    assert phases(found) == {"async": [ASYNC.id, "a.py::test_x"]}


# ------------------------------------------------------------------------------------------------------------- policy


@pytest.mark.parametrize(("count", "isolation"), [(MANY, Isolation.TEST), (MANY + 1, Isolation.CLEAN)])
def test_few_coroutines_get_a_process_each_and_many_share_clean_ones(count: int, isolation: Isolation) -> None:
    found = inventory(*(test_of(f"a.py::test_{n}", "asyncio") for n in range(count)))
    assert phase(found, "async").isolation is isolation


def test_tests_that_build_on_earlier_ones_stay_with_their_file() -> None:
    found = inventory(ASYNC, test_of("tests/test_a.py::test_next", "asyncio", "dependency"))
    assert phase(found, "async").isolation is Isolation.FILE


def test_processes_of_their_own_run_side_by_side_but_for_those_with_a_database() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", "db")
    alone = inventory(SYNC, ASYNC, stored)
    assert [phase(alone, name).workers for name in ("sync", "async", "async-db")] == ["", "auto", "1"]
    parallel = inventory(SYNC, ASYNC, stored, numprocesses=4)
    assert [phase(parallel, name).workers for name in ("sync", "async", "async-db")] == ["", "4", "1"]
    every = proposal.propose(parallel, processors=4)
    assert [phase.workers for phase in every.phases] == ["", "auto", "1"]


@pytest.mark.parametrize(
    ("fixtures", "expected"),
    [
        (("db",), ("db",)),
        (("async_db_session",), ("async_db_session",)),
        (("dbSession", "PostgresPool"), ("dbSession", "PostgresPool")),
        (("redis_client",), ("redis_client",)),
        (("database_url", "session"), ("database_url", "session")),
        (("session",), ()),
        (("client_session", "connection"), ()),
        (("session", "sessions"), ()),
        (("session", "engine"), ("session", "engine")),
        (("http_session", "engine"), ()),
        (("_django_db_helper", "django_db_setup", "django_db_blocker"), ()),
        (("feedback", "dbus", "sqlness", "tmp_path"), ()),
        ((), ()),
    ],
)
def test_what_is_taken_for_a_database(fixtures: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert proposal.database_fixtures(fixtures) == expected


# --------------------------------------------------------------------------------------------------------------- text


def test_the_text_is_what_a_person_gets() -> None:
    found = inventory(SYNC, ASYNC)
    proposed = proposal.propose(found, paths=("tests", "more tests"), python=".venv/bin/python")
    assert (
        proposal.text(proposed, found.facts, schema=".x/plan.schema.json")
        == """\
# yaml-language-server: $schema=.x/plan.schema.json
#
# The phases of this test suite, written by `async-test-run init`. Every test belongs to exactly one phase:
#   async-test-run plan      shows which
#   async-test-run           runs them
#   async-test-run schema    describes every key

version: 1

# What pytest collects; without this, its own configuration decides.
select:
  paths:
    - tests
    - more tests

defaults:
  test_timeout: 60s  # a test that takes longer is ended, with its stacks in the report
  python: .venv/bin/python

phases:
  # Whatever no other phase takes: ordinary functions. They share one process, as in plain pytest; if
  # they are independent of each other, `workers: auto` runs them in parallel.
  - name: sync

  # Coroutine tests. They are few: a process per test, so that no event loop, connection or task of one
  # reaches another. `isolation: file` starts fewer processes.
  - name: async
    markers: asyncio
    isolation: test
    workers: auto

# The merged JUnit XML of all phases, besides the one in the run's own directory:
# reports: {junit: reports/junit.xml}
"""
    )


def test_a_project_with_a_junit_file_of_its_own_is_not_offered_another() -> None:
    found = inventory(SYNC, junit_xml="out.xml")
    assert "reports" not in proposal.text(proposal.propose(found), found.facts, schema="x")


@given(st.text())
def test_every_string_survives_as_a_scalar_on_one_printable_line(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return  # the collection escapes lone surrogates
    text = f"- {proposal.scalar(value)}\n"
    assert yaml.safe_load(text) == [value]
    assert text.count("\n") == 1
    assert text[:-1].isprintable()


def test_a_fixture_name_cannot_leave_its_comment() -> None:
    stored = test_of("a.py::test_x", "asyncio", fixtures=("db\nevil: 1", "db"))
    found = inventory(ASYNC, stored)
    text = proposal.text(proposal.propose(found), found.facts, schema="x")
    assert "evil" not in text
    assert "database (db):" in text.replace("\n  # ", " ")


# ------------------------------------------------------------------------------------------------- fallback and notes


def test_the_simplest_plan_takes_everything_in_one_phase() -> None:
    found = inventory(SYNC, ASYNC)
    simple = proposal.simplest(proposal.propose(found, paths=("tests",)), "no such mark")
    assert simple.notes[-1].endswith("did not hold: no such mark")
    parsed = reading.parse(proposal.text(simple, found.facts, schema="x"), Path(ROOT, "runner.yaml"))
    assignment = selection.assign(parsed, found, Narrowing())
    assert [(entry.phase.name, len(entry.tests)) for entry in assignment.phases] == [("all", 2)]
    assert proposal.misplaced(simple, assignment) == ()


def test_a_coroutine_among_ordinary_tests_is_misplaced() -> None:
    proposed = Proposal(phases=(ProposedPhase(name="sync", why="", for_coroutines=False),))
    parsed = reading.parse("version: 1\nphases: [{name: sync}]", Path(ROOT, "runner.yaml"))
    assignment = selection.assign(parsed, inventory(SYNC, ASYNC), Narrowing())
    assert proposal.misplaced(proposed, assignment) == (ASYNC.id,)


def test_marker_expressions_are_evaluated_without_another_collection() -> None:
    asked = (("markers", "asyncio"), ("markers", "not slow and not asyncio"))
    found = proposal.evaluated(inventory(SYNC, ASYNC), asked)
    assert found.expressions == asked
    assert [test.matches for test in found.tests] == [(1,), (0,)]


def test_what_pytests_configuration_asks_for_is_noted() -> None:
    left_out = (LeftOut(reason="pytest -m 'not slow'", count=3),)
    found = inventory(
        SYNC, left_out=left_out, numprocesses=4, maxfail=1, coverage=Coverage(), junit_xml="reports/unit.xml"
    )
    notes = "\n".join(proposal.propose(found).notes)
    for said in ("4 workers (-n)", "after 1 failure (-x", "max_failures: 0", "--cov", "reports/unit.xml", "3 tests"):
        assert said in notes
    assert proposal.propose(inventory(SYNC)).notes == ()

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
    proposed = proposal.propose(found, ROOT)
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
    return next(phase for phase in proposal.propose(found, ROOT).phases if phase.name == name)


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


def test_coroutines_without_a_mark_are_named_by_class_and_come_before_the_marks() -> None:
    case = "tests/test_a.py::Case"
    method = test_of(f"{case}::test_m", is_async=True, class_id=case)
    found = inventory(SYNC, ASYNC, method)
    assert phase(found, "async-unmarked").tests == (case,)
    assert phases(found) == {"sync": [SYNC.id], "async-unmarked": [method.id], "async": [ASYNC.id]}


def test_a_class_with_one_unmarked_coroutine_is_taken_whole_so_that_new_methods_join_it() -> None:
    case = "tests/test_a.py::Case"
    methods = [test_of(f"{case}::test_{n}", is_async=n == 0, class_id=case) for n in range(3)]
    assert phases(inventory(SYNC, *methods)) == {"sync": [SYNC.id], "async": [test.id for test in methods]}
    assert phases(inventory(*methods)) == {"async": [test.id for test in methods]}


def test_coroutines_that_are_all_without_a_mark_are_the_async_phase() -> None:
    method = test_of("tests/test_c.py::Case::test_m", is_async=True, class_id="tests/test_c.py::Case")
    assert phases(inventory(SYNC, method)) == {"sync": [SYNC.id], "async": [method.id]}


def test_database_fixtures_divide_by_name_and_that_phase_comes_first() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", fixtures=("event_loop", "db_session"))
    found = inventory(SYNC, ASYNC, stored)
    database = phase(found, "async-db")
    assert (database.tests, database.workers) == (("tests/test_a.py::test_store",), "1")
    assert "the fixtures db_session" in database.why
    assert list(phases(found).items()) == [("sync", [SYNC.id]), ("async-db", [stored.id]), ("async", [ASYNC.id])]


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
    assert phase(found, "async-db").tests == (marked.id, unmarked.id)
    assert phases(found) == {"async-db": [marked.id, unmarked.id], "async": [ASYNC.id]}


def test_named_coroutines_of_a_class_leave_its_marked_database_tests_alone() -> None:
    case = "tests/test_a.py::Case"
    stored = test_of(f"{case}::test_store", "db", is_async=True, class_id=case)
    other = test_of(f"{case}::test_other", is_async=True, class_id=case)
    assert phases(inventory(SYNC, stored, other)) == {
        "sync": [SYNC.id],
        "async": [other.id],
        "async-db": [stored.id],
    }


def test_slow_tests_come_last_and_out_of_all_other_phases() -> None:
    slow = test_of("tests/test_a.py::test_slow", "slow")
    slow_async = test_of("tests/test_a.py::test_slow_await", "asyncio", "integration")
    slow_db = test_of("tests/test_b.py::test_slow_store", "asyncio", "slow", fixtures=("redis",))
    db = test_of("tests/test_b.py::test_store", "asyncio", fixtures=("redis",))
    method = test_of("tests/test_c.py::Case::test_m", is_async=True, class_id="tests/test_c.py::Case")
    found = inventory(SYNC, ASYNC, slow, slow_async, slow_db, db, method)
    assert list(phases(found).items()) == [
        ("sync", [SYNC.id]),
        ("async-db", [db.id]),
        ("async-unmarked", [method.id]),
        ("async", [ASYNC.id]),
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
    assert (phase(found, "async-db").markers, phase(found, "async-db").paths) == ("", ("a.py",))
    assert phases(found) == {"async-db": ["a.py::test_x"], "async": [ASYNC.id]}


# ------------------------------------------------------------------------------------------------------------- policy


@pytest.mark.parametrize(("count", "isolation"), [(MANY, Isolation.TEST), (MANY + 1, Isolation.FILE)])
def test_few_coroutines_get_a_process_each_and_many_one_per_file(count: int, isolation: Isolation) -> None:
    found = inventory(*(test_of(f"a.py::test_{n}", "asyncio") for n in range(count)))
    assert phase(found, "async").isolation is isolation


def test_tests_that_build_on_earlier_ones_stay_with_their_file() -> None:
    found = inventory(ASYNC, test_of("tests/test_a.py::test_next", "asyncio", "dependency"))
    assert phase(found, "async").isolation is Isolation.FILE


def test_processes_of_their_own_run_side_by_side_but_for_those_with_a_database() -> None:
    stored = test_of("tests/test_a.py::test_store", "asyncio", fixtures=("db",))
    alone = inventory(SYNC, ASYNC, stored)
    assert [phase(alone, name).workers for name in ("sync", "async", "async-db")] == ["", "auto", "1"]
    parallel = inventory(SYNC, ASYNC, stored, numprocesses=4)
    assert [phase(parallel, name).workers for name in ("sync", "async", "async-db")] == ["", "4", "1"]
    every = proposal.propose(parallel, ROOT, processors=4)
    assert [phase.workers for phase in every.phases] == ["", "1", "auto"]


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


# -------------------------------------------------------------------------------------------------------------- names


def test_whole_files_and_directories_are_paths() -> None:
    methods = [test_of(f"tests/loop/{name}.py::test_x", is_async=True) for name in ("test_a", "test_b")]
    lone = test_of("tests/test_lone.py::test_x", is_async=True)
    found = inventory(SYNC, *methods, lone)
    assert phase(found, "async").paths == ("tests/loop", "tests/test_lone.py")
    assert phases(found)["async"] == [*(test.id for test in methods), lone.id]


def test_a_lone_file_is_named_itself_and_not_its_directory() -> None:
    found = inventory(SYNC, test_of("tests/loop/test_a.py::test_x", is_async=True))
    assert phase(found, "async").paths == ("tests/loop/test_a.py",)


def test_a_directory_is_a_glob_of_ids_when_other_names_are_needed_too() -> None:
    methods = [test_of(f"tests/loop/{name}.py::test_x", is_async=True) for name in ("test_a", "test_b")]
    mixed = test_of("tests/test_a.py::test_mixed[1]", is_async=True)
    found = inventory(SYNC, *methods, mixed)
    assert phase(found, "async").tests == ("tests/loop/**", "tests/test_a.py::test_mixed")
    assert phases(found)["async"] == [*(test.id for test in methods), mixed.id]


def test_a_plan_below_the_root_of_pytest_names_ids_and_no_paths() -> None:
    found = inventory(SYNC, test_of("tests/test_b.py::test_x", is_async=True))
    proposed = proposal.propose(found, "/project/sub")
    assert [(phase.paths, phase.tests) for phase in proposed.phases] == [((), ()), ((), ("tests/test_b.py",))]


def test_too_many_names_give_way_to_whole_files() -> None:
    pairs = [
        (test_of(f"tests/test_{n}.py::test_a{m}", is_async=True), test_of(f"tests/test_{n}.py::test_s{m}"))
        for n in range(3)
        for m in range(15)
    ]
    found = inventory(SYNC, *(test for pair in pairs for test in pair))
    assert phase(found, "async").paths == ("tests/test_0.py", "tests/test_1.py", "tests/test_2.py")
    assert phases(found)["sync"] == [SYNC.id]


def test_single_parameters_are_named_where_one_function_has_both_kinds() -> None:
    stored = test_of("a.py::test_x[db]", "asyncio", fixtures=("db",))
    other = test_of("a.py::test_x[memory]", "asyncio")
    assert phases(inventory(stored, other)) == {"async-db": [stored.id], "async": [other.id]}


# --------------------------------------------------------------------------------------------------------------- text


def test_the_text_is_what_a_person_gets() -> None:
    found = inventory(SYNC, ASYNC)
    proposed = proposal.propose(found, ROOT, paths=("tests", "more tests"), python=".venv/bin/python")
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
    assert "reports" not in proposal.text(proposal.propose(found, ROOT), found.facts, schema="x")


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


@pytest.mark.parametrize(
    "id", ["a b.py::t: x", "tests/#.py::t", "a.py::t[yes]", "*.py::t", "'\".py::t", "é\u202e.py::t"]
)
def test_odd_ids_are_found_again_by_the_plan_that_names_them(id: str) -> None:
    odd = test_of(f"tests/{id}", is_async=True)
    sync = test_of(f"{odd.file}::test_plain")
    assert phases(inventory(odd, sync)) == {"sync": [sync.id], "async": [odd.id]}


def test_a_fixture_name_cannot_leave_its_comment() -> None:
    stored = test_of("a.py::test_x", "asyncio", fixtures=("db\nevil: 1", "db"))
    found = inventory(ASYNC, stored)
    text = proposal.text(proposal.propose(found, ROOT), found.facts, schema="x")
    assert "evil" not in text
    assert "the fixtures db;" in text


# ------------------------------------------------------------------------------------------------- fallback and notes


def test_the_simplest_plan_takes_everything_in_one_phase() -> None:
    found = inventory(SYNC, ASYNC)
    simple = proposal.simplest(proposal.propose(found, ROOT, paths=("tests",)), "no such mark")
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
    notes = "\n".join(proposal.propose(found, ROOT).notes)
    for said in ("4 workers (-n)", "after 1 failure (-x", "max_failures: 0", "--cov", "reports/unit.xml", "3 tests"):
        assert said in notes
    assert proposal.propose(inventory(SYNC), ROOT).notes == ()

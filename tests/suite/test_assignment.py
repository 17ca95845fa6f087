"""Which phase takes which test: pure, on inventories that tests write themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode, InternalError, UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Inventory, LeftOut, PytestFacts
from async_test_runner.model.plan import Phase, Plan, Select
from async_test_runner.suite.assignment import (
    Assignment,
    Narrowing,
    assign,
    assignment_error,
    collection_paths,
    explain,
    expressions,
    overlap_error,
    unassigned_error,
)
from async_test_runner.suite.targets import Target

ROOT = Path("/project")
WHOLE = Narrowing()


def plan_of(*phases: Phase, **keys: Any) -> Plan:
    return Plan(path=ROOT / "runner.yaml", root=ROOT, name="project", phases=phases, **keys)


def collected(id: str, *marks: str) -> CollectedTest:
    return CollectedTest(id=id, file=id.partition("::")[0], line=1, marks=marks)


def holds(kind: str, text: str, test: CollectedTest) -> bool:
    """A stand-in for pytest: ``and``, ``or`` and ``not`` over marks, or over the words of a name."""
    known = set(test.marks) if kind == "markers" else set(test.id.replace("[", " ").replace("::", " ").split())
    words = {word: word in known for word in text.replace("(", " ").replace(")", " ").split()}
    return bool(eval(text, {}, words))


def inventory_of(plan: Plan, *tests: CollectedTest, narrowing: Narrowing = WHOLE, rootdir: Path = ROOT) -> Inventory:
    asked = expressions(plan, narrowing)
    evaluated = []
    for test in tests:
        matches = tuple(index for index, (kind, text) in enumerate(asked) if holds(kind, text, test))
        evaluated.append(CollectedTest(id=test.id, file=test.file, line=test.line, marks=test.marks, matches=matches))
    return Inventory(tests=tuple(evaluated), expressions=asked, facts=PytestFacts(rootdir=str(rootdir)))


def assigned(plan: Plan, *tests: CollectedTest, narrowing: Narrowing = WHOLE) -> Assignment:
    return assign(plan, inventory_of(plan, *tests, narrowing=narrowing), narrowing)


def ids(assignment: Assignment) -> dict[str, list[str]]:
    return {part.phase.name: [test.id for test in part.tests] for part in assignment.phases}


SYNC = collected("tests/test_a.py::test_sync")
ASYNC = collected("tests/test_a.py::test_async", "asyncio")
DB = collected("tests/db/test_b.py::TestDb::test_db[1-2]", "asyncio", "db")
SLOW = collected("tests/test_c.py::test_slow", "slow")
EVERY = (SYNC, ASYNC, DB, SLOW)


# -------------------------------------------------------------------------------------------------- expressions


def test_the_expressions_to_evaluate_are_distinct_and_in_order() -> None:
    plan = plan_of(
        Phase(name="a", markers="asyncio", keyword="login"),
        Phase(name="b", markers="asyncio"),
        select=Select(markers="not slow"),
    )
    assert expressions(plan, Narrowing(markers="asyncio", keyword="asyncio")) == (
        ("markers", "not slow"),
        ("markers", "asyncio"),
        ("keyword", "login"),
        ("keyword", "asyncio"),
    )


def test_an_expression_that_was_not_evaluated_is_a_bug_of_ours() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"))
    with pytest.raises(InternalError, match='did not evaluate markers "asyncio"'):
        assign(plan, Inventory(tests=(SYNC,)), Narrowing())


def test_pytest_collects_the_fixed_parts_of_the_paths() -> None:
    plan = plan_of(Phase(name="a"), select=Select(paths=("tests/**/test_*.py", "tests", "*.py", "docs/x.py")))
    assert collection_paths(plan) == ("tests", ".", "docs/x.py")


# --------------------------------------------------------------------------------------------------- assignment


def test_the_first_phase_that_selects_a_test_has_it() -> None:
    plan = plan_of(
        Phase(name="a", markers="asyncio"), Phase(name="b", markers="db"), Phase(name="c", markers="not asyncio")
    )
    assert ids(assigned(plan, *EVERY)) == {"a": [ASYNC.id, DB.id], "b": [], "c": [SYNC.id, SLOW.id]}


def test_all_criteria_of_a_phase_must_hold() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio", paths=("tests/db",)), Phase(name="rest"))
    assert ids(assigned(plan, *EVERY)) == {"a": [DB.id], "rest": [SYNC.id, ASYNC.id, SLOW.id]}


def test_a_phase_without_criteria_takes_what_is_left_wherever_it_stands() -> None:
    plan = plan_of(Phase(name="rest"), Phase(name="a", markers="asyncio"))
    assert ids(assigned(plan, *EVERY)) == {"rest": [SYNC.id, SLOW.id], "a": [ASYNC.id, DB.id]}


def test_phases_select_by_keyword_and_by_id() -> None:
    plan = plan_of(
        Phase(name="k", keyword="test_sync"), Phase(name="t", tests=("*::TestDb", SLOW.id)), Phase(name="rest")
    )
    assert ids(assigned(plan, *EVERY)) == {"k": [SYNC.id], "t": [DB.id, SLOW.id], "rest": [ASYNC.id]}


def test_select_is_the_universe_and_what_it_leaves_out_is_counted() -> None:
    plan = plan_of(Phase(name="all"), select=Select(paths=("tests",), markers="not slow", keyword="not test_sync"))
    result = assigned(plan, *EVERY, collected("docs/test_d.py::test_d"))
    assert ids(result) == {"all": [ASYNC.id, DB.id]}
    assert result.left_out == (
        LeftOut("not in select: paths tests", 1, "tests", ("docs/test_d.py::test_d",)),
        LeftOut('not in select: markers "not slow"', 1, "tests", (SLOW.id,)),
        LeftOut('not in select: keyword "not test_sync"', 1, "tests", (SYNC.id,)),
    )


@pytest.mark.parametrize(
    ("policy", "phases", "unassigned", "left_out"),
    [
        ("error", ["a"], 2, 0),
        ("run", ["a", "unassigned"], 0, 0),
        ("ignore", ["a"], 0, 2),
    ],
)
def test_tests_that_no_phase_takes_go_where_the_plan_says(
    policy: Any, phases: list[str], unassigned: int, left_out: int
) -> None:
    result = assigned(plan_of(Phase(name="a", markers="asyncio"), unassigned=policy), *EVERY)
    assert list(ids(result)) == phases
    assert len(result.unassigned) == unassigned
    assert sum(part.count for part in result.left_out) == left_out


def test_the_phase_for_the_rest_is_the_plans_own_and_only_there_when_needed() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), unassigned="run")
    assert assigned(plan, SYNC).phases[-1].phase is plan.rest
    assert list(ids(assigned(plan, ASYNC))) == ["a"]


def test_overlaps_are_listed_when_they_are_an_error() -> None:
    phases = (Phase(name="a", markers="asyncio"), Phase(name="b", markers="db"), Phase(name="c", paths=("tests/db",)))
    result = assigned(plan_of(*phases, Phase(name="rest"), overlap="error"), *EVERY)
    assert [(overlap.test.id, overlap.phases) for overlap in result.overlaps] == [(DB.id, ("a", "b", "c"))]
    assert assigned(plan_of(*phases, Phase(name="rest")), *EVERY).overlaps == ()


def test_ids_that_cannot_be_told_apart_are_refused_with_their_places() -> None:
    with pytest.raises(UsageError, match=r"1 of the collected tests have ids") as refused:
        assigned(plan_of(Phase(name="all")), SYNC, SYNC, ASYNC)
    assert f"{SYNC.id} ({SYNC.file}:{SYNC.line})" in refused.value.message


def test_what_runs_under_an_id_that_we_gave_is_said() -> None:
    plan = plan_of(Phase(name="all"))
    inventory = inventory_of(plan, SYNC)
    facts = msgspec.structs.replace(inventory.facts, renamed=("a.yaml::x#2", "a.yaml::x#3"))
    (note,) = assign(plan, msgspec.structs.replace(inventory, facts=facts), Narrowing()).notes
    assert note == "2 tests share their ids with others, and got a new one: a.yaml::x#2, a.yaml::x#3"


def test_paths_are_meant_from_the_plan_wherever_pytests_rootdir_is() -> None:
    plan = plan_of(Phase(name="near", paths=("tests",)), Phase(name="far", paths=("../other",)), unassigned="ignore")
    tests = [collected("project/tests/t.py::test_a"), collected("other/t.py::test_b"), collected("tests/t.py::test_c")]
    result = assign(plan, inventory_of(plan, *tests, rootdir=Path("/")), Narrowing())
    assert ids(result) == {"near": ["project/tests/t.py::test_a"], "far": ["other/t.py::test_b"]}


def test_node_ids_are_taken_as_pytest_prints_them_or_from_the_plan() -> None:
    plan = plan_of(Phase(name="a", tests=("project/t.py::test_a", "t.py::test_b")), unassigned="ignore")
    tests = [collected(f"project/t.py::test_{name}") for name in "abc"]
    result = assign(plan, inventory_of(plan, *tests, rootdir=Path("/")), Narrowing())
    assert ids(result) == {"a": ["project/t.py::test_a", "project/t.py::test_b"]}


# ---------------------------------------------------------------------------------------------------- narrowing

TWO = plan_of(Phase(name="a", markers="asyncio"), Phase(name="rest"))


@pytest.mark.parametrize(
    ("narrowing", "kept", "left_out"),
    [
        (Narrowing(phases=("a",)), {"a": [ASYNC.id, DB.id]}, [("phases not named", 2)]),
        (Narrowing(markers="slow"), {"a": [], "rest": [SLOW.id]}, [('-m "slow"', 3)]),
        (Narrowing(keyword="test_sync"), {"a": [], "rest": [SYNC.id]}, [('-k "test_sync"', 3)]),
        (Narrowing(files=("tests/db",)), {"a": [DB.id], "rest": []}, [("--files", 3)]),
        (Narrowing(files=("/project/tests/test_c.py",)), {"a": [], "rest": [SLOW.id]}, [("--files", 3)]),
        (Narrowing(tests=(DB.id,)), {"a": [DB.id], "rest": []}, [("--test", 3)]),
        (
            Narrowing(phases=("a",), markers="db", tests=(DB.id,)),
            {"a": [DB.id]},
            [("phases not named", 2), ('-m "db"', 1)],
        ),
    ],
)
def test_narrowing_leaves_out_and_counts_with_its_reason(
    narrowing: Narrowing, kept: dict[str, list[str]], left_out: list[tuple[str, int]]
) -> None:
    result = assigned(TWO, *EVERY, narrowing=narrowing)
    assert ids(result) == kept
    assert [(part.reason, part.count) for part in result.left_out] == left_out


def test_the_proof_speaks_of_the_whole_plan_whatever_is_narrowed() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"))
    result = assigned(plan, *EVERY, narrowing=Narrowing(phases=("a",), tests=(DB.id,)))
    assert [test.id for test in result.unassigned] == [SYNC.id, SLOW.id]


def test_a_test_keeps_its_phase_when_an_earlier_one_is_not_named() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), Phase(name="b", paths=("tests",)))
    assert ids(assigned(plan, *EVERY, narrowing=Narrowing(phases=("b",)))) == {"b": [SYNC.id, SLOW.id]}


def test_the_rest_can_be_named_when_the_plan_runs_it() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), unassigned="run")
    assert ids(assigned(plan, *EVERY, narrowing=Narrowing(phases=("unassigned",)))) == {
        "unassigned": [SYNC.id, SLOW.id]
    }
    assert ids(assigned(plan, ASYNC, narrowing=Narrowing(phases=("unassigned",)))) == {"unassigned": []}


def test_an_unknown_phase_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='no phase is called "asnyc"; did you mean "async"') as caught:
        assigned(plan_of(Phase(name="async")), narrowing=Narrowing(phases=("asnyc",)))
    assert caught.value.exit_code is ExitCode.USAGE
    with pytest.raises(UsageError, match="phases are a, rest"):
        assigned(TWO, narrowing=Narrowing(phases=("unassigned",)))


def test_targets_narrow_what_the_phases_have() -> None:
    narrowing = Narrowing(phases=("a",), targets=(Target("tests/test_a.py", "/project/tests/test_a.py"),))
    result = assigned(TWO, *EVERY, narrowing=narrowing)
    assert ids(result) == {"a": [ASYNC.id]}
    assert [(group.reason, group.count) for group in result.left_out] == [
        ("phases not named", 2),
        ("not in tests/test_a.py", 1),
    ]


def test_a_target_without_a_test_is_refused_unless_its_file_may_not_have_been_collected() -> None:
    narrowing = Narrowing(targets=(Target("tests", "/project/tests"), Target("tests/x.py", "/project/tests/x.py")))
    inventory = inventory_of(TWO, *EVERY, narrowing=narrowing)
    with pytest.raises(UsageError, match=r'x\.py" is no phase and holds no collected test'):
        assign(TWO, inventory, narrowing)
    broken = msgspec.structs.replace(inventory, errors=(CollectError("tests/x.py", "SyntaxError"),))
    assert "tests/x.py was asked for, but none of its tests takes part" in assign(TWO, broken, narrowing).notes


def test_a_target_whose_tests_all_lie_in_other_phases_is_noted() -> None:
    narrowing = Narrowing(phases=("a",), targets=(Target("t", "/project/tests/test_c.py"),))
    assert assigned(TWO, *EVERY, narrowing=narrowing).notes == ("t was asked for, but none of its tests takes part",)


def test_an_unknown_id_is_answered_with_the_same_name_elsewhere() -> None:
    with pytest.raises(UsageError) as caught:
        assigned(TWO, *EVERY, narrowing=Narrowing(tests=("tests/test_b.py::test_db[1-2]",)))
    assert caught.value.message.endswith(f'did you mean "{DB.id}"?')


def test_an_unknown_id_without_a_near_one_says_where_to_look() -> None:
    with pytest.raises(UsageError, match="pytest --collect-only"):
        assigned(TWO, SYNC, narrowing=Narrowing(tests=("zzz",)))


def test_an_unknown_id_reaches_the_message_printable() -> None:
    with pytest.raises(UsageError) as caught:
        assigned(TWO, SYNC, narrowing=Narrowing(tests=("\x1b[31m\n",)))
    assert caught.value.message.isprintable()


# -------------------------------------------------------------------------------------------------------- notes


@pytest.mark.parametrize(
    ("phase", "note"),
    [
        (
            Phase(name="p", markers="asincio"),
            'nothing matches its markers "asincio"; no test has the mark "asincio", did you mean "asyncio"?',
        ),
        (Phase(name="p", markers="gpu"), 'nothing matches its markers "gpu"; no test has the mark "gpu"'),
        (
            Phase(name="p", paths=("test/db",)),
            'nothing matches its paths test/db; no test lies in "test/db", did you mean "tests/db"?',
        ),
        (Phase(name="p", tests=("*::nope",)), "nothing matches its tests *::nope"),
        (Phase(name="p", markers="slow", paths=("tests/db",)), "no test meets all of its criteria"),
        (Phase(name="p", markers="db"), "what it selects belongs to a, earlier in the plan"),
    ],
)
def test_a_phase_that_selects_nothing_gets_a_note_with_the_likely_reason(phase: Phase, note: str) -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), phase, Phase(name="rest"))
    assert assigned(plan, *EVERY).notes == (f"phase p has no tests: {note}",)


def test_a_phase_that_select_empties_says_so() -> None:
    plan = plan_of(Phase(name="s", markers="slow"), Phase(name="rest"), select=Select(markers="not slow"))
    assert assigned(plan, *EVERY).notes == ("phase s has no tests: select leaves out all 1 that it would take",)


def test_a_catch_all_without_tests_says_so() -> None:
    plan = plan_of(Phase(name="a", paths=("tests",)), Phase(name="rest"))
    assert assigned(plan, *EVERY).notes == ("phase rest has no tests: the other phases take them all",)


def test_a_phase_that_only_narrowing_empties_gets_no_note() -> None:
    assert assigned(TWO, *EVERY, narrowing=Narrowing(markers="slow")).notes == ()


def test_without_any_test_no_phase_is_said_to_have_taken_them_all() -> None:
    assert assigned(TWO).notes == ()


def test_narrowing_notes_what_it_cannot_do() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), Phase(name="b", needs=("a",)), select=Select(markers="not slow"))
    narrowing = Narrowing(phases=("b",), files=("tests", "src/app.py"), tests=(SYNC.id, SLOW.id))
    assert assigned(plan, *EVERY, narrowing=narrowing).notes == (
        "phase b needs a, which this run leaves out",
        "src/app.py holds no collected test",
        f"{SLOW.id} was asked for, but does not take part",
    )


# ------------------------------------------------------------------------------------------------------- errors


def test_unassigned_tests_are_named_with_three_remedies() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"))
    tests = [collected(f"tests/t.py::test_{index}") for index in range(25)]
    error = unassigned_error(assigned(plan, *tests))
    assert error.exit_code is ExitCode.USAGE
    lines = error.message.splitlines()
    assert lines[0] == "25 tests belong to no phase:"
    assert lines[1:21] == [f"  tests/t.py::test_{index}" for index in range(20)]
    assert lines[21:] == ["  and 5 more"]
    for remedy in ("add or widen a phase", "unassigned: run", "unassigned: ignore"):
        assert remedy in error.hint


def test_one_unassigned_test_is_one() -> None:
    error = unassigned_error(assigned(plan_of(Phase(name="a", markers="asyncio")), SYNC))
    assert error.message == f"1 test belongs to no phase:\n  {SYNC.id}"


def test_overlapping_tests_are_named_with_their_phases() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), Phase(name="b", markers="db"), Phase(name="c"), overlap="error")
    error = overlap_error(assigned(plan, *EVERY))
    assert error.message == f"1 test is selected by several phases:\n  {DB.id} (a, b)"
    assert "overlap: first" in error.hint
    assert error.exit_code is ExitCode.USAGE


def test_ids_in_errors_cannot_steer_a_terminal() -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"))
    error = unassigned_error(assigned(plan, collected("t.py::test[\x1b]0;x\x07\n::error::]")))
    assert all(line.isprintable() for line in error.message.splitlines())
    assert len(error.message.splitlines()) == 2


def test_only_a_sound_assignment_has_no_error() -> None:
    phases = (Phase(name="a", markers="asyncio"), Phase(name="b", markers="db"))
    assert assignment_error(assigned(TWO, *EVERY)) is None
    unassigned = assignment_error(assigned(plan_of(*phases), *EVERY))
    overlap = assignment_error(assigned(plan_of(*phases, Phase(name="c"), overlap="error"), *EVERY))
    assert unassigned is not None and "no phase" in unassigned.message
    assert overlap is not None and "several phases" in overlap.message


# -------------------------------------------------------------------------------------------------- explanation


def explained(plan: Plan, id: str, narrowing: Narrowing = WHOLE) -> tuple[str, str, list[tuple[str, bool, Any]]]:
    inventory = inventory_of(plan, *EVERY, narrowing=narrowing)
    found = explain(plan, inventory, assign(plan, inventory, narrowing), id)
    return found.phase, found.summary, [(step.phase, step.takes, step.reasons) for step in found.steps]


def test_an_explanation_goes_through_the_phases_up_to_the_one_that_takes_it() -> None:
    plan = plan_of(
        Phase(name="a", markers="slow", paths=("tests/db",)),
        Phase(name="b", markers="db"),
        Phase(name="c", keyword="test_db"),
        Phase(name="rest"),
    )
    assert explained(plan, DB.id) == (
        "b",
        "runs in phase b",
        [
            (
                "a",
                False,
                (
                    "paths tests/db is true for its file tests/db/test_b.py",
                    'markers "slow" is false for its marks [asyncio, db]',
                ),
            ),
            ("b", True, ('markers "db" is true for its marks [asyncio, db]',)),
        ],
    )


def test_an_explanation_of_the_rest_shows_every_refusal() -> None:
    plan = plan_of(Phase(name="rest"), Phase(name="k", keyword="test_db"), Phase(name="t", tests=("x.py",)))
    assert explained(plan, SYNC.id) == (
        "rest",
        "runs in phase rest",
        [
            ("k", False, ('keyword "test_db" is false for it',)),
            ("t", False, ("tests x.py is false for it",)),
            ("rest", True, ("takes whatever no other phase takes",)),
        ],
    )


@pytest.mark.parametrize(
    ("policy", "phase", "summary"),
    [
        ("error", "", "no phase takes it; add or widen a phase, or set `unassigned: run` or `unassigned: ignore`"),
        ("run", "unassigned", "no phase takes it; it runs in phase unassigned (unassigned: run)"),
        ("ignore", "", "no phase takes it; it is left out (unassigned: ignore)"),
    ],
)
def test_an_unassigned_test_is_explained_by_the_plans_policy(policy: Any, phase: str, summary: str) -> None:
    plan = plan_of(Phase(name="a", markers="asyncio"), unassigned=policy)
    assert explained(plan, SYNC.id)[:2] == (phase, summary)


def test_what_select_leaves_out_is_explained_by_it() -> None:
    plan = plan_of(Phase(name="a"), select=Select(markers="not slow"))
    assert explained(plan, SLOW.id) == (
        "",
        'left out by select: markers "not slow" is false for its marks [slow]',
        [],
    )


@pytest.mark.parametrize(
    ("narrowing", "reason"),
    [(Narrowing(phases=("a",)), "its phase is not named"), (Narrowing(markers="slow"), '-m "slow"')],
)
def test_what_narrowing_leaves_out_is_explained_by_it(narrowing: Narrowing, reason: str) -> None:
    phase, summary, _ = explained(TWO, SYNC.id, narrowing)
    assert (phase, summary) == ("", f"runs in phase rest, but left out of this run: {reason}")


def test_what_was_not_red_is_left_out_and_counted() -> None:
    narrowing = Narrowing(phases=("rest",), red=(SYNC.id, ASYNC.id, "tests/gone.py::test"), red_of="R")
    result = assigned(TWO, SYNC, SLOW, ASYNC, narrowing=narrowing)
    assert ids(result) == {"rest": [SYNC.id]}
    assert [(part.reason, part.count) for part in result.left_out] == [
        ("phases not named", 1),
        ("not red in run R (--failed)", 1),
    ]
    assert result.notes == ("1 test that was red is not collected any more: tests/gone.py::test",)


def test_an_unknown_id_cannot_be_explained() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        explained(TWO, "tests/test_a.py::test_snyc")


# ---------------------------------------------------------------------------------------------------- the proof

_MARKS = st.lists(st.sampled_from(["asyncio", "db", "slow"]), unique=True)
_PHASES = st.lists(
    st.builds(
        dict,
        markers=st.sampled_from(["", "asyncio", "not asyncio", "db or slow", "not slow"]),
        paths=st.sampled_from([(), ("tests/a",), ("tests/*.py",), ("tests",)]),
        tests=st.sampled_from([(), ("*::test_1*",), ("tests/a/t.py",)]),
    ),
    min_size=1,
    max_size=4,
)
_NARROWINGS = st.builds(
    Narrowing,
    phases=st.sampled_from([(), ("p0",)]),
    markers=st.sampled_from(["", "slow"]),
    files=st.sampled_from([(), ("tests/a",)]),
)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(["tests/a/t.py", "tests/u.py", "docs/v.py"]), _MARKS), max_size=12),
    _PHASES,
    st.sampled_from(["error", "run", "ignore"]),
    st.sampled_from(["", "not db"]),
    _NARROWINGS,
)
def test_every_collected_test_is_somewhere_exactly_once(
    found: list[tuple[str, list[str]]], criteria: list[dict[str, Any]], policy: Any, universe: str, narrowing: Narrowing
) -> None:
    tests = [collected(f"{file}::test_{index}", *marks) for index, (file, marks) in enumerate(found)]
    phases = [Phase(name=f"p{index}", **keys) for index, keys in enumerate(criteria)]
    plan = plan_of(*phases, unassigned=policy, select=Select(markers=universe))
    inventory = inventory_of(plan, *tests, narrowing=narrowing)
    result = assign(plan, inventory, narrowing)
    placed = [test.id for part in result.phases for test in part.tests] + [test.id for test in result.unassigned]
    assert len(placed) == len(set(placed))
    assert len(placed) + sum(part.count for part in result.left_out) == len(tests)
    assert result.planned == sum(map(len, ids(result).values()))
    running = {test.id: part.phase.name for part in result.phases for test in part.tests}
    for test in tests:
        assert explain(plan, inventory, result, test.id).phase == running.get(test.id, "")


def test_twenty_thousand_tests_and_ten_phases_take_no_time() -> None:
    phases = [
        Phase(
            name=f"p{index}", markers=f"m{index}", paths=(f"tests/**/test_{index}*.py",), tests=(f"*::test_{index}*",)
        )
        for index in range(10)
    ]
    plan = plan_of(*phases, unassigned="ignore")
    tests = tuple(
        CollectedTest(
            id=f"tests/a/test_{index % 500}.py::TestA::test_{index}[x]",
            file=f"tests/a/test_{index % 500}.py",
            line=1,
            matches=tuple(range(10)),
        )
        for index in range(20_000)
    )
    inventory = Inventory(
        tests=tests, expressions=expressions(plan, Narrowing()), facts=PytestFacts(rootdir="/project")
    )
    before = time.process_time()
    result = assign(plan, inventory, Narrowing())
    assert time.process_time() - before < 5  # CPU seconds; well below one on an idle machine
    assert sum(part.count for part in result.left_out) + result.planned == 20_000

"""The criteria of phases, of `select` and of the command line, asked about single tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.model.errors import InternalError
from async_test_runner.model.inventory import CollectedTest, Inventory, PytestFacts
from async_test_runner.model.plan import Phase, Plan
from async_test_runner.suite.criteria import Criteria, all_hold

EXPRESSIONS = (("markers", "slow"), ("keyword", "api"))


def criteria(root: str = "/plan", rootdir: str = "/plan") -> Criteria:
    plan = Plan(path=Path(root) / "runner.yaml", root=Path(root), name="p", phases=())
    return Criteria(plan, Inventory(tests=(), expressions=EXPRESSIONS, facts=PytestFacts(rootdir=rootdir)))


def collected(id: str = "tests/test_a.py::t", *matches: int) -> CollectedTest:
    return CollectedTest(id, id.partition("::")[0], 1, matches=matches)


def test_of_several_criteria_all_must_hold_and_of_none_all_do() -> None:
    it = criteria()
    found = it.of(("tests",), "slow", "api", ("*::t",))
    assert all_hold(found, collected("tests/test_a.py::t", 0, 1))
    assert not all_hold(found, collected("tests/test_a.py::t", 0))
    assert not all_hold(found, collected("other/test_a.py::t", 0, 1))
    assert not all_hold(found, collected("tests/test_a.py::u", 0, 1))
    assert it.of((), "", "", ()) == ()
    assert all_hold((), collected())


def test_criteria_are_shown_as_the_plan_writes_them() -> None:
    found = criteria().of_phase(
        Phase(name="p", paths=("tests", "more"), markers="slow", keyword="api", tests=("*::t",))
    )
    assert [criterion.shown.partition(" ")[0] for criterion in found] == ["paths", "markers", "keyword", "tests"]
    assert "slow" in found[1].shown
    assert "tests" in found[0].shown


def test_an_expression_holds_for_the_tests_that_pytest_has_matched() -> None:
    it = criteria()
    assert it.expression("keyword", "api")(collected("a::t", 1))
    assert not it.expression("keyword", "api")(collected("a::t", 0))


def test_an_expression_that_was_not_evaluated_is_a_bug_and_no_mismatch() -> None:
    with pytest.raises(InternalError, match="did not evaluate markers"):
        criteria().expression("markers", "api")


@pytest.mark.parametrize("root", ["/plan", "/plan/inner"])
def test_a_file_lies_where_pytest_says_and_a_path_is_meant_from_the_plan(root: str) -> None:
    it = criteria(root, "/plan")
    inner = collected("inner/tests/test_a.py::t")
    assert it.file(inner) == "/plan/inner/tests/test_a.py"
    assert it.paths(("tests",))(inner) is (root == "/plan/inner")


def test_an_id_may_be_written_as_pytest_says_it_or_as_seen_from_the_plan() -> None:
    it, inner = criteria("/plan/inner", "/plan"), collected("inner/test_a.py::t")
    assert it.ids(("inner/test_a.py::t",))(inner)
    assert it.ids(("test_a.py::t",))(inner)
    assert not criteria().ids(("test_a.py::t",))(inner)

"""The hooks of pytest around a watch that is played."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.leaks.guard import LeakGuard

from tests.support.inside import through

LEAK = Leak("tasks", "a task", "a.py:1 in f")


class Guard(LeakGuard):
    """It finds what a test tells it to, and remembers what it was told of fixtures."""

    def __init__(self, directory: Path, **policies: str) -> None:
        super().__init__(str(directory), {**policies}, 1, alone=True)
        self.left: list[Leak] = []
        self.told: list[str] = []
        self.noted: list[tuple[str, Leak]] = []
        self.on = False  # what it stands on is not installed

    def end(self) -> list[Leak]:
        self.told.append("end")
        return self.left

    def note(self, id: str, leak: Leak) -> None:
        self.noted.append((id, leak))

    def fixture_begins(self, name: str, function: Any) -> None:
        self.told.append(f"begins {name}")

    def before_fixture(self) -> None:
        self.told.append("before")

    def after_fixture(self, fixture: Any) -> None:
        self.told.append("after")

    def fixture_over(self, fixture: Any) -> None:
        self.told.append("over")


def test_tasks_of_a_test_that_was_cut_short_are_no_leak_of_it_and_those_of_the_next_are(tmp_path: Path) -> None:
    it = Guard(tmp_path, tasks="fail", state="report")
    state = Leak("state", "a variable")
    it.begin("a", "a")
    it.cut_short()
    it.left = [LEAK, state]
    through(it.pytest_runtest_teardown(None, None))
    assert it.found() == [state]
    it.begin("b", "b")
    with pytest.raises(pytest.fail.Exception):
        through(it.pytest_runtest_teardown(None, None))
    assert it.found() == [LEAK, state]


def test_what_a_test_has_left_is_looked_for_after_its_teardown_and_said_once(tmp_path: Path) -> None:
    it = Guard(tmp_path, tasks="report")
    it.left = [LEAK]
    teardown = it.pytest_runtest_teardown(None, None)
    next(teardown)
    assert it.told == []
    with pytest.raises(StopIteration):
        teardown.send(None)
    assert it.told == ["end"]
    assert (it.found(), it.found()) == ([LEAK], [])


def test_what_is_forbidden_fails_the_teardown_with_its_words(tmp_path: Path) -> None:
    it = Guard(tmp_path, tasks="fail")
    it.left = [LEAK]
    with pytest.raises(pytest.fail.Exception, match=r"a task"):
        through(it.pytest_runtest_teardown(None, None))
    assert it.found() == [LEAK]
    it.left = []
    assert through(it.pytest_runtest_teardown(None, None), "the result") == "the result"


def test_a_teardown_that_raises_is_looked_at_all_the_same_and_its_own_error_stands(tmp_path: Path) -> None:
    it = Guard(tmp_path, tasks="fail")
    it.left = [LEAK]
    teardown = it.pytest_runtest_teardown(None, None)
    next(teardown)
    with pytest.raises(ValueError, match="in teardown"):
        teardown.throw(ValueError("in teardown"))
    assert it.found() == [LEAK]


def fixture(scope: str) -> Any:
    return SimpleNamespace(argname="resource", func=len, scope=scope)


@pytest.mark.parametrize(
    ("scope", "told"), [("function", ["begins resource"]), ("module", ["begins resource", "before", "after"])]
)
def test_what_a_fixture_of_a_wider_scope_makes_is_not_the_tests(tmp_path: Path, scope: str, told: list[str]) -> None:
    it = Guard(tmp_path)
    assert through(it.pytest_fixture_setup(fixture(scope)), "value") == "value"
    assert it.told == told
    it.pytest_fixture_post_finalizer(fixture(scope))
    assert it.told[-1] == "over"


def test_a_fixture_that_fails_in_its_setup_is_looked_at_too(tmp_path: Path) -> None:
    it = Guard(tmp_path)
    setup = it.pytest_fixture_setup(fixture("session"))
    next(setup)
    with pytest.raises(ValueError, match="in setup"):
        setup.throw(ValueError("in setup"))
    assert it.told[-1] == "after"


@pytest.mark.parametrize(("nodeid", "is_said"), [("a.py::t", True), ("a.py::other", False), ("", False)])
def test_a_warning_that_tells_of_a_leak_is_the_current_tests(tmp_path: Path, nodeid: str, is_said: bool) -> None:
    it = Guard(tmp_path)
    it.begin("the id", "a.py::t")
    it._id = "the id"
    for text, category in (("unclosed file <x>", ResourceWarning), ("unclosed file <y>", UserWarning)):
        it.pytest_warning_recorded(warnings.WarningMessage(category(text), category, "a.py", 1), nodeid)
    expected = Leak("descriptors", "unclosed file <x>; the garbage collector closed it")
    said = [(id, leak.kind, leak.what) for id, leak in it.noted]
    assert said == ([("the id", expected.kind, expected.what)] if is_said else [])

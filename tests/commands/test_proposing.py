"""The plan that is proposed for a suite: it is proven, and takes every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.commands import proposing
from async_test_runner.model.errors import InternalError, UsageError
from async_test_runner.model.inventory import CollectedTest, Inventory, PytestFacts
from async_test_runner.plan import reading as plans

TARGET = Path("/project/runner.yaml")
TESTS = (
    CollectedTest(id="a.py::test_plain", file="a.py", line=1),
    CollectedTest(id="a.py::test_await", file="a.py", line=2, marks=("asyncio",), is_async=True),
)
FOUND = Inventory(tests=TESTS, facts=PytestFacts(rootdir="/project"))


def test_the_collection_is_that_of_the_paths_and_the_python() -> None:
    plan = proposing.start(TARGET, ("tests",), "/env/bin/python")
    assert (plan.path, plan.name, plan.select.paths, plan.python) == (TARGET, "project", ("tests",), "/env/bin/python")


def test_the_text_is_a_plan_that_takes_every_test() -> None:
    proven = proposing.proven(proposing.start(TARGET), FOUND)
    assert [phase.name for phase in plans.parse(proven.text, TARGET).phases] == ["sync", "async"]
    assert [[test.id for test in phase.tests] for phase in proven.assignment.phases] == [
        ["a.py::test_plain"],
        ["a.py::test_await"],
    ]


def test_a_plan_that_is_refused_gives_way_to_the_simplest_and_that_to_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("2 tests belong to no phase")

    monkeypatch.setattr(proposing.collection, "proved", refuse)
    with pytest.raises(InternalError, match="no plan could be proven"):
        proposing.proven(proposing.start(TARGET), FOUND)

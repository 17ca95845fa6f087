"""Who hears what: in a worker, in a forked session, and in the host at its end."""

from __future__ import annotations

import os
from typing import Any

import pytest
from async_test_run_inside.forks import reporters

from tests.support.inside import Item, RealConfig, Session, report


class Heard:
    """A plugin that remembers which of its hooks were called."""

    def __init__(self) -> None:
        self.heard: list[str] = []


class Reporter(Heard):
    """It reports, and writes at the end."""

    def pytest_sessionstart(self) -> None: ...

    def pytest_runtest_logreport(self) -> None:
        self.heard.append("report")

    def pytest_sessionfinish(self) -> None:
        self.heard.append("finish")

    def pytest_terminal_summary(self) -> None:
        self.heard.append("summary")


class Server(Heard):
    """It begins something for the session, and ends it."""

    def pytest_sessionstart(self) -> None: ...

    def pytest_sessionfinish(self) -> None:
        self.heard.append("finish")


class KnowsWorkers(Heard):
    """It asks whether it is in a worker, as plugins of xdist do."""

    def pytest_sessionfinish(self, session: Any) -> None:
        hasattr(session.config, "workerinput")
        self.heard.append("finish")


class Own(Heard):
    """One of pytest's or of ours: its hooks are in one of their modules."""

    def pytest_runtest_logreport(self) -> None:
        self.heard.append("report")

    def pytest_sessionfinish(self) -> None:
        self.heard.append("finish")

    pytest_runtest_logreport.__module__ = "_pytest.somewhere"
    pytest_sessionfinish.__module__ = "async_test_run_inside.somewhere"


class Stage:
    """One plugin of each kind."""

    def __init__(self) -> None:
        self.plugins: dict[str, Heard] = {
            "reporter": Reporter(), "server": Server(), "knows": KnowsWorkers(), "own": Own()
        }  # fmt: skip
        self.config = RealConfig(*self.plugins.values())

    def heard(self) -> dict[str, list[str]]:
        """What each of them hears of a test and of the end."""
        item = Item("a", self.config)
        hook = self.config.hook
        hook.pytest_runtest_logreport(report=report(item))
        hook.pytest_sessionfinish(session=Session(item), exitstatus=0)
        hook.pytest_terminal_summary(terminalreporter=None, exitstatus=0, config=self.config)
        return {name: plugin.heard for name, plugin in self.plugins.items()}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_worker_is_no_session_of_its_own_for_reporters(stage: Stage) -> None:
    reporters.leave_to_the_session(stage.config)
    assert stage.heard() == {
        "reporter": ["summary"],
        "server": [],
        "knows": ["finish"],
        "own": ["report", "finish"],
    }


def test_a_forked_session_ends_nothing_that_the_host_has_begun_but_reporters_write(stage: Stage) -> None:
    reporters.leave_to_the_host(stage.config)
    assert stage.heard() == {
        "reporter": ["report", "finish", "summary"],
        "server": [],
        "knows": ["finish"],
        "own": ["report", "finish"],
    }


def test_a_host_ends_what_it_has_begun_and_reports_nothing(stage: Stage) -> None:
    reporters.leave_to_the_sessions(stage.config)
    assert stage.heard() == {
        "reporter": ["report"],
        "server": ["finish"],
        "knows": [],
        "own": ["report", "finish"],
    }


def by_environment() -> None:
    os.environ.get("PYTEST_XDIST_WORKER")


def by_function(config: Any) -> bool:
    return bool(config.is_xdist_worker())


def by_nothing(config: Any) -> None:
    """It says workerinput in its text only."""


@pytest.mark.parametrize(
    ("function", "knows"), [(by_environment, True), (by_function, True), (by_nothing, False), (len, False)]
)
def test_who_knows_workers_names_what_tells_them_apart(function: Any, knows: bool) -> None:
    assert reporters.knows_workers(function) is knows

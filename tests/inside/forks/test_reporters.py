"""Who hears what: in a worker, in a forked session, and in the host at its end."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from async_test_run_inside.forks import reporters
from async_test_run_inside.wire.facts import Wire

from tests.support.inside import Item, RealConfig, Session, close, report, said, settings, through


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

    def pytest_runtest_logreport(self) -> None:
        self.heard.append("report")

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


class OwnSelects(Heard):
    """One of pytest's own, which has said it to the user."""

    def pytest_collection_finish(self, session: Any) -> None:
        self.heard.append(str(len(session.items)))

    pytest_collection_finish.__module__ = "_pytest.somewhere"


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


def test_what_has_collected_while_tests_ran_ends_in_their_session(tmp_path: Path) -> None:
    path = tmp_path / "conftest.py"
    path.write_text("SEEN = []\ndef pytest_runtest_setup(): SEEN.append(1)\ndef pytest_sessionfinish(): print(SEEN)\n")
    heard: list[str] = []
    plugin = ModuleType("conftest")
    vars(plugin).update(__file__=str(path), pytest_sessionstart=lambda: None)
    vars(plugin)["pytest_sessionfinish"] = lambda: heard.append("finish")
    session, host = RealConfig(plugin), RealConfig(plugin)
    reporters.leave_to_the_host(session)  # type: ignore[arg-type]
    session.hook.pytest_sessionfinish(session=None, exitstatus=0)
    assert heard == ["finish"]
    reporters.leave_to_the_sessions(host)  # type: ignore[arg-type]
    host.hook.pytest_sessionfinish(session=None, exitstatus=0)
    assert heard == ["finish"]


def test_a_worker_is_no_session_of_its_own_for_reporters(stage: Stage) -> None:
    reporters.leave_to_the_session(stage.config)
    assert stage.heard() == {
        "reporter": ["summary"],
        "server": [],
        "knows": ["report", "finish"],
        "own": ["report", "finish"],
    }


def test_a_forked_session_ends_nothing_that_the_host_has_begun_but_reporters_write(stage: Stage) -> None:
    reporters.leave_to_the_host(stage.config)
    assert stage.heard() == {
        "reporter": ["report", "finish", "summary"],
        "server": [],
        "knows": ["report", "finish"],
        "own": ["report", "finish"],
    }


def test_a_host_ends_what_it_has_begun_and_reports_nothing(stage: Stage) -> None:
    reporters.leave_to_the_sessions(stage.config)
    assert stage.heard() == {
        "reporter": ["report"],
        "server": ["finish"],
        "knows": ["report"],
        "own": ["report", "finish"],
    }


class Selects(Heard):
    """It hears which tests of the collection are to run."""

    def pytest_collection_finish(self, session: Any) -> None:
        self.heard.append(str(len(session.items)))


def test_what_is_selected_a_session_hears_of_its_own_tests_and_the_host_does_not() -> None:
    plugin, own = Selects(), OwnSelects()
    config = RealConfig(plugin, own)
    session = Session(Item("a", config), Item("b", config))
    held = reporters.hold_back(config)
    config.hook.pytest_collection_finish(session=session)
    assert (plugin.heard, own.heard) == ([], ["2"])
    session.items.pop()
    reporters.tell_selection(session, held)  # type: ignore[arg-type]
    assert (plugin.heard, own.heard) == (["1"], ["2"])


def test_where_nobody_hears_of_the_selection_nothing_is_held_back() -> None:
    config = RealConfig(OwnSelects())
    held = reporters.hold_back(config)
    reporters.tell_selection(Session(Item("a", config)), held)  # type: ignore[arg-type]
    assert held == []


@pytest.mark.parametrize(("host", "fails"), [(True, False), (False, False), (True, True), (False, True)])
def test_a_process_that_only_collects_judges_nothing_and_a_host_leaves_that_to_its_sessions(
    stage: Stage, tmp_path: Path, host: bool, fails: bool
) -> None:
    it = reporters.CollectsOnly(settings(tmp_path, host=host), Wire(str(tmp_path / "events.main.jsonl")))
    collection = it.pytest_collection(Session(Item("a", stage.config)))  # type: ignore[arg-type]
    if fails:
        next(collection)
        with pytest.raises(OSError):
            collection.throw(OSError())
    else:
        assert through(collection, "result") == "result"
    assert ("finish" in stage.heard()["reporter"]) is (host and not fails)
    assert stage.heard()["server"]


@pytest.mark.parametrize("refused", ["", "pytest_sessionfinish of judge would delete a.txt"])
def test_at_its_end_it_guards_files_as_well_and_tells_what_it_has_refused(tmp_path: Path, refused: str) -> None:
    wire = Wire(str(tmp_path / "events.main.jsonl"))
    it = reporters.CollectsOnly(settings(tmp_path), wire)
    it._guard.refused = refused
    assert through(it.pytest_sessionfinish(), "result") == "result"
    close(wire)
    assert [fact["text"].startswith(refused) for fact in said(tmp_path)] == [True] * bool(refused)

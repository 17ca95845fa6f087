"""State of the process that a test changed and did not put back."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.leaks.births import Births
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.leaks.state import Environment, State


class App(SimpleNamespace):
    """What is looked at in a FastAPI application."""


def dependency() -> None:
    """Something to override."""


def fake() -> None:
    """What it is overridden with."""


@pytest.fixture
def apps() -> Births:
    return Births("fastapi", "FastAPI", (), fresh=[])


@pytest.fixture
def state(apps: Births) -> State:
    return State(apps)


def said(leaks: list[Leak]) -> list[str]:
    return [leak.what for leak in leaks]


def test_nothing_changed_is_nothing_to_say(state: State) -> None:
    assert state.news() == []
    assert not state.differs()
    assert state.news() == []


def test_variables_are_named_but_their_values_are_not_shown(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFT", "secret")
    monkeypatch.setenv("HOME", "secret")
    assert state.differs()
    assert sorted(said(state.news())) == ["environment: HOME changed", "environment: LEFT set"]
    monkeypatch.delenv("HOME")
    assert said(state.news()) == ["environment: HOME removed"]


def test_a_test_that_cleans_up_after_another_leaves_nothing(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFT", "1")
    assert len(state.news()) == 1
    monkeypatch.delenv("LEFT")
    assert state.news() == []
    monkeypatch.setenv("LEFT", "1")
    assert len(state.news()) == 1


def test_pytests_own_variable_is_no_change(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "another")
    assert state.news() == []


def test_a_directory_that_is_gone_is_said_to_be(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(state.news())[0].startswith(f"working directory: {tmp_path} instead of ")
    below = tmp_path / "below"
    below.mkdir()
    os.chdir(below)
    below.rmdir()
    assert said(state.news()) == [f"working directory: one that is gone instead of {tmp_path}"]


def test_the_import_path(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/left", *sys.path[1:]])
    first = said(state.news())
    assert "sys.path: /left added" in first


def test_a_signal_handler_is_named_by_its_code(state: State) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        (leak,) = state.news()
        assert leak.what.startswith("signal handler: SIGUSR1 is handled by ")
        assert "<lambda>" in leak.where
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert said(state.news()) == ["signal handler: SIGUSR1 is ignored"]
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda logger: setattr(logger, "disabled", True), "logging: disabled of logger x.y is True instead of False"),
        (lambda logger: logger.setLevel(10), "logging: level of logger x.y is 10 instead of 0"),
        (lambda logger: logger.addHandler(logging.NullHandler()), "logging: handlers of logger x.y: NullHandler added"),
    ],
)
def test_logging(apps: Births, change: Callable[[logging.Logger], None], what: str) -> None:
    logger = logging.getLogger("x.y")
    state = State(apps)
    try:
        change(logger)
        assert state.differs()
        assert said(state.news()) == [what]
    finally:
        logger.disabled = False
        logger.setLevel(0)
        logger.handlers.clear()


def test_a_new_logger_is_nobodys_configuration_yet(state: State) -> None:
    logging.getLogger(f"new.{id(state)}").setLevel(10)
    assert state.news() == []


def test_overrides_of_an_application_are_named_with_what_overrides(apps: Births) -> None:
    app = App(dependency_overrides={})
    apps.adopt(app)
    state = State(apps)
    app.dependency_overrides[dependency] = fake
    assert state.differs()
    (leak,) = state.news()
    assert leak.what.startswith("dependency_overrides: ")
    assert leak.what.endswith(" in dependency overridden")
    assert leak.where.endswith(" in fake")
    app.dependency_overrides.clear()
    assert said(state.news()) == []
    assert not state.differs()


def test_an_application_that_is_gone_leaves_nothing(apps: Births) -> None:
    app = App(dependency_overrides={dependency: fake})
    apps.adopt(app)
    state = State(apps)
    del app
    gc.collect()
    assert said(state.news()) == []


def test_what_is_put_back_is_gone_and_no_news_after_that(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFT", "1")
    (leak,) = state.news()
    assert not leak.gone()
    monkeypatch.delenv("LEFT")
    assert leak.gone()
    assert state.news() == []


def test_a_dictionary_that_takes_the_place_of_the_variables_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host does so while it collects; what its forks change is seen all the same."""
    environ: Any = os.environ
    monkeypatch.setattr(environ, "_data", dict(environ._data))
    look = Environment()
    before = look.token()
    assert look.is_same(before)
    environ["A_VARIABLE_OF_A_TEST"] = "1"
    assert not look.is_same(before)

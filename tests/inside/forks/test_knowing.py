"""Who names what tells workers apart, by itself or in what it calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from async_test_run_inside.forks import knowing


def by_environment() -> None:
    os.environ.get("PYTEST_XDIST_WORKER")


def by_function(config: Any) -> bool:
    return bool(config.is_xdist_worker())


def by_what_it_calls(config: Any) -> None:
    Report().written()


class Report:
    def written(self) -> list[int]:
        return [number for number in (1,) if self.wanted]

    @property
    def wanted(self) -> bool:
        by_environment()
        return True


def by_nothing(config: Any) -> None:
    """It says workerinput in its text only."""


def by_a_hook_of_that_name(config: Any) -> None:
    config.hook.pytest_other(config)


def pytest_other(config: Any) -> None:
    hasattr(config, "workerinput")


@pytest.mark.parametrize(
    ("function", "knows"),
    [
        (by_environment, True),
        (by_function, True),
        (by_what_it_calls, True),
        (by_nothing, False),
        (by_a_hook_of_that_name, False),
        (len, False),
    ],
)
def test_who_knows_workers_names_what_tells_them_apart(function: Any, knows: bool) -> None:
    assert knowing.knows_workers(function) is knows


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """A package in two modules, the second of which knows."""
    directory = tmp_path / "site-packages" / "judging_package"
    directory.mkdir(parents=True)
    (directory / "__init__.py").write_text("def pytest_sessionfinish(session): session.judge.finish()\n")
    (directory / "other.py").write_text("class Judge:\n    def finish(self): return 'PYTEST_XDIST_WORKER'\n")
    monkeypatch.syspath_prepend(str(directory.parent))
    for name in ("judging_package", "judging_package.other"):
        __import__(name)
        monkeypatch.delitem(sys.modules, name)  # taken away at the end
        sys.modules[name] = sys.modules.get(name) or __import__(name, fromlist=["x"])
    return {name: sys.modules[f"judging_package{name}"] for name in ("", ".other")}


def test_an_installed_plugin_is_looked_into_as_a_whole(installed: dict[str, ModuleType]) -> None:
    finish = installed[""].pytest_sessionfinish
    assert knowing.knows_workers(finish)
    assert knowing.is_installed(finish)
    assert knowing.home(finish) == knowing.home(installed[".other"].Judge.finish) == "judging_package"


def test_a_plugin_of_the_project_is_a_file_by_itself() -> None:
    assert knowing.home(by_nothing) == knowing.home(sys._getframe()) == __file__
    assert not knowing.is_installed(by_nothing)

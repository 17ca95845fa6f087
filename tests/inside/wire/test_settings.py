"""The settings are taken once, and their variables leave no trace in the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from async_test_run_inside.wire import settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = (settings.SETTINGS, settings.PYTHONPATH, settings.HASHSEED, settings.WORKER)
    for name in (*ours, "PYTEST_XDIST_WORKER", "PYTHONPATH", "PYTHONHASHSEED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"mode": "run", "tests": ["a"], "runner": 7}))
    return path


def test_without_the_variable_nobody_asks_for_anything() -> None:
    assert settings.take_from_environment() is None


def test_settings_are_taken_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    taken = settings.take_from_environment()
    assert taken is not None
    assert (taken.asked["tests"], taken.directory, taken.worker, taken.parent) == (["a"], str(file.parent), "", 7)
    assert settings.SETTINGS not in os.environ
    assert settings.take_from_environment() is None


@pytest.mark.parametrize("before", [None, "", "/mine:/yours"])
def test_pythonpath_is_what_the_user_had(file: Path, monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    monkeypatch.setenv("PYTHONPATH", "/inside")
    if before is not None:
        monkeypatch.setenv(settings.PYTHONPATH, before)
    settings.take_from_environment()
    assert os.environ.get("PYTHONPATH") == before
    assert settings.PYTHONPATH not in os.environ


@pytest.mark.parametrize(("kept", "before"), [("", None), ("random", "random")])
def test_hash_seeds_are_for_processes_of_the_run_and_no_others(
    file: Path, monkeypatch: pytest.MonkeyPatch, kept: str, before: str | None
) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    monkeypatch.setenv(settings.HASHSEED, kept)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    taken = settings.take_from_environment()
    assert taken is not None
    assert (os.environ.get("PYTHONHASHSEED"), settings.HASHSEED in os.environ) == (before, False)
    taken.export()  # for the workers of xdist
    assert (os.environ["PYTHONHASHSEED"], os.environ[settings.HASHSEED]) == ("7", kept)
    taken.withdraw()
    assert (os.environ.get("PYTHONHASHSEED"), settings.HASHSEED in os.environ) == (before, False)


def test_the_seed_of_the_user_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    monkeypatch.setenv("PYTHONHASHSEED", "42")
    taken = settings.take_from_environment()
    assert taken is not None
    taken.export()
    taken.withdraw()
    assert os.environ["PYTHONHASHSEED"] == "42"
    assert settings.HASHSEED not in os.environ


def test_a_worker_of_xdist_knows_its_name_and_its_controller(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw3")
    first = settings.take_from_environment()
    assert first is not None
    assert first.worker == ""  # the runner sets that variable for processes that are no workers
    first.export()
    worker = settings.take_from_environment()
    assert worker is not None
    assert (worker.worker, worker.parent) == ("gw3", os.getpid())
    assert settings.WORKER not in os.environ


def test_what_was_exported_is_withdrawn(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SETTINGS, str(file))
    taken = settings.take_from_environment()
    assert taken is not None
    taken.export()
    assert os.environ[settings.SETTINGS] == str(file)
    taken.withdraw()
    assert settings.SETTINGS not in os.environ
    assert settings.WORKER not in os.environ

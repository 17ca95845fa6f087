"""Fixtures of pytest-xdist, whether it is there or not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection import fixtures

from tests.support.inside import Config, settings


def worker_id(**config: Any) -> str:
    function: Any = fixtures.worker_id
    found: str = function.__wrapped__(SimpleNamespace(**config))
    return found


def test_a_worker_is_called_as_it_was_told_then_as_its_environment_says_then_master(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw2")
    assert worker_id(workerinput={"workerid": "gw7"}) == "gw7"
    assert worker_id() == "gw2"
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert worker_id() == "master"


def test_a_run_has_one_name_in_all_its_processes(tmp_path: Path) -> None:
    config = Config()
    fixtures.register(config, settings(tmp_path, testrun_uid="20261129-1"))  # type: ignore[arg-type]
    fixtures.register(config, settings(tmp_path, testrun_uid="other", seed=1))  # type: ignore[arg-type]
    function: Any = fixtures.testrun_uid
    assert function.__wrapped__(config) == "20261129-1"
    assert config.pluginmanager.get_plugin(fixtures.NAME) is fixtures

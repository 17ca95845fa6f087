"""pytest-cov measures, and somebody else reports."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection.coverage import Checkpoints, silence

from tests.support.inside import Config


def with_cov(**options: Any) -> tuple[Any, Any]:
    """A configuration, and the options that pytest-cov's plugin keeps."""
    config = Config()
    values = {
        "cov_source": ["lib"],
        "cov_report": {"xml": "cov.xml"},
        "cov_fail_under": 90,
        "cov_config": ".coveragerc",
    }
    kept = SimpleNamespace(**{**values, **options})
    config.pluginmanager.register(SimpleNamespace(options=kept), "_cov")
    return config, kept


def test_what_is_asked_for_is_noted_and_switched_off() -> None:
    reports = {"xml": "cov.xml", "term": None}
    config, kept = with_cov(cov_report=reports, cov_append=True)
    assert silence(config) == {
        "config": ".coveragerc",
        "reports": [("xml", "cov.xml"), ("term", "")],
        "fail_under": 90.0,
        "append": True,
    }
    assert kept.cov_fail_under is None
    assert kept.cov_report is reports  # the part of pytest-cov that reports holds the same object
    assert reports == {}


def test_reports_in_a_list_have_no_target() -> None:
    config, kept = with_cov(cov_report=["term", ""], cov_fail_under=None, cov_config=None)
    assert silence(config) == {"config": "", "reports": [("term", "")], "fail_under": 0.0, "append": False}
    assert kept.cov_report == []


@pytest.mark.parametrize("options", [{"cov_source": []}, {"no_cov": True}])
def test_without_cov_nothing_is_changed(options: dict[str, Any]) -> None:
    config, kept = with_cov(**options)
    assert silence(config) is None
    assert kept.cov_fail_under == 90


def test_without_the_plugin_there_is_nothing() -> None:
    assert silence(Config()) is None  # type: ignore[arg-type]


def test_what_was_measured_is_put_on_the_disk_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    flushed: list[float] = []
    collector = SimpleNamespace(flush_data=lambda: flushed.append(now[0]))
    config = Config()
    plugin = SimpleNamespace(cov_controller=SimpleNamespace(cov=SimpleNamespace(_collector=collector)))
    config.pluginmanager.register(plugin, "_cov")
    checkpoint = Checkpoints(config)  # type: ignore[arg-type]
    for later in (100.1, 100.6, 100.9, 101.2):
        now[0] = later
        checkpoint()
    assert flushed == [100.6, 101.2]


@pytest.mark.parametrize("plugin", [None, SimpleNamespace(), SimpleNamespace(cov_controller=None)])
def test_where_nothing_measures_there_is_nothing_to_put(monkeypatch: pytest.MonkeyPatch, plugin: object) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    config = Config()
    if plugin is not None:
        config.pluginmanager.register(plugin, "_cov")
    checkpoint = Checkpoints(config)  # type: ignore[arg-type]
    now[0] = 200.0
    checkpoint()

"""Fixtures of pytest-xdist, whether it is there or not, and those of pytest of which the runner hears."""

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


class Recorded:
    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def suite_property(self, *added: str) -> None:
        self.told.append(added)

    def attribute(self, *added: str) -> None:
        self.told.append(added)


def test_what_a_test_adds_to_pytests_xml_is_added_there_and_told_to_whoever_speaks_now() -> None:
    config, first, second = Config(), Recorded(), Recorded()
    to_pytest: list[tuple[str, object]] = []

    def add(name: str, value: object) -> None:
        to_pytest.append((name, value))

    fixtures.tell(config, first)  # type: ignore[arg-type]
    request: Any = SimpleNamespace(config=config, node=SimpleNamespace(nodeid="test_a.py::t"))
    attribute: Any = fixtures.record_xml_attribute
    suite_property: Any = fixtures.record_testsuite_property
    of_the_test, of_the_suite = attribute.__wrapped__(add, request), suite_property.__wrapped__(add, config)
    of_the_test("rank", 3)
    fixtures.tell(config, second)  # type: ignore[arg-type]
    of_the_suite("build", 42)
    assert to_pytest == [("rank", 3), ("build", 42)]
    assert (first.told, second.told) == ([("test_a.py::t", "rank", "3")], [("build", "42")])


def test_what_pytest_refuses_is_not_told() -> None:
    config, recorded = Config(), Recorded()
    fixtures.tell(config, recorded)  # type: ignore[arg-type]

    def refuse(name: str, value: object) -> None:
        raise TypeError("name")

    suite_property: Any = fixtures.record_testsuite_property
    with pytest.raises(TypeError):
        suite_property.__wrapped__(refuse, config)(1, 2)
    assert recorded.told == []

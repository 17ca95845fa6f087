"""What the runner is told of the project's pytest."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection.configuration import facts, seed, show_nothing_instead

from tests.support.inside import Config


class Asked(Config):
    """A configuration with options and ini keys."""

    def __init__(self, ini: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.inipath = None
        self.ini = {"junit_suite_name": "pytest", "junit_log_passing_tests": True, **(ini or {})}
        self.pluginmanager.list_plugin_distinfo = lambda: [  # type: ignore[attr-defined]
            (None, SimpleNamespace(project_name="pytest-cov", version="7"))
        ]

    def getoption(self, name: str, default: Any = None) -> Any:
        return getattr(self.option, name, default)

    def getini(self, name: str) -> Any:
        if name == "of_another_plugin":
            raise ValueError(name)
        return self.ini.get(name, "")


def told(ini: dict[str, Any] | None = None, watched: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    return dict(facts(Asked(ini, **options), watched or {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "most", "number"),
    [(3, None, 3), ("auto", None, os.cpu_count()), (None, None, 0), ("odd", None, 0), (8, 2, 2), (1, 2, 1)],
)
def test_how_many_workers_pytest_is_asked_for(value: Any, most: Any, number: int) -> None:
    found = told(numprocesses=value, maxprocesses=most, maxfail=2, dist="load")
    assert (found["numprocesses"], found["maxfail"], found["dist"]) == (number, 2, "load")
    assert "pytest-cov-7" in found["plugins"]
    assert any(plugin.startswith("pytest-xdist-") for plugin in found["plugins"])


def test_xdist_is_there_where_its_options_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-p no:xdist`` leaves its second module, and with it the distribution: ``-n`` is unknown then."""
    config = Asked()
    config.pluginmanager.list_plugin_distinfo = lambda: [  # type: ignore[attr-defined]
        (None, SimpleNamespace(project_name="pytest-xdist", version="3.8.0"))
    ]
    assert facts(config, {})["plugins"] == []  # type: ignore[arg-type]


def test_the_file_of_the_xml_is_where_pytest_would_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("NAME", "own")
    assert told(xmlpath="~/$NAME.xml")["junit_xml"] == "/home/me/own.xml"
    assert told(xmlpath=None)["junit_xml"] == ""


def test_what_the_xml_and_the_end_of_a_run_are_to_show() -> None:
    found = told({"junit_suite_name": "shop"}, junitprefix="py311", durations=3, durations_min=0.5, reportchars="sx")
    assert (found["junit_suite"], found["junit_prefix"]) == ("shop", "py311")
    assert (found["durations"], found["durations_min"], found["report_chars"]) == (3, 0.5, "sx")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"randomly_seed": 42}, "--randomly-seed=42"),
        ({"randomly_seed": "default"}, ""),
        ({"random_order": True, "random_order_seed": "7"}, "--random-order-seed=7"),
        ({"random_order_bucket": "class", "random_order_seed": "x y"}, "--random-order-seed=x y"),
        ({"random_order": False, "random_order_seed": "7"}, ""),
    ],
)
def test_a_random_order_is_told_as_the_option_that_gives_it_again(options: dict[str, Any], said: str) -> None:
    assert seed(Asked(**options)) == said  # type: ignore[arg-type]


def test_a_number_that_is_no_json_is_none() -> None:
    assert told(durations_min=float("inf"))["durations_min"] is None


@pytest.mark.parametrize(
    ("option", "ini", "limit"), [(3, None, 3), (None, "7", 7), (None, None, None), (None, "many", None), (0, "7", 0)]
)
def test_how_many_warnings_may_be(option: int | None, ini: str | None, limit: int | None) -> None:
    assert told({"max_warnings": ini}, max_warnings=option)["max_warnings"] == limit


def test_a_pytest_that_knows_no_limit_of_warnings_has_none() -> None:
    assert told({"max_warnings": "3"})["max_warnings"] is None


def test_options_that_are_looked_for_are_told_where_they_are_set() -> None:
    watched = {
        "usepdb": "--pdb",
        "capture=no": "-s",
        "dist=each": "--dist each",
        "ini:rsyncdirs": "rsyncdirs",
        "ini:of_another_plugin": "x",
        "nowhere": "--none",
    }
    found = told({"rsyncdirs": [Path("src")]}, watched, usepdb=True, capture="no", dist="load")
    assert found["given"] == ["--pdb", "-s", "rsyncdirs"]


def test_a_project_may_do_without_pytests_own_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: Asked, name: str) -> Any:
        raise ValueError(name)

    monkeypatch.setattr(Asked, "getini", unknown)
    found = told(max_warnings=None)
    assert (found["junit_suite"], found["junit_family"], found["junit_log_passing"]) == ("pytest", "xunit2", True)
    assert found["max_warnings"] is None


def test_what_would_show_something_instead_of_collecting_is_switched_off() -> None:
    config = Asked(markers=True, version=1, usepdb=True)
    show_nothing_instead(config)  # type: ignore[arg-type]
    assert vars(config.option) == {"maxfail": 0, "markers": 0, "version": 0, "usepdb": True}

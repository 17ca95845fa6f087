"""Plugins from the package index under forks, with the oldest and the newest pytest: as in one ordinary session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import Environments
from tests.support.projects import Project

pytestmark = [pytest.mark.network_index, pytest.mark.thorough, pytest.mark.timeout(600)]

PLUGINS = ("pytest-html", "pytest-json-report", "pytest-cov", "pytest-mock", "pytest-xdist", "hypothesis")
OLDEST = ("pytest==8.2.*", "pytest-subtests==0.13.*", *PLUGINS)
NEWEST = ("pytest", *PLUGINS)


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments.shared(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("requirements", [OLDEST, NEWEST], ids=["oldest", "newest"])
def test_reports_of_plugins_know_every_test_once_with_what_it_said(
    environments: Environments, requirements: tuple[str, ...], tmp_path: Path
) -> None:
    project = Project(tmp_path, "warm")
    project.plan(f"""
        defaults: {{python: "{environments.python(*requirements)}"}}
        phases: [{{name: all, isolation: test, workers: 2}}]
    """)
    addopts = "--html=report.html --json-report --json-report-file=report.json --cov=lib --cov-report=xml:cov.xml"
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\n")
    project.write("lib.py", "def double(n):\n    return 2 * n\n")
    project.write(
        "test_a.py",
        """
        import warnings
        import lib
        from hypothesis import given, strategies

        @given(strategies.integers())
        def test_given(n): assert lib.double(n) == n + n

        def test_mocked(mocker):
            mocker.patch("lib.double", return_value=3)
            assert lib.double(1) == 3

        def test_fails_in_a_chain():
            try: {}["inner"]
            except KeyError as error: raise ValueError("outer") from error

        def test_fails_in_a_group(): raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])

        def test_subtests(subtests):
            for number in range(3):
                with subtests.test("part", number=number): assert number != 1

        def test_warns(): warnings.warn("said once", UserWarning)
        """,
    )
    run = project.run(PYTEST_DISABLE_PLUGIN_AUTOLOAD="").check(1)
    assert run.processes("all") == 1  # forks
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    assert sorted(test["nodeid"] for test in report["tests"]) == sorted(run.outcomes)
    texts = {test["nodeid"].partition("::")[2]: str(test.get("call", {}).get("longrepr")) for test in report["tests"]}
    assert "KeyError: 'inner'" in texts["test_fails_in_a_chain"]
    assert "ValueError: outer" in texts["test_fails_in_a_chain"]
    assert "TypeError: two" in texts["test_fails_in_a_group"]
    assert [warning["message"] for warning in report["warnings"] if warning["when"] == "runtest"] == ["said once"]
    html = (tmp_path / "report.html").read_text()
    assert all(id in html for id in run.outcomes)
    assert 'line-rate="1"' in (tmp_path / "cov.xml").read_text()

"""Plugins from the package index, in forks and in fresh processes: as in one ordinary session, or as the table says."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.installed.plugins_of_others import TRIED, WAYS, Differs, Tried, Way, make, requirements, written
from tests.support.environments import Environments
from tests.support.projects import Project, surroundings

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


Outcomes = Counter[tuple[str, str, str]]
_PARTS = ("failure", "error", "skipped")
_NUMBERED = re.compile(r"#\d+$")  # what the runner adds where several tests have one id


class Plain:
    """What plain pytest makes of each project, once."""

    def __init__(self, root: Path, python: Path) -> None:
        self._root = root
        self._python = python
        self._known: dict[str, tuple[int, Outcomes, dict[str, object]]] = {}

    def of(self, tried: Tried) -> tuple[int, Outcomes, dict[str, object]]:
        """Its exit code, outcomes, and the files that are there afterwards."""
        key = f"{tried.name}-{TRIED.index(tried)}"
        if key not in self._known:
            root = self._root / key
            make(tried, root)
            argv = [str(self._python), "-m", "pytest", "-q", "--junitxml=own.xml"]
            done = subprocess.run(argv, cwd=root, env=surroundings(), capture_output=True, timeout=240, check=False)
            cases = ElementTree.parse(root / "own.xml").iter("testcase")
            self._known[key] = (done.returncode, outcomes(cases), written(root, tried.seen))
        code, cases_of, files = self._known[key]
        return code, cases_of, dict(files)


def outcomes(cases: Iterable[ElementTree.Element]) -> Outcomes:
    """Class, name and outcome of each."""
    return Counter(
        (
            str(case.get("classname")),
            _NUMBERED.sub("", str(case.get("name"))),
            next((part for part in _PARTS if case.find(part) is not None), "passed"),
        )
        for case in cases
    )


@pytest.fixture(scope="module")
def python(environments: Environments) -> Path:
    return environments.python(*requirements())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Plain:
    return Plain(tmp_path_factory.mktemp("plain"), python)


EACH = [
    pytest.param(tried, way, id=f"{tried.name}-{number}-{way.name}")
    for number, tried in enumerate(TRIED)
    for way in WAYS
]


@pytest.mark.parametrize(("tried", "way"), EACH)
def test_a_plugin_does_what_the_table_says(tried: Tried, way: Way, plain: Plain, python: Path, tmp_path: Path) -> None:
    code, expected, files = plain.of(tried)
    assert code == tried.code
    make(tried, tmp_path, f"{way.plan}defaults: {{python: '{python}', test_timeout: 60s}}\n")
    before = written(tmp_path, tried.seen)
    differs = tried.differs.get(way, Differs("the same"))
    run = Project(tmp_path, way.launcher).run()
    assert differs.said in run.output
    found = written(tmp_path, tried.seen)
    if differs.code == 2:  # refused: nothing has run, and nothing has changed
        assert (run.code, found) == (2, before), run.output
        return
    run.check(code if differs.code is None else differs.code)
    assert outcomes(run.cases()["all"]) == expected
    for name in (*differs.files, *differs.left):
        found.pop(name, None)
        files.pop(name, None)
    assert found == files
    assert all((tmp_path / name).exists() for name in differs.left)
    told = [warning for warning in run.result.warnings if "session" in warning or "process for" in warning]
    assert bool(told) == bool(differs.said), told

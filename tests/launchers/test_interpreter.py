"""Which Python runs pytest; the probe is answered by scripts that only look like interpreters."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from async_test_runner.launchers.interpreter import find
from async_test_runner.model.errors import UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


def fake(path: Path, answer: str = "echo 9.2.0") -> Path:
    """A Python whose pytest answers so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_without_any_environment_it_is_the_runners_own(root: Path) -> None:
    assert find("auto", root, {}) == sys.executable


def test_the_active_environment_comes_before_the_projects(root: Path, tmp_path: Path) -> None:
    active = fake(tmp_path / "active" / "bin" / "python")
    own = fake(root / ".venv" / "bin" / "python")
    assert find("auto", root, {"VIRTUAL_ENV": str(tmp_path / "active")}) == str(active)
    assert find("auto", root, {}) == str(own)


def test_the_nearest_environment_above_counts(root: Path) -> None:
    above = fake(root.parent / ".venv" / "bin" / "python")
    assert find("auto", root, {}) == str(above)
    nearer = fake(root / ".venv" / "bin" / "python")
    assert find("auto", root, {}) == str(nearer)


def test_an_environment_that_is_the_runners_own_is_not_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(root / ".venv" / "bin" / "python", "exit 1")
    monkeypatch.setattr(sys, "prefix", str(root / ".venv"))
    assert find("auto", root, {}) == sys.executable


def test_a_project_that_is_installed_next_to_the_runner_belongs_to_it(root: Path) -> None:
    fake(root / ".venv" / "bin" / "python")
    (root / "pyproject.toml").write_text('[project]\nname = "pytest"\n')
    assert find("auto", root, {}) == sys.executable


@pytest.mark.parametrize(
    "text", ["", "not toml [", "[project]\n", '[project]\nname = "no-such-distribution"\n', "project = 1\n"]
)
def test_other_projects_have_their_own_environment(root: Path, text: str) -> None:
    own = fake(root / ".venv" / "bin" / "python")
    (root / "pyproject.toml").write_text(text)
    assert find("auto", root, {}) == str(own)


def test_an_active_environment_without_a_python_is_passed_over(root: Path, tmp_path: Path) -> None:
    own = fake(root / ".venv" / "bin" / "python")
    assert find("auto", root, {"VIRTUAL_ENV": str(tmp_path / "gone")}) == str(own)


def test_a_path_is_meant_from_the_plan(root: Path) -> None:
    python = fake(root / "env" / "bin" / "python")
    assert find("env/bin/python", root, {}) == str(python)
    assert find(str(python), root.parent, {}) == str(python)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("echo none", "has no pytest$"),
        ("echo 8.1.2", "pytest 8.1.2 is older than 8.2"),
        ("echo 7", "older than 8.2"),
    ],
)
def test_what_cannot_run_pytest_is_refused_with_a_remedy(root: Path, answer: str, said: str) -> None:
    fake(root / "python", answer)
    with pytest.raises(UsageError, match=said) as caught:
        find("python", root, {})
    assert "-m pip install" in caught.value.hint


def test_what_is_not_there_and_what_is_no_python_are_told_apart(root: Path) -> None:
    fake(root / "broken", "exit 1")
    with pytest.raises(UsageError, match=r"python: broken: .*/broken is no Python that runs$"):
        find("broken", root, {})
    with pytest.raises(UsageError, match=r"python: missing: .*/missing does not exist$") as caught:
        find("missing", root, {})
    assert "pip" not in caught.value.hint
    with pytest.raises(UsageError, match=r"^python: /no/python does not exist$"):
        find("/no/python", root, {})


@pytest.mark.parametrize(
    "answer", ["echo 8.2", "echo 8.2.0rc1", "echo 10.0.0.dev1", "echo 'a banner of 3.5'; echo 9.2.0"]
)
def test_what_is_new_enough_is_taken(root: Path, answer: str) -> None:
    python = fake(root / "python", answer)
    assert find("python", root, {}) == str(python)

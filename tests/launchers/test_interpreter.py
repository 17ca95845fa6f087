"""Which Python runs pytest, and why; the probe is answered by scripts that only look like interpreters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from async_test_runner.launchers.interpreter import ACTIVE, LAST, OWN, Own, find, own
from async_test_runner.model.errors import UsageError
from async_test_runner.model.inventory import Interpreter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")

BESIDE = ".venv beside the plan"
ABOVE = ".venv above the plan"
HAS, LACKS = "echo 9.2.0", "echo none"  # what the Python of an environment answers when it is asked for pytest


def fake(path: Path, answer: str = HAS) -> Path:
    """A Python whose pytest answers so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return path


class Machine:
    """Environments around a project, and the one in which the runner is installed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "project"
        self.root.mkdir()
        self.own = Own(directory / "own", str(directory / "own" / "bin" / "python"), "9.2.0")
        fake(Path(self.own.python))

    def environment(self, name: str, answer: str | None) -> Path:
        place = {"beside": self.root / ".venv", "above": self.directory / ".venv"}.get(name, self.directory / name)
        place.mkdir(parents=True, exist_ok=True)
        if answer is not None:
            fake(place / "bin" / "python", answer)
        return place

    def of_a_tool(self, name: str = "pipx_metadata.json") -> None:
        (self.own.prefix / name).touch()

    def find(self, active: str = "", wanted: str = "auto") -> Interpreter:
        environ = {"VIRTUAL_ENV": str(self.directory / active)} if active else {}
        return find(wanted, self.root, environ, self.own)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class Case(NamedTuple):
    """Environments with the answers of their Pythons (None: no Python), and which one is taken, and why."""

    taken: str
    why: str
    active: str | None = ""  # "": nobody has activated an environment
    beside: str | None = ""
    above: str | None = ""
    tool: bool = False
    note: str = ""


CASES = {
    "nothing but the runner's own": Case("own", OWN),
    "the active one before all others": Case("active", ACTIVE, HAS, HAS, HAS, note="{beside} is of another"),
    "the active one before that of a tool": Case("active", ACTIVE, HAS, tool=True),
    "the runner's before .venv": Case("own", OWN, beside=HAS, note="{beside} is of another environment"),
    "the runner's before .venv above": Case("own", OWN, above=HAS, note="{above} is of another environment"),
    "a .venv without a Python is not worth a word": Case("own", OWN, beside=None),
    ".venv before that of a tool": Case("beside", BESIDE, beside=HAS, above=HAS, tool=True),
    ".venv above before that of a tool": Case("above", ABOVE, above=HAS, tool=True),
    "that of a tool for want of another": Case(
        "own", LAST, tool=True, note="it was made for the runner alone: activate"
    ),
    "an active one without pytest": Case("own", OWN, LACKS, note=f"{ACTIVE} has no pytest"),
    "an active one without a Python": Case("own", OWN, None, note=f"{ACTIVE} has no Python"),
    "an active one without pytest, and .venv": Case(
        "beside", BESIDE, LACKS, beside=HAS, tool=True, note=f"{ACTIVE} has no pytest"
    ),
    "an active one without pytest, and a tool": Case("own", LAST, LACKS, tool=True, note=f"{ACTIVE} has no pytest"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_first_environment_with_pytest_is_taken_and_what_was_passed_over_is_said(
    case: Case, machine: Machine
) -> None:
    places = {"own": machine.own.prefix}
    for name in ("active", "beside", "above"):
        answer = getattr(case, name)
        if answer != "":
            places[name] = machine.environment(name, answer)
    if case.tool:
        machine.of_a_tool()
    found = machine.find("active" if case.active != "" else "")
    assert (found.path, found.why) == (str(places[case.taken] / "bin" / "python"), case.why)
    expected = case.note.format(beside=".venv/bin/python", above="../.venv/bin/python")
    assert found.note.startswith(expected)
    assert bool(found.note) == bool(expected)


def test_what_would_take_the_other_environment_is_said(machine: Machine) -> None:
    machine.environment("above", HAS)
    assert machine.find().note == (
        "../.venv/bin/python is of another environment, which `python: ../.venv/bin/python` in the plan would take"
    )


@pytest.mark.parametrize("name", ["active", "beside"])
def test_an_environment_that_is_the_runners_own_is_not_asked(name: str, machine: Machine) -> None:
    place = machine.environment(name, LACKS)
    machine.own = machine.own._replace(prefix=place)
    found = machine.find("active" if name == "active" else "")
    assert (found.path, found.note) == (machine.own.python, "")


def test_a_projects_environment_without_pytest_is_an_error_where_the_runner_is_a_tool(machine: Machine) -> None:
    machine.of_a_tool()
    machine.environment("beside", LACKS)
    with pytest.raises(UsageError, match=r"the project's environment .* has no pytest") as caught:
        machine.find()
    assert caught.value.hint == f"try: {machine.root}/.venv/bin/python -m pip install 'pytest>=8.2'"


def test_a_machine_without_pytest_is_an_error(machine: Machine) -> None:
    machine.own = machine.own._replace(pytest="")
    with pytest.raises(UsageError, match="no pytest was found") as caught:
        machine.find()
    assert machine.own.python in caught.value.hint


@pytest.mark.parametrize(
    ("prefix", "file"),
    [
        ("venvs/async-test-runner", "pipx_metadata.json"),
        ("tools/async-test-runner", "uv-receipt.toml"),
        ("uv/archive-v0/3kQ", ""),
        ("uv/environments-v2/async-test-runner-1f", ""),
        ("pre-commit/repo1/py_env-python3.12", ""),
    ],
)
def test_environments_of_tools_are_known(prefix: str, file: str, tmp_path: Path) -> None:
    place = tmp_path / prefix
    place.mkdir(parents=True)
    if file:
        (place / file).touch()
    assert Own(place, "", "").is_of_a_tool
    assert not Own(tmp_path, "", "").is_of_a_tool


def test_the_runners_own_environment_is_that_of_this_process() -> None:
    assert own() == (Path(sys.prefix), sys.executable, pytest.__version__)


def test_a_path_is_meant_from_the_plan(machine: Machine) -> None:
    python = fake(machine.root / "env" / "bin" / "python")
    named = Interpreter(str(python), "named by `python`")
    assert machine.find(wanted="env/bin/python") == named
    assert machine.find(wanted=str(python)) == named


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("echo none", "has no pytest$"),
        ("echo 8.1.2", "pytest 8.1.2 is older than 8.2"),
        ("echo 7", "older than 8.2"),
    ],
)
def test_what_cannot_run_pytest_is_refused_with_a_remedy(machine: Machine, answer: str, said: str) -> None:
    fake(machine.root / "python", answer)
    with pytest.raises(UsageError, match=said) as caught:
        machine.find(wanted="python")
    assert "-m pip install" in caught.value.hint


def test_what_is_not_there_and_what_is_no_python_are_told_apart(machine: Machine) -> None:
    fake(machine.root / "broken", "exit 1")
    with pytest.raises(UsageError, match=r"python: broken: .*/broken is no Python that runs$"):
        machine.find(wanted="broken")
    with pytest.raises(UsageError, match=r"python: missing: .*/missing does not exist$") as caught:
        machine.find(wanted="missing")
    assert "pip" not in caught.value.hint
    with pytest.raises(UsageError, match=r"^python: /no/python does not exist$"):
        machine.find(wanted="/no/python")


def test_an_old_pytest_of_the_active_environment_is_refused(machine: Machine) -> None:
    machine.environment("active", "echo 8.1.2")
    with pytest.raises(UsageError, match=r"the active environment .*: pytest 8\.1\.2 is older than 8.2"):
        machine.find("active")


@pytest.mark.parametrize(
    "answer", ["echo 8.2", "echo 8.2.0rc1", "echo 10.0.0.dev1", "echo 'a banner of 3.5'; echo 9.2.0"]
)
def test_what_is_new_enough_is_taken(machine: Machine, answer: str) -> None:
    python = fake(machine.root / "python", answer)
    assert machine.find(wanted="python").path == str(python)

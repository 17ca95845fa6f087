"""``init``: what it writes, when it asks, and that what it writes holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from async_test_runner.commands import collecting, init, proposing
from async_test_runner.model.errors import InternalError, RunnerError, UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Interpreter, Inventory, LeftOut, PytestFacts
from async_test_runner.model.plan import Plan
from async_test_runner.plan import reading as plans
from async_test_runner.plan import schema
from async_test_runner.record import runs
from async_test_runner.suite import assignment, proposal, workers

OLD = "version: 1\nphases: [{name: old}]\n"


def collected(name: str, *marks: str) -> CollectedTest:
    return CollectedTest(
        id=f"tests/test_a.py::{name}", file="tests/test_a.py", line=3, marks=marks, is_async="asyncio" in marks
    )


PLAIN = collected("test_plain")
AWAIT = collected("test_await", "asyncio")


class Suite:
    """A project directory whose collection is made up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.plan = directory / "runner.yaml"
        self.tests: tuple[CollectedTest, ...] = (PLAIN, AWAIT)
        self.errors: tuple[CollectError, ...] = ()
        self.left_out: tuple[LeftOut, ...] = ()
        self.interpreter = Interpreter()
        self.collections: list[Plan] = []

    def inventory(self, plan: Plan, narrowing: assignment.Narrowing, environ: object) -> Inventory:
        self.collections.append(plan)
        facts = PytestFacts(version="9.2.0", rootdir=str(self.directory))
        return Inventory(
            tests=self.tests,
            errors=self.errors,
            left_out=self.left_out,
            facts=facts,
            interpreter=self.interpreter,
        )

    def init(self, *argv: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(init.command, argv, input=answer)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.chdir(tmp_path)
    made = Suite(tmp_path)
    monkeypatch.setattr(collecting, "inventory", made.inventory)
    monkeypatch.setattr(workers, "processors", lambda: 2)
    return made


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at the terminal."""
    monkeypatch.setattr(init, "interactive", lambda: True)


def error_of(result: Result) -> RunnerError:
    assert isinstance(result.exception, RunnerError), result.output
    return result.exception


# ---------------------------------------------------------------------------------------------------------- the writing


def test_a_plan_is_shown_written_and_summed_up(suite: Suite) -> None:
    result = suite.init()
    assert result.exit_code == 0
    text = suite.plan.read_text()
    assert result.output.startswith(text)
    assert (
        result.output.removeprefix(text)
        == """
         isolation  workers  tests  coroutines  processes
  sync   phase            1      1           0          1
  async  test             2      1           1          1
  total                          2           1          2

wrote runner.yaml: 2 tests in 2 phases, every test in exactly one
next: async-test-run
"""
    )


def test_the_python_that_has_collected_is_said_first_and_what_it_lacks_at_the_end(suite: Suite) -> None:
    suite.interpreter = Interpreter("/env/bin/python", "it is active")
    suite.tests = (PLAIN, msgspec.structs.replace(AWAIT, unawaited=True))
    output = suite.init().output
    assert output.startswith("python\n  /env/bin/python (pytest 9.2.0): it is active\n\n# yaml-language-server")
    assert "the mark asyncio needs pytest-asyncio: /env/bin/python -m pip install pytest-asyncio\n" in output
    printed = suite.init("--print")
    assert printed.stdout == suite.plan.read_text()
    assert printed.stderr.startswith("python\n")


def test_the_suite_is_collected_once(suite: Suite) -> None:
    assert suite.init().exit_code == 0
    assert [[phase.name for phase in plan.phases] for plan in suite.collections] == [["all"]]
    assert [phase.markers for phase in plans.load(suite.plan).phases] == ["", "asyncio"]


def test_the_first_line_names_a_schema_that_is_there_and_kept_out_of_git(suite: Suite) -> None:
    suite.init()
    first = suite.plan.read_text().splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert (suite.directory / name).read_text() == schema.schema_text()
    assert (suite.directory / ".async-test-run/.gitignore").read_text() == "*\n"
    run = runs.create(suite.directory / ".async-test-run")
    assert [path.name for path in run.path.parent.iterdir()] == [run.run_id]  # no second .gitignore is needed


def test_paths_and_python_are_part_of_the_plan(suite: Suite) -> None:
    (suite.directory / "tests/api").mkdir(parents=True)
    suite.init("tests/api", "./tests", "--python", ".venv/bin/python")
    written = plans.load(suite.plan)
    assert written.select.paths == ("tests/api", "tests")
    assert written.python == ".venv/bin/python"
    assert suite.collections[0].select == written.select
    assert suite.collections[0].python == ".venv/bin/python"


@pytest.mark.parametrize(("path", "said"), [("nowhere", "no such file"), ("test_a.py::test_x", "names tests")])
def test_a_path_that_is_none_is_refused_before_anything_is_collected(suite: Suite, path: str, said: str) -> None:
    error = error_of(suite.init(path))
    assert said in error.message
    assert (error.exit_code, suite.collections) == (2, [])


def test_print_writes_the_plan_to_standard_output_and_nothing_else(suite: Suite) -> None:
    suite.plan.write_text(OLD)
    result = suite.init("--print")
    assert result.exit_code == 0
    assert plans.parse(result.stdout, suite.plan).phases[1].markers == "asyncio"
    assert "total" in result.stderr
    assert [path.name for path in suite.directory.iterdir()] == ["runner.yaml"]
    assert suite.plan.read_text() == OLD


# ---------------------------------------------------------------------------------------------------------- the asking


def test_an_existing_plan_stays_when_there_is_nobody_to_ask(suite: Suite) -> None:
    suite.plan.write_text(OLD)
    error = error_of(suite.init())
    assert error.exit_code == 2
    assert "--force" in error.hint and "--print" in error.hint
    assert (suite.plan.read_text(), suite.collections) == (OLD, [])


@pytest.mark.usefixtures("attended")
def test_an_existing_plan_is_replaced_after_a_yes(suite: Suite) -> None:
    suite.plan.write_text(OLD)
    result = suite.init(answer="y\n")
    assert result.exit_code == 0
    shown, asked, _ = result.output.partition("Replace runner.yaml? [y/N]")
    assert "markers: asyncio" in shown and asked
    assert "markers: asyncio" in suite.plan.read_text()


@pytest.mark.usefixtures("attended")
@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_an_existing_plan_stays_after_a_no(suite: Suite, answer: str) -> None:
    suite.plan.write_text(OLD)
    result = suite.init(answer=answer)
    assert result.exit_code == 0
    assert result.output.endswith("runner.yaml is left as it is.\n")
    assert [path.name for path in suite.directory.iterdir()] == ["runner.yaml"]
    assert suite.plan.read_text() == OLD


def test_force_asks_nobody(suite: Suite) -> None:
    suite.plan.write_text(OLD)
    assert suite.init("--force").exit_code == 0
    assert "markers: asyncio" in suite.plan.read_text()


def test_a_plan_under_its_other_name_is_the_existing_one(suite: Suite) -> None:
    other = suite.directory / "runner.yml"
    other.write_text(OLD)
    assert "runner.yml exists already" in error_of(suite.init()).message
    assert "wrote runner.yml" in suite.init("--force").output
    assert not suite.plan.exists()
    assert other.read_text() != OLD


# ------------------------------------------------------------------------------------------------------------ the proof


def test_a_division_that_does_not_hold_gives_way_to_one_phase(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal, "holds", lambda text, marks: False)
    result = suite.init()
    assert result.exit_code == 0
    assert [phase.name for phase in plans.load(suite.plan).phases] == ["all"]
    assert "No division of this suite could be proven" in result.output


def test_when_not_even_one_phase_holds_nothing_is_written(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("2 tests belong to no phase")

    monkeypatch.setattr(proposing.collection, "proved", refuse)
    error = error_of(suite.init())
    assert isinstance(error, InternalError)
    assert "2 tests belong to no phase" in error.message
    assert not suite.plan.exists()


def test_without_tests_nothing_is_written_and_the_reason_is_said(suite: Suite) -> None:
    suite.tests = ()
    suite.left_out = (LeftOut(reason="pytest -m 'slow'", count=3),)
    result = suite.init()
    assert result.exit_code == 5
    assert f"pytest found no tests in {suite.directory}" in result.stderr
    assert "left out\n  3 tests: pytest -m 'slow'" in result.stderr
    assert "async-test-run init tests/" in result.stderr
    assert list(suite.directory.iterdir()) == []


def test_without_tests_but_with_errors_the_errors_are_shown(suite: Suite) -> None:
    suite.tests = ()
    suite.errors = (CollectError("tests/test_b.py", "E   ImportError: no module"),)
    result = suite.init()
    assert result.exit_code == 1
    assert "ImportError: no module" in result.stderr
    assert list(suite.directory.iterdir()) == []


def test_files_that_could_not_be_collected_make_the_exit_1_of_a_written_plan(suite: Suite) -> None:
    suite.errors = (CollectError("tests/test_b.py", "E   ImportError: no module"),)
    result = suite.init()
    assert result.exit_code == 1
    assert "ImportError: no module" in result.output
    assert suite.plan.exists()


def test_what_is_shown_cannot_command_the_terminal_or_the_ci_service(suite: Suite) -> None:
    (suite.directory / "a##[error].py").touch()
    assert "##[error]" not in suite.init("a##[error].py").output
    assert plans.load(suite.plan).select.paths == ("a##[error].py",)


def test_names_of_tests_never_enter_the_plan(suite: Suite) -> None:
    suite.tests = (PLAIN, CollectedTest(id="a\x1b[2J.py::t", file="a\x1b[2J.py", line=1, is_async=True))
    result = suite.init()
    assert [phase.name for phase in plans.load(suite.plan).phases] == ["rest"]
    assert "\x1b" not in result.output


# ---------------------------------------------------------------------------------------------------- with real pytest


@pytest.mark.processes
def test_the_written_plan_runs_green_where_plain_pytest_does(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nmarkers = slow\n"
    )
    (tmp_path / "test_mixed.py").write_text(
        "import unittest\n"
        "import pytest\n"
        "@pytest.fixture\n"
        "async def db(): return {}\n"
        "def test_plain(): pass\n"
        "async def test_await(): pass\n"
        "@pytest.mark.parametrize('value', ['a b', 'x[*]', '\\x1b'])\n"
        "async def test_store(db, value): pass\n"
        "@pytest.mark.slow\n"
        "async def test_slow(): pass\n"
        "class Case(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_method(self): pass\n"
    )
    wrote = runner(tmp_path, "init")
    assert wrote.returncode == 0, wrote.stdout + wrote.stderr
    planned = json.loads(runner(tmp_path, "plan", "--json").stdout)
    assert [(phase["name"], len(phase["tests"])) for phase in planned["phases"]] == [
        ("rest", 2),
        ("async", 4),
        ("slow", 1),
    ]
    ran = runner(tmp_path, "run", "-q")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def runner(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "async_test_runner", *argv],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

"""``plan``: what it shows of a plan and a suite, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from async_test_runner.commands import collecting
from async_test_runner.commands.plan import command
from async_test_runner.model.errors import RunnerError, UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Interpreter, Inventory, LeftOut, PytestFacts
from async_test_runner.plan import reading as plans
from async_test_runner.suite import assignment

XDIST = ("pytest-xdist-3.8.0",)
PLAN = """\
version: 1
resources: {database: 1}
phases:
  - {name: sync, markers: not asyncio}
  - {name: async, markers: asyncio, isolation: test, workers: 2, resources: [database]}
"""


def collected(name: str, *marks: str, matches: tuple[int, ...] = (0,)) -> CollectedTest:
    return CollectedTest(
        id=f"tests/test_a.py::{name}",
        file="tests/test_a.py",
        line=3,
        marks=marks,
        is_async="asyncio" in marks,
        fixtures=("tmp_path",),
        matches=matches,
    )


PLAIN = collected("test_plain")
AWAIT = collected("test_await", "asyncio", matches=(1,))
NEITHER = collected("test_neither", matches=())


class Suite:
    """A project directory with a plan, whose collection is made up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.text = PLAN
        self.tests: tuple[CollectedTest, ...] = (PLAIN, AWAIT)
        self.extra: dict[str, Any] = {}
        self.plugins = XDIST
        self.asked: list[tuple[str, ...]] = []

    def inventory(
        self, plan: plans.Plan, narrowing: assignment.Narrowing, environ: object, pytest_args: tuple[str, ...]
    ) -> Inventory:
        self.asked.append(pytest_args)
        facts = PytestFacts(version="9.2.0", python="3.11.9", rootdir=str(self.directory), plugins=self.plugins)
        asked = assignment.expressions(plan, narrowing)
        return Inventory(tests=self.tests, expressions=asked, facts=facts, **self.extra)

    def plan(self, *argv: str) -> Result:
        (self.directory / "runner.yaml").write_text(self.text)
        return CliRunner().invoke(command, argv)

    def json(self, *argv: str) -> dict[str, Any]:
        document = json.loads(self.plan("--json", *argv).stdout)
        assert isinstance(document, dict)
        return document


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.chdir(tmp_path)
    made = Suite(tmp_path)
    monkeypatch.setattr(collecting, "inventory", made.inventory)
    return made


# ------------------------------------------------------------------------------------------------------------ the text


def test_phases_are_shown_with_their_tests_counted(suite: Suite) -> None:
    suite.tests = (PLAIN, AWAIT, collected("test_more", "asyncio", matches=(1,)))
    result = suite.plan()
    assert result.exit_code == 0
    assert (
        result.output
        == """\
phases
         isolation  workers  tests  coroutines  processes  resources
  sync   phase            1      1           0          1
  async  test             2      2           2          2  database
  total                          3           2          3

OK 3 tests in 2 phases, every test in exactly one
"""
    )


def test_verbose_lists_the_ids_of_every_phase(suite: Suite) -> None:
    output = suite.plan("-v").output
    assert "phase sync\n  tests/test_a.py::test_plain\n\nphase async\n  tests/test_a.py::test_await\n" in output


def test_verbose_begins_with_the_python_that_has_collected_and_why_that_one(suite: Suite) -> None:
    suite.extra["interpreter"] = Interpreter("/env/bin/python", "it is active", "not .venv")
    said = "python\n  /env/bin/python (3.11.9, pytest 9.2.0): it is active\n  not .venv\n\nphases\n"
    assert suite.plan("-v").output.startswith(said)
    assert suite.plan().output.startswith("phases\n")


def test_the_schema_that_the_plan_names_is_written_beside_it(suite: Suite) -> None:
    suite.text = "# yaml-language-server: $schema=.async-test-run/plan.schema.json\n" + PLAN
    suite.plan()
    assert (suite.directory / ".async-test-run" / "plan.schema.json").exists()


def test_coroutines_that_nothing_awaits_are_a_note_with_the_line_to_type(suite: Suite) -> None:
    suite.extra["interpreter"] = Interpreter("/env/bin/python")
    suite.tests = (PLAIN, msgspec.structs.replace(AWAIT, unawaited=True))
    said = "the mark asyncio needs pytest-asyncio: /env/bin/python -m pip install pytest-asyncio"
    assert said in suite.plan().output
    assert said in suite.json()["notes"][0]
    assert said not in suite.plan("sync").output


def test_what_takes_no_part_is_counted_with_its_reason(suite: Suite) -> None:
    suite.extra["left_out"] = (
        LeftOut(reason="pytest -m 'not slow'", count=4, examples=("tests/test_b.py::test_x",)),
        LeftOut(reason="pytest --ignore", count=1, what="paths", examples=("tests/old",)),
    )
    suite.extra["skips"] = (CollectError("tests/test_win.py", "needs Windows"),)
    output = suite.plan("sync").output
    assert "  4 tests: pytest -m 'not slow' (tests/test_b.py::test_x, …)\n" in output
    assert "  1 path: pytest --ignore (tests/old)\n" in output
    assert "  1 test: phases not named (tests/test_a.py::test_await)\n" in output
    assert "  tests/test_win.py: needs Windows\n" in output


def test_unassigned_tests_are_listed_with_the_remedies(suite: Suite) -> None:
    suite.tests = (PLAIN, NEITHER)
    result = suite.plan()
    assert result.exit_code == 2
    assert "  1 test belongs to no phase:\n    tests/test_a.py::test_neither\n" in result.output
    assert "`unassigned: run`" in result.output
    assert result.output.endswith("NOT RUNNABLE change the plan as said above (exit 2)\n")


def test_of_many_unassigned_tests_the_first_twenty_are_shown_unless_all_are_wanted(suite: Suite) -> None:
    suite.tests = tuple(collected(f"test_{n:02}", matches=()) for n in range(25))
    short, whole = suite.plan().output, suite.plan("-v").output
    assert "test_19" in short and "test_20" not in short
    assert "and 5 more" in short
    assert "test_24" in whole


def test_overlaps_are_listed_under_the_plans_own_rule(suite: Suite) -> None:
    suite.text += "overlap: error\n"
    suite.tests = (collected("test_both", matches=(0, 1)),)
    result = suite.plan()
    assert result.exit_code == 2
    assert "    tests/test_a.py::test_both (sync, async)\n" in result.output
    assert "overlap: first" in result.output


@pytest.mark.parametrize(("launcher", "code"), [("exec", 2), ("auto", 0)])
def test_workers_in_fresh_processes_need_xdist(suite: Suite, launcher: str, code: int) -> None:
    suite.text = f"version: 1\nphases: [{{name: all, workers: 2, launcher: {launcher}}}]\n"
    suite.plugins = ()
    result = suite.plan()
    assert result.exit_code == code
    assert ("no pytest-xdist" in result.output) == bool(code)


def test_an_empty_phase_is_noted(suite: Suite) -> None:
    suite.tests = (PLAIN,)
    result = suite.plan()
    assert result.exit_code == 0
    assert "notes\n  phase async has no tests" in result.output


def test_collection_errors_are_shown_and_mean_exit_1(suite: Suite) -> None:
    suite.extra["errors"] = (CollectError("tests/test_b.py", "E   ImportError: no \x1b[31mmodule"),)
    result = suite.plan()
    assert result.exit_code == 1
    assert "ImportError: no \\x1b[31mmodule" in result.output
    assert result.output.endswith("COLLECTION ERRORS 1 collection error; 2 tests in 2 phases (exit 1)\n")


def test_an_assignment_that_fails_outweighs_collection_errors(suite: Suite) -> None:
    suite.tests = (NEITHER,)
    suite.extra["errors"] = (CollectError("tests/test_b.py", "E"),)
    assert suite.plan().exit_code == 2


def test_nothing_collected_and_nothing_selected_are_exit_5(suite: Suite) -> None:
    nothing = suite.plan("-m", "asyncio", "sync")
    assert nothing.exit_code == 5
    assert "2 tests collected, none takes part" in nothing.output
    suite.tests = ()
    assert suite.plan().exit_code == 5
    assert "pytest collected no tests" in suite.plan().output


def test_ids_cannot_command_the_terminal_or_the_ci_service(suite: Suite) -> None:
    suite.tests = (collected("test_x[\x1b[2J##[error]\n::error::]"),)
    for argv in (["-v"], ["--explain", suite.tests[0].id]):
        output = suite.plan(*argv).output
        assert "\x1b" not in output
        assert "##[error]" not in output
        assert "\n::error" not in output


# ---------------------------------------------------------------------------------------------- the rest of the options


def test_an_unknown_phase_is_answered_before_anything_is_collected(suite: Suite) -> None:
    error = suite.plan("asnyc").exception
    assert isinstance(error, UsageError)
    assert 'did you mean "async"?' in error.message
    assert suite.asked == []


def test_narrowing_reaches_the_assignment(suite: Suite) -> None:
    document = suite.json("-t", AWAIT.id)
    assert [phase["tests"] for phase in document["phases"]] == [[], [AWAIT.id]]
    (Path.cwd() / "elsewhere").mkdir()
    assert suite.json("--files", "elsewhere")["planned"] == 0


def test_arguments_after_the_dashes_reach_pytest(suite: Suite) -> None:
    suite.plan("--", "-p", "no:cacheprovider")
    assert suite.asked == [("-p", "no:cacheprovider")]


def test_without_a_plan_the_remedy_is_init(suite: Suite) -> None:
    error = CliRunner().invoke(command, []).exception
    assert isinstance(error, RunnerError)
    assert "async-test-run init" in error.hint


# ------------------------------------------------------------------------------------------------------------ explain


def test_explain_says_which_phase_has_a_test_and_why_none_before(suite: Suite) -> None:
    result = suite.plan("--explain", AWAIT.id)
    assert result.exit_code == 0
    assert (
        result.output
        == """\
tests/test_a.py::test_await
  runs in phase async
  coroutine test at tests/test_a.py:3
  marks: asyncio
  fixtures: tmp_path

phases, in the order in which they are asked
  sync   passes it  markers "not asyncio" is false for its marks [asyncio]
  async  takes it   markers "asyncio" is true for its marks [asyncio]
"""
    )


def test_explain_answers_for_a_test_without_a_phase(suite: Suite) -> None:
    suite.tests = (NEITHER,)
    result = suite.plan("--explain", NEITHER.id)
    assert result.exit_code == 0
    assert "no phase takes it" in result.output


def test_explain_of_an_unknown_test_says_where_it_may_be(suite: Suite) -> None:
    suite.extra["errors"] = (CollectError("tests/test_b.py", "E"),)
    suite.extra["left_out"] = (LeftOut(reason="pytest -m 'not slow'", count=4),)
    error = suite.plan("--explain", "tests/test_b.py::test_x").exception
    assert isinstance(error, UsageError)
    assert error.hint == "these could not be collected: tests/test_b.py; tests are left out by pytest -m 'not slow'"


def test_explain_as_json(suite: Suite) -> None:
    document = suite.json("--explain", PLAIN.id)
    assert document == {
        "version": 1,
        "id": PLAIN.id,
        "file": "tests/test_a.py",
        "line": 3,
        "coroutine": False,
        "marks": [],
        "fixtures": ["tmp_path"],
        "phase": "sync",
        "summary": "runs in phase sync",
        "steps": [{"phase": "sync", "takes": True, "reasons": ['markers "not asyncio" is true for its marks []']}],
    }
    suite.tests = (NEITHER,)
    assert suite.json("--explain", NEITHER.id)["phase"] is None


# --------------------------------------------------------------------------------------------------------------- JSON


def test_the_json_document(suite: Suite) -> None:
    suite.extra["errors"] = (CollectError("tests/test_b.py", "E"),)
    suite.extra["left_out"] = (LeftOut(reason="why", count=1, examples=("x",)),)
    suite.extra["interpreter"] = Interpreter("/env/bin/python", "it is active", "not another")
    assert suite.json() == {
        "version": 1,
        "plan": suite.directory.name,
        "path": str(suite.directory / "runner.yaml"),
        "root": str(suite.directory),
        "exit_code": 1,
        "problem": None,
        "collected": 2,
        "planned": 2,
        "phases": [
            {
                "name": "sync",
                "isolation": "phase",
                "workers": 1,
                "processes": 1,
                "coroutines": 0,
                "resources": [],
                "tests": [PLAIN.id],
            },
            {
                "name": "async",
                "isolation": "test",
                "workers": 2,
                "processes": 1,
                "coroutines": 1,
                "resources": ["database"],
                "tests": [AWAIT.id],
            },
        ],
        "unassigned": [],
        "overlaps": [],
        "left_out": [{"reason": "why", "count": 1, "what": "tests", "examples": ["x"]}],
        "notes": [],
        "collection_errors": [{"id": "tests/test_b.py", "text": "E"}],
        "collection_skips": [],
        "pytest": {"version": "9.2.0", "python": "3.11.9", "rootdir": str(suite.directory)},
        "interpreter": {"path": "/env/bin/python", "why": "it is active", "note": "not another"},
    }


def test_the_json_document_holds_every_unassigned_id_and_the_exit_code(suite: Suite) -> None:
    suite.tests = tuple(collected(f"test_{n}", matches=()) for n in range(25))
    result = suite.plan("--json")
    document = json.loads(result.stdout)
    assert document["unassigned"] == [test.id for test in suite.tests]
    assert document["exit_code"] == result.exit_code == 2
    assert document["problem"]["message"] == "25 tests belong to no phase:"


def test_the_json_document_holds_overlaps(suite: Suite) -> None:
    suite.text += "overlap: error\n"
    suite.tests = (collected("test_both", matches=(0, 1)),)
    assert suite.json()["overlaps"] == [{"id": suite.tests[0].id, "phases": ["sync", "async"]}]


# ---------------------------------------------------------------------------------------------------- with real pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "runner.yaml").write_text("version: 1\nphases: [{name: all, keyword: test}]\n")
    (tmp_path / "test_a.py").write_text("def test_one(): pass\nasync def test_two(): pass\n")
    return tmp_path


def runner(project: Path, *argv: str) -> subprocess.Popen[str]:
    temporary = project / "tmp"
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "async_test_runner", *argv],
        cwd=project,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.processes
def test_a_real_collection_leaves_nothing_behind(project: Path) -> None:
    with runner(project, "plan", "--json", "--", "-p", "no:cacheprovider") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["phases"][0]["coroutines"] == 1
    assert sorted(path.name for path in project.iterdir()) == ["pytest.ini", "runner.yaml", "test_a.py", "tmp"]
    assert list((project / "tmp").iterdir()) == []


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["plan", "init"])
def test_a_signal_during_the_collection_ends_it_and_its_processes(project: Path, number: int, name: str) -> None:
    os.mkfifo(project / "pipe")
    if name == "init":
        (project / "runner.yaml").unlink()
    (project / "conftest.py").write_text(
        "import signal\npipe = open('pipe', 'w')\npipe.write('here\\n')\npipe.flush()\nsignal.pause()\n"
    )
    with runner(project, name) as process:
        with (project / "pipe").open() as pipe:
            assert pipe.readline() == "here\n"
            process.send_signal(number)
            assert pipe.read() == ""  # the end comes when nobody is left who could write
        _, err = process.communicate()
    assert process.returncode == 128 + number
    assert err == "interrupted\n"
    assert list((project / "tmp").iterdir()) == []

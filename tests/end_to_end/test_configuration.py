"""What pytest's settings ask for, and what plugins make of the collection."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_what_addopts_leaves_out_is_outside_the_universe_and_counted(project: Project) -> None:
    project.write(
        "pytest.ini",
        """
        [pytest]
        addopts = -m "not slow" -k "not keyword" --deselect test_a.py::test_deselected --ignore=test_ignored.py
            -x --maxfail=3 --lf --ff -p no:randomly --junitxml=own.xml -p xdist -n 2
        markers = slow
        """,
    )
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import pytest
        def test_runs(worker_id): assert worker_id.startswith("gw")
        def test_runs_too(): pass
        def test_deselected(): assert 0
        def test_keyword(): assert 0
        @pytest.mark.slow
        def test_slow(): assert 0
        """,
    )
    project.write("test_ignored.py", "def test_ignored(): assert 0\n")
    run = project.run().check(0)
    assert {id.partition("::")[2] for id in run.tests} == {"test_runs", "test_runs_too"}
    assert {(out.reason, out.count) for out in run.result.left_out} == {
        ("pytest --deselect", 1),
        ("pytest -m 'not slow' -k 'not keyword' --lf", 2),
        ("pytest --ignore", 1),
    }
    assert (project.root / "own.xml").exists()
    again = project.run().check(0)
    assert len(again.tests) == 2


@both_launchers
def test_plugins_that_reorder_add_and_remove_items(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: file}]")
    project.write("pytest.ini", "[pytest]\nmarkers = late\n")
    project.write(
        "conftest.py",
        """
        import pytest
        class Extra(pytest.Item):
            def runtest(self): pass
            def reportinfo(self): return self.path, 0, "extra"
        def pytest_collection_modifyitems(config, items):
            items.reverse()
            gone = [item for item in items if item.name == "test_gone"]
            items[:] = [item for item in items if item.name != "test_gone"]
            silently = [item for item in items if item.name == "test_silently_gone"]
            items[:] = [item for item in items if item not in silently]
            config.hook.pytest_deselected(items=gone)
            items.append(Extra.from_parent(items[0].parent, name="extra"))
            items.append(items[0])
        """,
    )
    project.write("test_a.py", "\n".join(f"def test_{n}(): pass" for n in ("one", "two", "gone", "silently_gone")))
    run = project.run().check(0)
    assert [id.partition("::")[2] for id in run.tests] == ["test_two", "test_one", "extra"]
    assert {(out.reason, out.count) for out in run.result.left_out} == {
        ("a pytest plugin", 1),
        ("the same item once more: runs once", 1),
    }


def test_tests_that_are_only_set_up_do_not_pass(project: Project) -> None:
    project.write("conftest.py", "def pytest_configure(config): config.option.setuponly = True\n")
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): assert 0\n")
    run = project.run().check(1)
    assert run.outcome("test_a") is not Outcome.PASSED


@both_launchers
def test_a_plugin_that_ends_the_process_at_a_timeout_of_its_own_crashes_that_test(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_timeout\ntimeout = 0.3\ntimeout_method = thread\n")
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import time\ndef test_a(): time.sleep(600)\ndef test_b(): pass\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["crashed", "passed"]
    assert "Timeout" in run.text("test_a")


@pytest.mark.parametrize("argument", ["--collect-only", "--pdb", "-s"])
def test_what_nobody_would_obey_is_refused_before_anything_runs(project: Project, argument: str) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): open('ran', 'w').close()\n")
    finished = project.run("--", argument)
    assert finished.code == 2
    assert f"after --: {argument.partition('=')[0]} has no effect in a run; " in finished.output
    assert not (project.root / "ran").exists()


@both_launchers
@pytest.mark.parametrize("option", ["--collect-only", "--setup-only", "--setup-plan"])
@pytest.mark.parametrize("where", ["addopts", pytest.param("environment", marks=pytest.mark.thorough)])
def test_a_configuration_with_which_no_test_runs_is_refused(project: Project, option: str, where: str) -> None:
    project.plan("phases: [{name: all}]")
    project.write("pytest.ini", f"[pytest]\naddopts = {option if where == 'addopts' else ''}\n")
    project.write("test_a.py", "def test_a(): open('ran', 'w').close()\n")
    finished = project.run(**({"PYTEST_ADDOPTS": option} if where == "environment" else {}))
    assert finished.code == 2
    assert (
        f"{option} stands in pytest's configuration (addopts or PYTEST_ADDOPTS): no test would run" in finished.output
    )
    assert not (project.root / "ran").exists()


@both_launchers
def test_a_debugger_in_the_configuration_has_no_effect_and_that_is_said(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("pytest.ini", "[pytest]\naddopts = --pdb --trace\n")
    project.write("test_a.py", "def test_a(): assert False\n")
    finished = project.run().check(1)
    for option in ("--pdb", "--trace"):
        assert f"{option} in pytest's configuration has no effect: tests run without a terminal" in finished.output

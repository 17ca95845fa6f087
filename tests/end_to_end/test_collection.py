"""Files that cannot be collected, and files that take the collection down."""

from __future__ import annotations

import subprocess
import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers, surroundings

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_an_id_that_is_not_there_when_collected_again_is_an_error(exec_project: Project) -> None:
    exec_project.plan("phases: [{name: all}]")
    exec_project.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.mark.parametrize("n", [os.getpid()])
        def test_changing(n): pass
        def test_stable(): pass
        """,
    )
    run = exec_project.run().check(1)
    assert sorted(outcome.value for outcome in run.outcomes.values()) == ["error", "passed"]
    assert "not there any more" in run.text(next(id for id in run.tests if "changing" in id))


BROKEN = {
    "syntax": "def test_broken(:\n",
    "raises": "from os import nothing_of_that_name\n",
    "dies": "import os\nos._exit(0)\n",
    "exits": "import sys\nsys.exit(0)\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "hangs": "import time\ntime.sleep(600)\n",
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize(
    ("project", "policy"), [("auto", "fail"), ("exec", "continue"), ("warm", "continue")], indirect=["project"]
)
def test_a_file_that_cannot_be_collected_is_named(project: Project, fault: str, policy: str) -> None:
    project.plan(f"""
        collect_errors: {policy}
        collect_timeout: 5s
        defaults: {{grace: 300ms}}
        phases: [{{name: all}}]
    """)
    project.write("test_broken.py", BROKEN[fault])
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(1)
    (error,) = run.result.collect_errors
    assert error.id == "test_broken.py"
    assert (f"collected with {sys.executable}: " in error.text) is (fault == "raises")  # whose import failed
    outcomes = set(run.outcomes.values())
    assert outcomes == {Outcome.PASSED} if policy == "continue" else outcomes <= {Outcome.NOT_RUN}


@both_launchers
@pytest.mark.parametrize("where", ["conftest.py", "sub/conftest.py"])
def test_a_conftest_that_raises_is_named_and_the_rest_can_run(project: Project, where: str) -> None:
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write(where, "raise RuntimeError('in conftest')\n")
    project.write("sub/test_sub.py", "def test_sub(): pass\n")
    project.write("other/test_other.py", "def test_other(): pass\n")
    run = project.run().check(1)
    (error,) = run.result.collect_errors
    assert "conftest.py" in error.text + error.id
    assert "in conftest" in error.text
    assert f"{where}:1: in <module>" in error.text
    assert ": RuntimeError: in conftest" in run.output
    assert set(run.outcomes.values()) == ({Outcome.PASSED} if where.startswith("sub") else set())


def test_a_plugin_that_breaks_after_the_collection_is_no_files_fault(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("conftest.py", "def pytest_collection_modifyitems(): raise RuntimeError('in a plugin')\n")
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(4)
    assert "RuntimeError: in a plugin" in run.output


@pytest.mark.parametrize("end", ["sys.exit(0)", "pytest.exit('enough')", "raise KeyboardInterrupt", "os._exit(4)"])
def test_tests_before_a_file_that_breaks_the_collection_off_do_not_pass_for_all(project: Project, end: str) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("test_b.py", f"import os, sys, pytest\n{end}\n")
    project.write("test_c.py", "def test_c(): pass\n")
    run = project.run()
    assert run.code in (1, 2)
    assert "test_b.py" in run.output


@both_launchers
def test_a_file_that_dies_is_left_out_where_the_plan_is_not_at_pytests_root(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\n")
    project.write("inner/runner.yaml", "version: 1\ncollect_errors: continue\nphases: [{name: all}]\n")
    project.write("inner/test_broken.py", BROKEN["dies"])
    project.write("inner/test_good.py", "def test_good(): pass\n")
    run = Project(project.root / "inner").run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["inner/test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


def test_a_file_that_dies_is_left_out_where_the_plan_names_it(exec_project: Project) -> None:
    project = exec_project
    project.plan("""
        collect_errors: continue
        select: {paths: [test_broken.py, test_good.py]}
        phases: [{name: all}]
    """)
    project.write("test_broken.py", BROKEN["dies"])
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


def test_a_file_that_dies_is_left_out_of_processes_that_cannot_name_their_files(exec_project: Project) -> None:
    project = exec_project
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write("test_broken.py", BROKEN["dies"])
    project.write("test_[brackets].py", "def test_good(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


@both_launchers
def test_what_the_collection_leaves_running_is_ended(project: Project) -> None:
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write(
        "conftest.py",
        """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        """,
    )
    project.write("test_good.py", "def test_good(): pass\n")
    project.run().check(0)
    project.plan("phases: [{name: all}]")
    project.write("test_broken.py", "syntax error\n")
    project.run().check(1)


def test_files_that_skip_themselves_are_counted_and_no_failure(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import pytest\npytest.skip('not here', allow_module_level=True)\ndef test_a(): pass\n")
    project.write("test_b.py", "import pytest\npytest.importorskip('no_such_module')\ndef test_b(): pass\n")
    project.write("test_c.py", "def test_c(): pass\n")
    run = project.run().check(0)
    assert {skip.id for skip in run.result.collect_skips} == {"test_a.py", "test_b.py"}
    assert len(run.tests) == 1


CONFTESTS = {"dies": "import os\nos._exit(0)\n", "hangs": "while True: pass\n"}


@pytest.mark.parametrize("fault", CONFTESTS)
def test_a_conftest_that_takes_the_collection_down_is_named(project: Project, fault: str) -> None:
    project.plan("collect_timeout: 2s\ndefaults: {grace: 200ms}\nphases: [{name: all}]")
    project.write("conftest.py", CONFTESTS[fault])
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["conftest.py"]
    assert run.result.warnings == ()


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_a_conftest_below_that_dies_is_no_fault_of_the_file_before_it(project: Project, mode: str) -> None:
    project.write("pytest.ini", f"[pytest]\naddopts = --import-mode={mode}\n")
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write("conftest.py", "")
    project.write("a/test_a.py", "def test_a(): pass\n")
    project.write("b/conftest.py", CONFTESTS["dies"])
    project.write("b/test_b.py", "def test_b(): pass\n")
    project.write("c/test_c.py", "def test_c(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["b/conftest.py"]
    assert run.outcomes == {"a/test_a.py::test_a": Outcome.PASSED, "c/test_c.py::test_c": Outcome.PASSED}


def test_a_file_that_dies_after_it_has_imported_a_conftest_is_to_blame_itself(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("helpers/conftest.py", "")
    project.write("test_a.py", "import helpers.conftest, os\nos._exit(0)\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_a.py"]


# Names that pytest itself, or what it stands on, imports late, and would not find.
OF_PYTEST = {"bdb", "cmd", "code", "doctest", "pdb", "unittest", "pprint", "difflib", "xml", "zipfile"}
NAMES = sorted(name for name in sys.stdlib_module_names if not name.startswith("_") and name not in OF_PYTEST)


POLICIES = ["isolation: phase", "isolation: test, workers: 2", "isolation: phase, workers: 2"]


@pytest.mark.parametrize(  # pytest-xdist, which the last one needs in fresh processes, does not survive such helpers
    ("project", "policy"),
    [
        ("exec", POLICIES[0]),
        ("warm", POLICIES[2]),
        *(pytest.param(*each, marks=pytest.mark.thorough) for each in [("exec", POLICIES[1]), ("warm", POLICIES[0])]),
        pytest.param("warm", POLICIES[1], marks=pytest.mark.thorough),
    ],
    indirect=["project"],
)
def test_helpers_may_have_the_names_of_the_standard_library(project: Project, policy: str) -> None:
    project.plan(f"phases: [{{name: all, {policy}, test_timeout: 3s, grace: 1s}}]")
    for name in NAMES:
        project.write(f"tests/{name}.py", f"VALUE = {name!r}\n")
    project.write(
        "tests/test_it.py",
        f"""
        import importlib, sys

        LOADED = [importlib.import_module(name) for name in {NAMES!r} if name not in sys.modules]
        HELPERS = sorted(module.__name__ for module in LOADED if hasattr(module, "VALUE"))

        def test_the_helpers_are_there():
            with open("helpers", "w") as file: file.write(" ".join(HELPERS))

        def test_fails(): assert False

        def test_hangs():
            while True: pass

        def test_leaks_and_dies():
            sys.modules["os"]._exit(3)

        def test_last(): pass
        """,
    )
    plain = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "helpers"],
        cwd=project.root,
        env=surroundings(),
        capture_output=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stdout
    helpers = (project.root / "helpers").read_text().split()
    run = project.run().check(1)
    ours = (project.root / "helpers").read_text().split()
    assert {"ctypes", "pickle", "resource"} & set(helpers) == {"ctypes", "pickle", "resource"} & set(ours)
    assert {id.partition("::test_")[2]: outcome.value for id, outcome in run.outcomes.items()} == {
        "the_helpers_are_there": "passed",
        "fails": "failed",
        "hangs": "timed_out",
        "leaks_and_dies": "crashed",
        "last": "passed",
    }
    assert "fresh pytest processes" not in run.output
    assert "test_it.py:" in run.text("test_hangs")


# --------------------------------------------------------------------- a fresh process collects what was collected

FRESH = pytest.mark.parametrize(
    "policy", [pytest.param("isolation: file", marks=pytest.mark.thorough), "isolation: test, workers: 2"]
)


def outcomes(project: Project, policy: str, code: int = 0) -> dict[str, str]:
    project.plan(f"phases: [{{name: all, {policy}}}]")
    return {id: outcome.value for id, outcome in project.run().check(code).outcomes.items()}


@FRESH
def test_an_option_of_a_conftest_of_a_neighbour_is_known(exec_project: Project, policy: str) -> None:
    project = exec_project
    project.write("pytest.ini", "[pytest]\ntestpaths = api web\naddopts = --stage=dev --strict-markers\n")
    project.write(
        "api/conftest.py",
        """
        def pytest_addoption(parser): parser.addoption("--stage", default="none")
        def pytest_configure(config): config.addinivalue_line("markers", "smoke: quick")
        """,
    )
    project.write("api/test_api.py", "def test_a(request): assert request.config.option.stage == 'dev'\n")
    project.write("web/test_web.py", "import pytest\n@pytest.mark.smoke\ndef test_w(): pass\n")
    assert outcomes(project, policy) == {"api/test_api.py::test_a": "passed", "web/test_web.py::test_w": "passed"}


@FRESH
def test_a_file_that_was_no_test_module_is_not_imported_as_one(exec_project: Project, policy: str) -> None:
    project = exec_project
    project.write(
        "conftest.py",
        """
        import pytest

        class LintFile(pytest.File):
            def collect(self): yield LintItem.from_parent(self, name="LINT")

        class LintItem(pytest.Item):
            def runtest(self): compile(self.path.read_text(), str(self.path), "exec")

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".py" and file_path.name != "conftest.py":
                return LintFile.from_parent(parent, path=file_path)
        """,
    )
    project.write("setup.py", "raise SystemExit('it was imported')\n")
    project.write("test_a.py", "def test_a(): pass\n")
    expected = dict.fromkeys(("setup.py::LINT", "test_a.py::LINT", "test_a.py::test_a"), "passed")
    assert outcomes(project, policy) == expected


@FRESH
def test_a_plugin_that_takes_a_part_of_the_suite_takes_it_once(exec_project: Project, policy: str) -> None:
    """As pytest-split, pytest-shard and whatever counts do."""
    project = exec_project
    project.write("conftest.py", "def pytest_collection_modifyitems(items): items[:] = items[1::2]\n")
    for name in "abc":
        project.write(f"test_{name}.py", "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n")
    assert set(outcomes(project, policy)) == {
        *("test_a.py::test_2", "test_b.py::test_1", "test_b.py::test_3", "test_c.py::test_2")
    }


@FRESH
def test_files_that_a_fresh_process_does_not_need_are_not_imported(exec_project: Project, policy: str) -> None:
    project = exec_project
    project.write("conftest.py", "")
    for name in "ab":
        project.write(
            f"test_{name}.py",
            f"import pathlib\nwith open('imports', 'a') as file: file.write('{name}')\ndef test_x(): pass\n",
        )
    assert len(outcomes(project, policy)) == 2
    assert sorted((project.root / "imports").read_text()) == list("aabb")  # by the collection, and by its own process


@FRESH
def test_items_of_no_file_run(exec_project: Project, policy: str) -> None:
    project = exec_project
    project.write(
        "conftest.py",
        """
        import pytest

        class Free(pytest.Item):
            def runtest(self): pass

        def pytest_collection_modifyitems(session, items):
            items.append(Free.from_parent(session, name="free"))
        """,
    )
    project.write("test_a.py", "def test_a(): pass\n")
    found = outcomes(project, policy)
    assert list(found.values()) == ["passed", "passed"]

"""What is installed works: wheel, sdist, a runner apart from the project, the oldest and the newest pytest."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import SOURCE, Environments, clean_environ

ELSEWHERE = "/nonexistent/somewhere"  # a PYTHONPATH of the user's own


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments.shared(tmp_path_factory.getbasetemp())


def run(*argv: str | Path, cwd: Path = SOURCE, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env=clean_environ(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def summary_of(project: Path) -> dict[str, Any]:
    (path,) = (project / ".async-test-run" / "runs").glob("*/summary.json")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def events_of(project: Path) -> list[dict[str, Any]]:
    (path,) = (project / ".async-test-run" / "runs").glob("*/journal.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# ----------------------------------------------------------------------------------------------- ways to start it


@pytest.mark.processes
@pytest.mark.parametrize(
    "argv", [["-m", "async_test_runner"], [str(SOURCE / "scripts" / "async_test_runner.py")]], ids=["module", "script"]
)
def test_every_way_to_start_the_runner_from_a_checkout_has_the_same_commands(argv: list[str], tmp_path: Path) -> None:
    done = run(sys.executable, *argv, "--help", cwd=tmp_path, PYTHONPATH=str(SOURCE) if argv[0] == "-m" else "")
    assert done.returncode == 0, done.stdout
    for command in ("help", "init", "merge", "plan", "report", "run", "schema"):
        assert f"  {command} " in done.stdout


@pytest.mark.processes
def test_the_script_passes_options_and_exit_codes_through(tmp_path: Path) -> None:
    done = run(sys.executable, SOURCE / "scripts" / "async_test_runner.py", "run", "--no-such-option", cwd=tmp_path)
    assert done.returncode == 2
    assert "--no-such-option" in done.stdout


def test_the_entry_points_of_the_distribution_can_be_loaded() -> None:
    try:
        distribution = importlib.metadata.distribution("async-test-runner")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("this interpreter runs the tests from a checkout that is not installed in it")
    scripts = {entry.name: entry for entry in distribution.entry_points if entry.group == "console_scripts"}
    assert set(scripts) == {"async-test-run", "async-test-runner"}
    assert {entry.value for entry in scripts.values()} == {"async_test_runner.__main__:main"}
    assert callable(scripts["async-test-run"].load())


def test_no_dependency_is_a_plugin_that_pytest_loads_by_itself() -> None:
    """Without the extras: what they bring is the project's choice."""
    plugins = {
        distribution.name
        for distribution in importlib.metadata.distributions()
        if any(entry.group == "pytest11" for entry in distribution.entry_points)
    }
    assert {name.lower() for name in plugins} & required("async-test-runner", set()) == set()


def required(name: str, seen: set[str]) -> set[str]:
    """What a distribution requires without extras, and what that requires: names as they are written there."""
    for requirement in importlib.metadata.requires(name) or ():
        found = re.match(r"[\w.-]+", requirement)
        if found and ";" not in requirement and found[0].lower() not in seen:
            seen.add(found[0].lower())
            required(found[0], seen)
    return seen


# ----------------------------------------------------------------------------------------------- wheel and sdist


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_the_wheel_has_what_runs_inside_pytest_the_schema_and_nothing_else(environments: Environments) -> None:
    with zipfile.ZipFile(environments.wheel()) as wheel:
        names = set(wheel.namelist())
    package = {str(path.relative_to(SOURCE)) for path in (SOURCE / "async_test_runner").rglob("*.py")}
    assert package <= names
    assert {"async_test_runner/plan.schema.json", "async_test_runner/py.typed"} <= names
    pages = "async_test_runner/reports/formats/page/"
    assert {f"{pages}report.js", f"{pages}report.css"} <= names
    assert {"async_test_runner/docs/tutorial.md", "async_test_runner/docs/reference/plan.md"} <= names
    assert "async_test_runner/inside/async_test_run_inside/plugin.py" in names
    assert {name.split("/")[0] for name in names} <= {"async_test_runner"} | {
        name.split("/")[0] for name in names if ".dist-info/" in name
    }
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_the_sdist_has_tests_examples_and_scripts_and_no_caches(environments: Environments) -> None:
    (path,) = environments.built().glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert {
        "runner.yaml",
        "README.md",
        "LICENSE",
        ".pre-commit-hooks.yaml",
        "scripts/test.sh",
        "scripts/run_async_tests.sh",
        "scripts/compare.py",
        "tests/installed/test_packaging.py",
        "runner.release.yaml",
        "examples/fastapi_template/runner.yaml",
        "async_test_runner/inside/async_test_run_inside/plugin.py",
    } <= names
    caches = ("__pycache__", ".async-test-run/", ".pytest_cache", ".venv", ".mypy_cache", ".ruff_cache", ".git/")
    assert not [name for name in names if any(cache in name for cache in caches)]


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_the_installed_console_script_and_the_module_say_the_same_version(environments: Environments) -> None:
    python = environments.runner()
    script = run(python.with_name("async-test-run"), "--version", cwd=python.parent)
    module = run(python, "-m", "async_test_runner", "--version", cwd=python.parent)
    version = environments.wheel().name.split("-")[1]
    assert (script.returncode, script.stdout) == (0, f"async-test-run, version {version}\n")
    assert module.stdout == script.stdout


# ----------------------------------------------------------------------------------- the runner installed elsewhere

APART = """
import importlib.util
import os
import subprocess
import sys

import pytest

INNER = '''
import os, sys

def test_inner():
    assert [name for name in os.environ if name.startswith("ASYNC_TEST_RUN")] == []
    assert os.environ["PYTHONPATH"] == "ELSEWHERE"
    assert [name for name in sys.modules if name.startswith("async_test_run")] == []
'''


@pytest.mark.parametrize("name", ["click", "rich", "msgspec", "yaml", "async_test_runner"])
def test_nothing_of_the_runner_can_be_imported(name):
    assert importlib.util.find_spec(name) is None


def test_the_outer_package_is_not_loaded():
    assert [name for name in sys.modules if name.split(".")[0] == "async_test_runner"] == []


def test_the_environment_is_the_users():
    assert [name for name in os.environ if name.startswith("ASYNC_TEST_RUN")] == []
    assert os.environ["PYTHONPATH"] == "ELSEWHERE"


@pytest.mark.asyncio
async def test_a_coroutine_runs():
    pass


def test_the_interpreter_is_the_projects():
    assert os.path.basename(sys.prefix) == ".venv"


def test_pytest_started_by_a_test_knows_nothing_of_us(tmp_path):
    (tmp_path / "test_inner.py").write_text(INNER)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_fails():
    assert 1 == 2
""".replace("ELSEWHERE", ELSEWHERE)


@pytest.mark.network_index
@pytest.mark.timeout(600)
@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_a_runner_installed_elsewhere_runs_the_projects_own_environment(
    isolation: str, environments: Environments, tmp_path: Path
) -> None:
    project = environments.python(*PYTESTS["oldest"])
    (tmp_path / ".venv").symlink_to(project.parent.parent)
    (tmp_path / "test_apart.py").write_text(APART, encoding="utf-8")
    (tmp_path / "runner.yaml").write_text(
        f"version: 1\nphases:\n  - {{name: all, isolation: {isolation}}}\n", encoding="utf-8"
    )
    done = run(environments.runner().with_name("async-test-run"), cwd=tmp_path, PYTHONPATH=ELSEWHERE)
    summary = summary_of(tmp_path)
    failures = [failure["id"] for failure in summary["failures"]]
    assert failures == ["test_apart.py::test_fails"], done.stdout
    assert (summary["counts"]["tests"], summary["counts"]["passed"]) == (11, 10)
    assert done.returncode == 1


# ----------------------------------------------------------------------------------- beside pytest and nothing else

STRICT = """
    [pytest]
    filterwarnings = error
    addopts = --strict-markers --strict-config -p no:cacheprovider
    """
SYNC = """
    import pytest

    def test_passes(): pass

    @pytest.mark.skip(reason="not here")
    def test_skips(): pass

    @pytest.mark.parametrize("n", [1, 2])
    def test_fails(n): assert n == 2
    """
ASYNC = """
    import pytest

    @pytest.mark.asyncio
    async def test_coroutine(): pass
    """


def write(directory: Path, **files: str) -> None:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_plain_pytest_is_the_same_with_the_runner_beside_it_and_the_runner_runs_there(
    environments: Environments, tmp_path: Path
) -> None:
    named = "# yaml-language-server: $schema=.async-test-run/plan.schema.json\n"
    write(tmp_path, pytest__ini=STRICT, test_a__py=SYNC, runner__yaml=f"{named}version: 1\nphases: [{{name: all}}]\n")
    bare, beside = environments.python("pytest"), environments.runner()
    said = [
        re.sub(r"in [\d.]+s", "", run(python, "-m", "pytest", cwd=tmp_path, PYTHONPATH="").stdout)
        for python in (bare, beside)
    ]
    assert "1 failed, 2 passed, 1 skipped" in said[0]
    assert said[1] == said[0]
    done = run(beside.with_name("async-test-run"), cwd=tmp_path, VIRTUAL_ENV=str(beside.parent.parent))
    assert done.returncode == 1, done.stdout
    assert (tmp_path / ".async-test-run" / "plan.schema.json").exists()
    assert f"PYTHON {beside}: the active environment (VIRTUAL_ENV)" in done.stdout
    assert (
        summary_of(tmp_path)["counts"] | {"tests": 4, "passed": 2, "failed": 1, "skipped": 1}
        == (summary_of(tmp_path)["counts"])
    )


@pytest.mark.network_index
@pytest.mark.timeout(600)
@pytest.mark.parametrize("pytest_of", ["oldest", pytest.param("newest", marks=pytest.mark.thorough)])
def test_coroutines_that_nothing_awaits_fail_and_the_line_to_install_a_plugin_is_said(
    pytest_of: str, environments: Environments, tmp_path: Path
) -> None:
    """Also under a pytest that skips them: a project without a plugin must not be green."""
    python = environments.python(*PYTESTS[pytest_of])
    write(
        tmp_path,
        pytest__ini="[pytest]\naddopts = -p no:asyncio\nmarkers = asyncio\n",
        test_a__py=ASYNC,
        runner__yaml=f"version: 1\ndefaults: {{python: {python}}}\nphases: [{{name: all}}]\n",
    )
    done = run(environments.runner().with_name("async-test-run"), cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert f"the mark asyncio needs pytest-asyncio: {python} -m pip install pytest-asyncio" in done.stdout
    assert summary_of(tmp_path)["counts"]["failed"] == 1


# --------------------------------------------------------------------------------- the oldest and the newest pytest

PYTESTS = {
    "oldest": ("pytest==8.2.*", "pytest-asyncio==0.24.*", "pytest-xdist==3.6.*", "pytest-timeout==2.3.*"),
    "newest": ("pytest", "pytest-asyncio", "pytest-xdist", "pytest-timeout"),
}

PROJECT = {
    "pytest.ini": """
        [pytest]
        addopts = --strict-markers --strict-config
        asyncio_default_fixture_loop_scope = function
        markers =
            slow: takes its time
        """,
    "runner.yaml": """
        version: 1
        select: {paths: [tests], keyword: "not nobody"}
        defaults: {grace: 1s}
        phases:
          - {name: hanging, paths: [tests/test_hanging.py], test_timeout: 1s}
          - {name: dying, paths: [tests/test_dying.py]}
          - {name: flaky, keyword: flaky, isolation: test, retries: 1}
          - {name: async, markers: "asyncio and not slow", isolation: test}
          - {name: parallel, markers: "not asyncio and not slow", workers: 2}
          - {name: rest, isolation: class}
        """,
    "tests/test_outcomes.py": """
        import os
        import pytest

        def test_passes(): pass

        def test_nobody(): pass

        @pytest.mark.parametrize("value", [1, "a b", "ä[", "x::y"])
        def test_parameters(value): pass

        def test_worker():
            assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")
            assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "2"

        def test_fails(): assert 1 == 2

        def test_skips(): pytest.skip("not here")

        @pytest.mark.xfail(reason="known")
        def test_xfails(): assert False

        @pytest.mark.xfail
        def test_xpasses(): pass

        @pytest.mark.xfail(strict=True)
        def test_xpasses_strictly(): pass

        @pytest.fixture
        def broken(): raise RuntimeError("broken")

        def test_errors(broken): pass

        @pytest.fixture
        def late():
            yield
            raise RuntimeError("late")

        def test_teardown_errors(late): pass

        @pytest.mark.slow
        class TestSlow:
            def test_one(self): pass
            def test_two(self): pass
        """,
    "tests/test_async.py": """
        import asyncio
        import pytest

        @pytest.fixture
        def loop_bound(): return asyncio.Event()

        @pytest.mark.asyncio
        async def test_awaits(loop_bound):
            asyncio.get_running_loop().call_soon(loop_bound.set)
            await loop_bound.wait()

        @pytest.mark.asyncio
        async def test_awaits_and_fails(): raise ValueError("no")

        @pytest.mark.slow
        @pytest.mark.asyncio
        async def test_slow(): await asyncio.sleep(0)
        """,
    "tests/test_hanging.py": """
        import asyncio
        import time
        import pytest

        def test_before(): pass

        @pytest.mark.asyncio
        async def test_hangs(): await asyncio.Event().wait()

        def test_sleeps(): time.sleep(600)

        def test_after(): pass
        """,
    "tests/test_dying.py": """
        import os
        import signal

        def test_before(): pass

        def test_exits(): os._exit(7)

        def test_killed(): os.kill(os.getpid(), signal.SIGKILL)

        def test_after(): pass
        """,
    "tests/test_flaky.py": """
        import pathlib

        def test_flaky():
            seen = pathlib.Path(__file__).with_name("seen")
            if not seen.exists():
                seen.touch()
                raise AssertionError("the first time")
        """,
}

OUTCOMES = {
    "tests/test_outcomes.py::test_passes": ("parallel", "passed"),
    "tests/test_outcomes.py::test_parameters[1]": ("parallel", "passed"),
    "tests/test_outcomes.py::test_parameters[a b]": ("parallel", "passed"),
    "tests/test_outcomes.py::test_parameters[\\xe4[]": ("parallel", "passed"),
    "tests/test_outcomes.py::test_parameters[x::y]": ("parallel", "passed"),
    "tests/test_outcomes.py::test_worker": ("parallel", "passed"),
    "tests/test_outcomes.py::test_fails": ("parallel", "failed"),
    "tests/test_outcomes.py::test_skips": ("parallel", "skipped"),
    "tests/test_outcomes.py::test_xfails": ("parallel", "xfailed"),
    "tests/test_outcomes.py::test_xpasses": ("parallel", "xpassed"),
    "tests/test_outcomes.py::test_xpasses_strictly": ("parallel", "failed"),
    "tests/test_outcomes.py::test_errors": ("parallel", "error"),
    "tests/test_outcomes.py::test_teardown_errors": ("parallel", "error"),
    "tests/test_outcomes.py::TestSlow::test_one": ("rest", "passed"),
    "tests/test_outcomes.py::TestSlow::test_two": ("rest", "passed"),
    "tests/test_async.py::test_awaits": ("async", "passed"),
    "tests/test_async.py::test_awaits_and_fails": ("async", "failed"),
    "tests/test_async.py::test_slow": ("rest", "passed"),
    "tests/test_hanging.py::test_before": ("hanging", "passed"),
    "tests/test_hanging.py::test_hangs": ("hanging", "timed_out"),
    "tests/test_hanging.py::test_sleeps": ("hanging", "timed_out"),
    "tests/test_hanging.py::test_after": ("hanging", "passed"),
    "tests/test_dying.py::test_before": ("dying", "passed"),
    "tests/test_dying.py::test_exits": ("dying", "crashed"),
    "tests/test_dying.py::test_killed": ("dying", "crashed"),
    "tests/test_dying.py::test_after": ("dying", "passed"),
    "tests/test_flaky.py::test_flaky": ("flaky", "passed"),
}


def write_project(directory: Path) -> None:
    for name, text in PROJECT.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


class Ran:
    """One run of the project above under one pytest."""

    def __init__(self, project: Path, python: Path, runner: Path) -> None:
        self.project = project
        write_project(project)
        (project / ".venv").symlink_to(python.parent.parent)
        self.runner = runner.with_name("async-test-run")
        self.done = run(self.runner, "run", cwd=project)
        self.summary = summary_of(project)
        self.events = events_of(project)

    def outcomes(self) -> dict[str, tuple[str, str]]:
        found = {}
        for event in self.events:
            if event["kind"] == "test_finished":
                found[event["id"]] = (event["phase"], event["outcome"])
        return found


# The newest pytest is that of the environment in which these tests run: only a release installs it once more.
@pytest.fixture(scope="module", params=["oldest", pytest.param("newest", marks=pytest.mark.thorough)])
def ran(request: pytest.FixtureRequest, environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    python = environments.python(*PYTESTS[request.param])
    return Ran(tmp_path_factory.mktemp(request.param), python, environments.runner())


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_every_outcome_in_every_kind_of_phase(ran: Ran) -> None:
    assert ran.outcomes() == OUTCOMES, ran.done.stdout
    assert ran.done.returncode == 1


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_the_collection_knows_its_pytest_and_what_was_left_out(ran: Ran) -> None:
    version = run(ran.project / ".venv" / "bin" / "python", "-c", "import pytest; print(pytest.__version__)").stdout
    (collected,) = [event for event in ran.events if event["kind"] == "collected"]
    assert collected["facts"]["version"] == version.strip()
    assert any(plugin.startswith("pytest-xdist-3.") for plugin in collected["facts"]["plugins"])
    assert collected["facts"]["inipath"].endswith("pytest.ini")
    assert sum(left["count"] for left in ran.summary["left_out"]) == 1
    assert ran.summary["counts"]["tests"] == len(OUTCOMES)
    assert ran.summary["violations"] == []


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_hung_coroutine_names_the_deadline(ran: Ran) -> None:
    (failure,) = [failure for failure in ran.summary["failures"] if failure["id"].endswith("test_hangs")]
    assert "1s" in failure["message"]


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_retried_test_is_called_flaky(ran: Ran) -> None:
    assert [test["id"] for test in ran.summary["flaky"]] == ["tests/test_flaky.py::test_flaky"]


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_an_expression_that_pytest_refuses_is_a_usage_error(ran: Ran, tmp_path: Path) -> None:
    done = run(ran.runner, "run", "-m", "asyncio and and", "--run-dir", tmp_path, cwd=ran.project)
    assert done.returncode == 2, done.stdout


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_expressions_of_the_command_line_narrow_the_run(ran: Ran, tmp_path: Path) -> None:
    keyword = "TestSlow or (async and not fails)"
    done = run(ran.runner, "run", "rest", "-k", keyword, "--run-dir", tmp_path, cwd=ran.project)
    (path,) = tmp_path.glob("runs/*/summary.json")
    counts = json.loads(path.read_text(encoding="utf-8"))["counts"]
    assert (done.returncode, counts["passed"], counts["tests"]) == (0, 3, 3), done.stdout

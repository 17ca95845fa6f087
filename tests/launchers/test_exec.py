"""The command line and the environment of a job, without starting it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.contract.settings import settings_of
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.launchers.exec import ExecLauncher, has_xdist, rootdir_arguments
from async_test_runner.launchers.pytest_process import ignoring
from async_test_runner.model.inventory import UNKNOWN_SOURCE, CollectedTest, PytestFacts
from async_test_runner.model.plan import Phase

XDIST = PytestFacts(plugins=("pytest-cov-7.1.0", "pytest-xdist-3.8.0"))


def job(*files: str, **facts: Any) -> Job:
    phase = facts.pop("phase", Phase(name="p"))
    tests = tuple(CollectedTest(f"{file}::t", file, 1) for file in files or ("a.py",))
    return Job(**{"process": "p/0001", "phase": phase, "tests": tests, "attempt": 1, "slot": 0, **facts})


def launcher(root: Path, **facts: Any) -> ExecLauncher:
    values = {
        "root": root,
        "run_dir": root / "run",
        "run_id": "r",
        "facts": PytestFacts(rootdir=str(root)),
        "paths": ("collected",),
        "environ": {"PATH": "/bin"},
    }
    around = Surroundings(**{**values, **facts})
    return ExecLauncher(around, python=lambda wanted: sys.executable, wake=lambda: None)


def argv(root: Path, job: Job, **facts: Any) -> list[str]:
    return launcher(root, **facts)._argv(job, root / "directory")


def test_the_runner_has_the_last_word_on_what_it_decides(tmp_path: Path) -> None:
    phase = Phase(name="p", pytest_args=("-p", "no:cacheprovider"))
    (tmp_path / "a.py").touch()
    said = argv(tmp_path, job(phase=phase, maxfail=3), arguments=("--maxfail=9", "-n", "7"), facts=XDIST)
    assert said[:5] == ["-p", "no:cacheprovider", "--maxfail=9", "-n", "7"]
    assert said.index("--maxfail=3") > said.index("--maxfail=9")
    assert said[said.index("--maxfail=3") + 1 :] == ["-n", "0", "collected"]
    assert "--junitxml=" in said


def test_pytest_writes_an_xml_where_the_project_asks_for_one_but_not_to_its_place(tmp_path: Path) -> None:
    asked = PytestFacts(junit_xml="reports/own.xml")
    assert f"--junitxml={tmp_path / 'directory' / 'junit.xml'}" in argv(tmp_path, job(), facts=asked)


def test_pytest_writes_no_xml_about_file_names_that_break_its_writer(tmp_path: Path) -> None:
    asked = PytestFacts(junit_xml="reports/own.xml")
    assert "--junitxml=" in argv(tmp_path, job("a.py", "test_\\udcff.py"), facts=asked)
    assert f"--junitxml={tmp_path / 'directory' / 'junit.xml'}" in argv(tmp_path, job("test_ü.py"), facts=asked)


@pytest.mark.parametrize(
    ("plugins", "workers", "expected"),
    [
        (("pytest-cov-7.1.0", "pytest-xdist-3.8.0"), 1, ["-n", "0"]),
        (("pytest-xdist-3.8.0",), 3, ["-n", "3", "--max-worker-restart=0"]),
        (("pytest-cov-7.1.0",), 1, []),
    ],
)
def test_workers_come_from_xdist_where_it_is(
    tmp_path: Path, plugins: tuple[str, ...], workers: int, expected: list[str]
) -> None:
    facts = PytestFacts(plugins=plugins)
    assert has_xdist(facts) == bool(expected)
    assert launcher(tmp_path, facts=facts)._distribution(job(workers=workers)) == expected


def test_a_job_has_the_arguments_of_the_collection(tmp_path: Path) -> None:
    assert argv(tmp_path, job("a.py", "b c.py"))[-1] == "collected"


@pytest.mark.parametrize(
    ("sources", "paths", "files"),
    [
        (("", "", "specs/b.yaml"), ("tests",), ("test_a.py", "specs/b.yaml")),
        (("", UNKNOWN_SOURCE), ("tests",), ()),
        (("",), ("tests/test_a.py::test_a",), ()),
    ],
)
def test_a_session_imports_the_files_of_its_tests_where_they_are_known(
    tmp_path: Path, sources: tuple[str, ...], paths: tuple[str, ...], files: tuple[str, ...]
) -> None:
    tests = tuple(CollectedTest(f"test_a.py::{n}", "test_a.py", 1, source=source) for n, source in enumerate(sources))
    around = msgspec.structs.replace(launcher(tmp_path)._around, paths=paths)
    assert settings_of(msgspec.structs.replace(job(), tests=tests), around, 1).files == files


def test_files_that_took_the_collection_down_are_left_out_of_every_job(tmp_path: Path) -> None:
    without = ("/p/test_dies.py", "/p/sub/conftest.py")
    it = launcher(tmp_path, without=without)
    assert settings_of(job(), it._around, 1).without == without
    assert ignoring(without) == ["--ignore=/p/sub"]
    assert "--ignore=/p/sub" in it._argv(job(), tmp_path)


def test_the_environment_of_a_process_has_its_slot(tmp_path: Path) -> None:
    phase = Phase(name="p", env=(("WHERE", "{phase} {slot} {worker} {{}}"), ("PATH", "/mine"), ("DIR", "{run_dir}")))
    env = launcher(tmp_path)._env(job(phase=phase, slot=3))
    assert env == {"PATH": "/mine", "WHERE": "p 3 gw3 {}", "DIR": str(tmp_path / "run")}


def test_processes_side_by_side_look_like_workers_of_xdist(tmp_path: Path) -> None:
    env = launcher(tmp_path)._env(job(phase=Phase(name="p", workers=4), slot=2, parallel=True))
    assert (env["PYTEST_XDIST_WORKER"], env["PYTEST_XDIST_WORKER_COUNT"]) == ("gw2", "4")
    assert env["PYTEST_XDIST_TESTRUNUID"] == "r"


def test_each_worker_of_a_job_has_a_slot_of_its_own(tmp_path: Path) -> None:
    phase = Phase(name="p", env=(("DB", "db-{slot}-{worker}"),))
    settings = settings_of(job(phase=phase, slot=0, workers=2), launcher(tmp_path)._around, 1)
    assert settings.worker_env == {"gw0": {"DB": "db-0-gw0"}, "gw1": {"DB": "db-1-gw1"}}


def test_later_processes_see_the_root_and_the_configuration_of_the_collection() -> None:
    assert rootdir_arguments(PytestFacts()) == []
    assert rootdir_arguments(PytestFacts(rootdir="/r", inipath="/r/pytest.ini")) == [
        "--rootdir=/r",
        "-c",
        "/r/pytest.ini",
    ]

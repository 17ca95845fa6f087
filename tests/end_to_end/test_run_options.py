"""Options of pytest that hold for a run, whatever processes it takes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.support.projects import Project, both_launchers

pytestmark = pytest.mark.processes

TWO_FILES = pytest.mark.parametrize("isolation", ["test", pytest.param("phase", marks=pytest.mark.thorough)])


def meeting(number: int) -> str:
    """A test that needs its temporary files still to be there when the other one has begun."""
    return f"""
        import time
        def test_it(tmp_path, tmp_path_factory):
            (tmp_path / "own").write_text("x")
            open("begun-{number}", "w").close()
            while not __import__("os").path.exists("begun-{1 - number}"): time.sleep(0.01)
            tmp_path_factory.mktemp("another")
            assert (tmp_path / "own").read_text() == "x"
    """


@both_launchers
@TWO_FILES
def test_processes_share_the_directory_of_basetemp_and_take_nothing_from_each_other(
    project: Project, isolation: str
) -> None:
    project.plan(f"phases: [{{name: all, isolation: {isolation}, workers: 2}}]")
    project.write("pytest.ini", "[pytest]\naddopts = --basetemp=base -p xdist --dist=loadfile\n")
    for number in (0, 1):
        project.write(f"test_{number}.py", meeting(number))
    project.write("base/old.txt", "of the run before")
    project.run().check(0)
    base = project.root / "base"
    assert not (base / "old.txt").exists()
    assert len(list(base.glob("all-000*/**/test_it0/own"))) == 2


@both_launchers
def test_the_log_file_and_the_xml_are_those_of_the_run(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    project.write(
        "pytest.ini",
        """
        [pytest]
        junit_suite_name = shop
        log_file = run.log
        log_level = INFO
        addopts = --junit-prefix=py3 --junitxml=own.xml
        """,
    )
    project.write("run.log", "of the run before\n")
    project.write(
        "test_a.py",
        """
        import logging
        def test_adds(record_testsuite_property):
            logging.info("said by 0")
            record_testsuite_property("build", "42")
        def test_other(): logging.info("said by 1")
        """,
    )
    run = project.run()
    assert run.code == 0, run.output
    assert run.run is not None
    lines = (project.root / "run.log").read_text().splitlines()
    assert [line.rpartition("said by ")[2] for line in lines] == ["0", "1"]
    for path in (project.root / "own.xml", run.run / "junit.xml"):
        suite = ElementTree.parse(path).getroot()[0]
        assert suite.get("name") == "shop"
        assert {case.get("classname") for case in suite.iter("testcase")} == {"py3.test_a"}
        assert suite.find("properties/property[@name='build']") is not None


@pytest.mark.parametrize(
    "phase",
    [
        "isolation: test, workers: 2",
        pytest.param("isolation: phase", marks=pytest.mark.thorough),
        pytest.param("isolation: phase, workers: 2, launcher: exec", marks=pytest.mark.thorough),
        pytest.param("isolation: file, launcher: exec", marks=pytest.mark.thorough),
    ],
)
def test_warnings_come_with_their_count_and_tests_however_tests_run(project: Project, phase: str) -> None:
    project.plan(f"phases: [{{name: all, {phase}}}]")
    project.write("test_a.py", "import warnings\nwarnings.warn('at import')\nfrom test_b import *\n")
    project.write("test_b.py", "\n".join(f"def test_{n}(): __import__('app').old()" for n in range(3)))
    project.write("app.py", "import warnings\ndef old(): warnings.warn('an old way', DeprecationWarning)\n")
    run = project.run().check(0)
    found = {warning.text: warning for warning in run.result.suite_warnings}
    assert set(found) == {"at import", "an old way"}
    assert (found["at import"].count, found["at import"].where) == (1, "test_a.py:2")
    old = found["an old way"]
    assert (old.count, old.where, old.category) == (6, "app.py:2", "DeprecationWarning")
    assert sorted(old.tests) == [f"test_{file}.py::test_{n}" for file in "ab" for n in range(3)]


def test_warnings_are_judged_for_the_whole_run(project: Project) -> None:
    if int(pytest.__version__.partition(".")[0]) < 9:
        pytest.skip("this pytest has no --max-warnings")
    project.plan("phases: [{name: all, isolation: test}]")
    project.write("pytest.ini", "[pytest]\naddopts = --max-warnings=1\n")
    project.write("test_a.py", "\n".join(f"def test_{n}(): __import__('warnings').warn('old {n}')" for n in range(2)))
    run = project.run().check(1)
    assert run.problems == ["2 warnings, more than --max-warnings allows (1)"]


@pytest.mark.parametrize("arguments", [("-v",), ("--", "-vv")])
def test_the_whole_diff_of_pytest_is_there_for_who_asks(project: Project, arguments: tuple[str, ...]) -> None:
    """``CI`` is empty: pytest shortens nothing where it is set."""
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): assert list(range(40)) == [*range(39), 'other']\n")
    whole = project.run(*arguments, CI="").check(1).text("test_a")
    assert "more diff" not in whole
    assert "Full output truncated" not in whole
    assert "'other'" in whole


def test_what_tests_print_without_a_capture_is_said_to_be_in_the_logs(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("pytest.ini", "[pytest]\naddopts = -s -rs --durations=1\n")
    project.write(
        "test_a.py",
        """
        import time, pytest
        def test_prints(): print("said aloud"); time.sleep(0.05)
        def test_slow(): time.sleep(0.06)
        def test_skips(): pytest.skip("no network")
        """,
    )
    run = project.run().check(0)
    assert run.run is not None
    assert "-s in pytest's configuration sends what tests print to output.log" in run.output
    assert "said aloud" in (run.run / "processes" / "all" / "0001" / "output.log").read_text()
    assert "skipped tests\n  1 test: no network\n" in run.output
    assert run.output.partition("slowest tests")[2].count("test_a.py::") == 2  # the slowest, and the one that skipped


def test_old_runs_make_room(project: Project) -> None:
    project.plan("keep_runs: 1\nphases: [{name: all}]")
    project.write("test_a.py", "def test_a(): pass\n")
    first, second = project.run().check(0), project.run().check(0)
    assert first.run is not None
    assert second.run is not None
    assert (first.run.exists(), second.run.exists()) == (False, True)

"""Plugins and reporters of the user: whatever runs in workers, they hear one ordinary session a phase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.processes

WAYS = {
    "in the session": "{name: all}",
    "two workers": "{name: all, workers: 2}",
    "a process per test": "{name: all, isolation: test, workers: 2}",
}


@pytest.fixture(params=WAYS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    project = Project(tmp_path, "warm")
    project.plan(f"phases: [{WAYS[request.param]}]")
    return project


@pytest.fixture
def divided(tmp_path: Path) -> Project:
    project = Project(tmp_path, "warm")
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    return project


REPORTER = """
    import json, pathlib, pytest

    HEARD = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item):
        report = yield
        report.said = "by a plugin"
        report.item = item  # cannot be sent anywhere
        return report

    def pytest_runtest_logstart(nodeid): HEARD.append(["start", nodeid.partition("::")[2]])
    def pytest_runtest_logfinish(nodeid): HEARD.append(["finish", nodeid.partition("::")[2]])

    def pytest_runtest_logreport(report):
        name = report.nodeid.partition("::")[2]
        HEARD.append(["report", name, report.when, report.outcome, report.said, report.longreprtext,
                      report.sections, report.user_properties])

    def pytest_warning_recorded(warning_message, when, nodeid):
        HEARD.append(["warning", nodeid.partition("::")[2], when,
                      warning_message.category.__name__, str(warning_message.message)])

    def pytest_sessionfinish(session, exitstatus):
        if session.testscollected and HEARD:
            with (pathlib.Path(__file__).parent / "heard.jsonl").open("a") as file:
                file.write(json.dumps(HEARD) + "\\n")

    def pytest_terminal_summary(terminalreporter):
        with (pathlib.Path(__file__).parent / "summaries.txt").open("a") as file:
            file.write(f"{len(terminalreporter.stats.get('warnings', []))} warnings\\n")
    """

TESTS = """
    import sys, warnings, pytest

    class Own(UserWarning): pass

    def test_passes(record_property):
        record_property("key", ("a", 1))
        print("out of it")

    def test_fails():
        print("before")
        sys.stderr.write("error")
        try:
            {}["inner"]
        except KeyError as error:
            raise ValueError("outer") from error

    def test_fails_in_a_group():
        raise ExceptionGroup("several", [ValueError("one"), ExceptionGroup("more", [TypeError("two")])])

    def test_warns(): warnings.warn(Own("of its own class"))
    def test_warns_too(): warnings.warn("plain", DeprecationWarning)

    @pytest.mark.parametrize("number", [1, 2])
    def test_skips(number): pytest.skip(f"because of {number}")

    @pytest.mark.xfail(reason="known")
    def test_xfails(): assert 0

    @pytest.fixture
    def broken():
        yield
        raise OSError("teardown")

    def test_fails_at_its_end(broken): pass
    """


def heard_by_plain_pytest(project: Project) -> list[Any]:
    """What the same reporter hears of one ordinary session, as texts that can be sorted."""
    import subprocess
    import sys

    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
    subprocess.run(argv, cwd=project.root, capture_output=True, timeout=90, check=False)
    return heard(project)


def heard(project: Project) -> list[Any]:
    path = project.root / "heard.jsonl"
    (line,) = path.read_text().splitlines()
    path.unlink()
    return sorted(json.loads(line), key=json.dumps)


def test_a_reporter_hears_of_workers_what_it_hears_of_an_ordinary_session(project: Project) -> None:
    project.write("conftest.py", REPORTER)
    project.write("test_a.py", TESTS)
    expected = heard_by_plain_pytest(project)
    (project.root / "summaries.txt").unlink()
    run = project.run().check(1)
    assert heard(project) == expected  # no warning of an XML that nobody has asked for, among others
    assert sorted((project.root / "summaries.txt").read_text().split("\n")) == ["", "2 warnings"]
    log = next((run.run or Path()).glob("processes/all/*/output.log")).read_text()
    assert log.count("Own: of its own class") == 1


def test_properties_that_only_the_worker_knows_are_text_or_stand_ins(divided: Project) -> None:
    divided.write(
        "conftest.py",
        """
        import pathlib
        def pytest_runtest_logreport(report):
            if report.when == "teardown":
                with open("seen.txt", "a") as file:
                    file.write(f"{type(report.user_properties[0][1]).__name__}\\n")
        """,
    )
    divided.write(
        "test_a.py",
        """
        import sys, types
        def test_local_class(record_property):
            class Local: pass
            record_property("value", Local())
        def test_class_of_a_module_that_is_not_there(record_property):
            module = types.ModuleType("made_up")
            exec("class Made:\\n    def __str__(self): return 'made up'", module.__dict__)
            sys.modules["made_up"] = module
            record_property("value", module.Made())
        """,
    )
    run = divided.run().check(0)
    assert sorted((divided.root / "seen.txt").read_text().split()) == ["Made", "str"]
    (test,) = [test for id, test in run.tests.items() if id.endswith("not_there")]
    assert ("value", "made up") in test.attempts[-1].properties


def test_additions_to_pytests_xml_arrive_once_from_all_workers(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\njunit_family = xunit1\n")
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.fixture(scope="session", autouse=True)
        def version(record_testsuite_property): record_testsuite_property("version", "<7>")
        @pytest.mark.filterwarnings("ignore")
        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_adds(number, record_xml_attribute): record_xml_attribute("rank", number)
        """,
    )
    run = project.run().check(0)
    root = ElementTree.parse((run.run or Path()) / "phases" / "all.xml").getroot()
    assert [dict(found.attrib) for found in root.iter("property")] == [{"name": "version", "value": "<7>"}]
    assert sorted(case.get("rank", "") for case in root.iter("testcase")) == ["1", "2", "3"]


def test_subtests_arrive_as_they_are(divided: Project) -> None:
    pytest.importorskip("_pytest.subtests", reason="built into pytest 9")
    divided.write(
        "test_a.py",
        """
        def test_several(subtests):
            for number in range(3):
                with subtests.test("part", number=number): assert number != 1
        """,
    )
    divided.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            context = getattr(report, "context", None)
            if context is not None:
                with open("seen.txt", "a") as file:
                    file.write(f"{context.msg} {dict(context.kwargs)} {report.outcome}\\n")
        """,
    )
    divided.run().check(1)
    assert (divided.root / "seen.txt").read_text().splitlines() == [
        "part {'number': '0'} passed",
        "part {'number': '1'} failed",
        "part {'number': '2'} passed",
    ]


def test_what_plugins_of_workers_hand_over_reaches_the_session_as_under_xdist(divided: Project) -> None:
    divided.write(
        "conftest.py",
        """
        import pytest
        NUMBERS = []
        def pytest_runtest_call(item): NUMBERS.append(item.name)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                session.config.workeroutput["numbers"] = NUMBERS
                session.config.workeroutput["lambda"] = lambda: 0
        @pytest.hookimpl(optionalhook=True)
        def pytest_testnodedown(node, error):
            with open("down.txt", "a") as file:
                file.write(f"{node.gateway.id} {getattr(node, 'workeroutput', {}).get('numbers')} {error}\\n")
        """,
    )
    divided.write("pytest.ini", "[pytest]\naddopts = -p counts_on_xdist\npythonpath = .\n")
    divided.write(
        "counts_on_xdist.py",
        """
        import pytest
        @pytest.hookimpl(optionalhook=True)
        def pytest_testnodedown(node): node.workeroutput["what it has put there at the worker's start"]
        """,
    )
    divided.write("test_a.py", "import os\ndef test_one(): pass\ndef test_dies(): os._exit(7)\n")
    divided.run().check(1)
    assert sorted(line.partition(" ")[2] for line in (divided.root / "down.txt").read_text().splitlines()) == [
        "None its process exited with 7",
        "['test_one'] None",
    ]


def test_coverage_of_all_workers_is_combined_and_the_plugin_not_taken_for_a_distributing_one(divided: Project) -> None:
    pytest.importorskip("pytest_cov")
    divided.plan("phases: [{name: a, tests: ['*::test_1', '*::test_2'], isolation: test, workers: 2}, {name: b}]")
    divided.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov --cov=lib --cov-report=xml:cov.xml\n")
    divided.write(
        "lib.py", "def f(n):\n    if n == 1:\n        return 1\n    if n == 2:\n        return 2\n    return 3\n"
    )
    divided.write(
        "test_a.py", "import lib\n" + "\n".join(f"def test_{n}(): assert lib.f({n}) == {n}" for n in (1, 2, 3))
    )
    divided.run().check(0)
    assert ElementTree.parse(divided.root / "cov.xml").getroot().get("line-rate") == "1"


@pytest.mark.parametrize("phase", ["{name: all}", "{name: all, workers: 2}"])
def test_a_process_that_is_killed_has_left_the_coverage_of_the_tests_before(tmp_path: Path, phase: str) -> None:
    pytest.importorskip("pytest_cov")
    project = Project(tmp_path, "warm")
    project.plan(f"phases: [{phase}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov --cov=lib --cov-report=xml:cov.xml\n")
    project.write("lib.py", "def f():\n    return 1\n")
    project.write(
        "test_a.py",
        """
        import os, time, pytest
        @pytest.fixture(scope="module", autouse=True)
        def together(): pass
        def test_1(): import lib; lib.f(); time.sleep(0.6)
        def test_2(): os.kill(os.getpid(), 9)
        """,
    )
    project.run().check(1)
    assert ElementTree.parse(project.root / "cov.xml").getroot().get("line-rate") == "1"


def test_a_report_is_not_replaced_by_one_of_the_process_that_has_collected(divided: Project) -> None:
    divided.write(
        "conftest.py",
        """
        import pathlib
        HEARD = []
        def pytest_sessionstart(): HEARD.clear()
        def pytest_runtest_logreport(report): HEARD.append(report.when)
        def pytest_sessionfinish(): pathlib.Path("report.txt").write_text(f"{len(HEARD)}")
        """,
    )
    divided.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    divided.run().check(0)
    assert (divided.root / "report.txt").read_text() == "6"


def test_what_a_session_has_started_is_ended_once_after_all_phases(divided: Project) -> None:
    divided.plan("phases: [{name: a, tests: ['*[0]', '*[1]']}, {name: b, isolation: test, workers: 2}]")
    divided.write(
        "conftest.py",
        """
        import os, pathlib
        def pytest_sessionstart(): pathlib.Path("server").touch()
        def pytest_sessionfinish(session):
            pathlib.Path("server").unlink()
        """,
    )
    divided.write(
        "test_a.py",
        """
        import pathlib, pytest
        @pytest.mark.parametrize("number", range(4))
        def test_the_server_is_there(number): assert pathlib.Path("server").exists()
        """,
    )
    divided.run().check(0)
    assert not (divided.root / "server").exists()


# ------------------------------------------------------------------------------------------------ workers by number


DATABASES = """
    import os, sqlite3
    import pytest

    @pytest.fixture(scope="session")
    def database(worker_id, testrun_uid):  # as pytest-django names them
        name = f"test_{worker_id}.db" if worker_id != "master" else "test.db"
        assert not os.path.exists(name), "two processes at a time share a number"
        connection = sqlite3.connect(name)
        connection.execute("create table numbers (number integer)")
        yield connection, worker_id, testrun_uid
        connection.close()
        os.remove(name)

    @pytest.mark.parametrize("number", range(8))
    def test_number(database, number):
        connection, worker, uid = database
        connection.execute("insert into numbers values (?)", (number,))
        with open("seen.txt", "a") as file:
            file.write(f"{worker} {os.environ.get('PYTEST_XDIST_WORKER', 'master')} {uid}\\n")
    """


@pytest.mark.parametrize(
    ("addopts", "launcher", "phase", "workers"),
    [
        ("", "warm", "{name: all}", {"master"}),
        ("", "warm", "{name: all, workers: 2}", {"gw0", "gw1"}),
        ("-p xdist", "warm", "{name: all, isolation: test, workers: 2}", {"gw0", "gw1"}),
        ("-p xdist", "exec", "{name: all, isolation: test, workers: 2}", {"gw0", "gw1"}),
    ],
)
def test_a_database_per_worker_is_nobody_elses(
    tmp_path: Path, addopts: str, launcher: str, phase: str, workers: set[str]
) -> None:
    project = Project(tmp_path, launcher)
    project.plan(f"phases: [{phase}]")
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\nfilterwarnings = error\n")
    project.write("test_a.py", DATABASES)
    run = project.run().check(0)
    rows = [line.split() for line in (tmp_path / "seen.txt").read_text().splitlines()]
    assert len(rows) == 8
    assert {row[0] for row in rows} == {row[1] for row in rows} == workers
    assert {row[2] for row in rows} == {(run.run or Path()).name}


def test_a_fixture_of_the_project_goes_before_ours(divided: Project) -> None:
    divided.write("conftest.py", "import pytest\n@pytest.fixture\ndef worker_id(): return 'mine'\n")
    divided.write("test_a.py", "def test_a(worker_id): assert worker_id == 'mine'\n")
    divided.run().check(0)

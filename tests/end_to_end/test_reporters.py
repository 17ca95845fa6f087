"""Reporters of the user: whatever runs in workers, they hear one ordinary session a phase."""

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
    project.write("pytest.ini", "[pytest]\njunit_family = xunit1\naddopts = --junitxml=own.xml\n")
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

"""The JUnit XML that pytest itself writes for a phase, where a project or a test asks for one."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.processes


@pytest.fixture
def warm(tmp_path: Path) -> Project:
    return Project(tmp_path, "warm")


_ONE_OF_EACH = """
    import os, pytest
    def test_passes(record_property): record_property("kept", "yes")
    def test_fails(): print("said"); assert 0
    def test_dies(): os._exit(3)
    @pytest.mark.xfail
    def test_xfails(): assert 0
    def test_skips(): pytest.skip("because")
    """


def cases_of(path: Path) -> dict[str, list[str]]:
    root = ElementTree.parse(path).getroot()
    found = {str(case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}
    return {name: [tag for tag in tags if tag != "properties"] for name, tags in found.items()}


def test_the_xml_that_a_project_asks_pytest_for_is_one_session_whatever_ran_in_its_workers(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test, workers: 2}]")
    warm.write("pytest.ini", "[pytest]\naddopts = --junitxml=own.xml\n")
    warm.write("test_a.py", _ONE_OF_EACH)
    run = warm.run().check(1)
    assert run.run is not None
    assert ElementTree.parse(run.run / "phases" / "all.xml").find("./testsuite").get("name") == "pytest"  # type: ignore[union-attr]
    assert cases_of(run.run / "phases" / "all.xml") == {
        "test_passes": [],
        "test_fails": ["failure"],
        "test_dies": ["failure"],
        "test_xfails": ["skipped"],
        "test_skips": ["skipped"],
    }


def test_the_xml_of_a_phase_is_the_runners_where_nobody_asks_pytest_for_one(warm: Project) -> None:
    warm.plan("phases: [{name: one, isolation: test, tests: ['*::test_passes', '*::test_dies']}, {name: two}]")
    warm.write("test_a.py", _ONE_OF_EACH)
    run = warm.run().check(1)
    assert run.run is not None
    assert cases_of(run.run / "phases" / "one.xml") == {"test_passes": [], "test_dies": ["error"]}
    assert set(cases_of(run.run / "phases" / "two.xml")) == {"test_fails", "test_xfails", "test_skips"}
    assert list((run.run / "processes").glob("*/*/junit.xml")) == []


@pytest.mark.parametrize(
    ("launcher", "policy"),
    [
        ("warm", "workers: 1"),
        ("warm", "isolation: test, workers: 2"),
        pytest.param("exec", "isolation: test", marks=pytest.mark.thorough),
        ("exec", "workers: 2"),  # pytest's fixtures do nothing in workers of pytest-xdist
    ],
)
def test_what_tests_add_to_pytests_xml_is_in_the_merged_one(tmp_path: Path, launcher: str, policy: str) -> None:
    project = Project(tmp_path, launcher)
    project.plan(f"phases: [{{name: all, {policy}}}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.write(
        "test_a.py",
        """
        def test_adds(record_testsuite_property, record_xml_attribute):
            record_testsuite_property("version", "7")
            record_xml_attribute("assertions", 3)
        def test_other(): pass
        """,
    )
    run = project.run().check(0)
    assert run.run is not None
    for path in (run.run / "junit.xml", run.run / "phases" / "all.xml"):
        root = ElementTree.parse(path).getroot()
        assert [found.get("value") for found in root.iterfind("testsuite/properties/property[@name='version']")] == [
            "7"
        ]
        assert [(case.get("name"), case.get("assertions")) for case in root.iter("testcase")] == [
            ("test_adds", "3"),
            ("test_other", None),
        ]

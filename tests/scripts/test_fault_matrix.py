"""What the comparison with other runners counts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fault_matrix.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fault_matrix", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fault_matrix"] = module
    spec.loader.exec_module(module)
    return module


matrix = load()
RED = matrix.Fault(name="f", why="w", expect={"test_a": "passed", "test_b[a::b]": "failed", "d/x.py::test_c": "passed"})


@pytest.mark.parametrize(
    ("status", "names", "orphans", "shown"),
    [
        (1, {"test_a", "test_b[a::b]", "test_c"}, 0, "–"),
        (0, {"test_a", "test_b[a::b]", "test_c"}, 0, "**false green**"),
        (0, set(), 0, "**false green**, 3 lost"),
        (None, {"test_a"}, 2, "2 lost, hangs, 2 orphans"),
        (1, {"test_a", "test_b[a::b]", "test_c", "more"}, 1, "1 orphan"),
    ],
)
def test_what_counts_against_a_runner(status: int | None, names: set[str], orphans: int, shown: str) -> None:
    assert matrix.judge(RED, status, names, orphans).shown == shown


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_whose_tests_are_green_may_end_with_0(code: int) -> None:
    green = matrix.Fault(name="g", why="w", expect={"test_a": "passed"}, code=code)
    assert matrix.judge(green, 0, {"test_a"}, 0).shown == "–"


def test_what_is_red_under_one_isolation_only_may_be_green_elsewhere() -> None:
    fault = matrix.Fault(name="g", why="w", expect={"a": "failed"}, where={"exec test": {"expect": {"a": "passed"}}})
    assert not matrix.must_be_red(fault)
    assert matrix.must_be_red(RED)


def test_a_file_that_cannot_be_collected_must_not_be_green() -> None:
    broken = matrix.Fault(name="g", why="w", expect={"test_a": "passed"}, collect_errors=("b.py",))
    assert matrix.judge(broken, 0, {"test_a"}, 0).false_green


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite><testcase name='a'/>"])
def test_xml_that_is_missing_or_broken_reports_nothing(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    if text is not None:
        path.write_text(text)
    assert matrix.reported(path) == set()


def test_the_summary_counts_faults_not_tests() -> None:
    good, bad = matrix.Verdict(1, 0, 0, False), matrix.Verdict(None, 3, 2, False)
    names = (matrix.OURS, *(peer.name for peer in matrix.PEERS))
    rows = {"f": dict.fromkeys(names, good), "g": dict.fromkeys(names, bad)}
    assert "| pytest | 0 | 1 | 1 | 1 |" in list(matrix.summary(rows))


def test_the_table_replaces_what_stands_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{matrix.BEGIN}\nold\n{matrix.END}\nafter\n")
    matrix.put("new", path)
    assert path.read_text() == f"before\n{matrix.BEGIN}\n\nnew\n\n{matrix.END}\nafter\n"
    assert matrix.BEGIN in matrix.README.read_text(encoding="utf-8")


def test_every_fault_that_another_runner_can_be_given_is_in_it() -> None:
    names = {fault.name for fault in matrix.faults(())}
    assert {"exit_0", "hang_on_await", "sigterm", "conftest_raises"} <= names
    assert not names & {"plan_empty", "many_tests", "disk_full"}
    assert [fault.name for fault in matrix.faults(["exit_0"])] == ["exit_0"]

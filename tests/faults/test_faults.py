"""The fault matrix: each fault of the catalogue on the real command line, under both launchers, and three isolations.

The repository's plan runs each fault in one combination. The mark `thorough` is on all others, which `.ci/release`
runs: ``pytest tests/faults -m thorough``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.fault import Fault
from tests.faults.faults_catalogue import FAULTS, chosen
from tests.support.fork_server import ForkServer
from tests.support.projects import Finished, Project

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def cases() -> list[object]:
    found: list[object] = []
    for number, fault in enumerate(FAULTS):
        for launcher, isolation in (*fault.combinations(), *fault.clean_combinations()):
            marks = [] if (launcher, isolation) == chosen(fault, number) else [pytest.mark.thorough]
            found.append(
                pytest.param(fault, launcher, isolation, id=f"{fault.name}-{launcher}-{isolation}", marks=marks)
            )
    return found


@pytest.mark.parametrize(("fault", "launcher", "isolation"), cases())
def test_a_fault_costs_only_what_it_touches(
    fault: Fault, launcher: str, isolation: str, tmp_path: Path, server: ForkServer
) -> None:
    fault = fault.under(launcher, isolation)
    root, temporary = tmp_path / "project", tmp_path / "TMPDIR"
    root.mkdir()
    temporary.mkdir()
    project = Project(root, launcher, server)
    fault.write(project, isolation)
    before = files(root)
    run = fault.drive(project) if fault.drive else project.run(TMPDIR=str(temporary), **fault.env)
    if run is not None:
        check(fault, run.check(fault.code))
    assert strays(root) == []
    assert files(root) - before - {root / name for name in fault.leaves} == set()
    if "TMPDIR" not in fault.leaves:
        assert [path.name for path in temporary.iterdir() if not path.name.startswith("pytest-of-")] == []


def check(fault: Fault, run: Finished) -> None:
    """Each collected test has the outcome that is expected, the culprit is named, and nobody else."""
    assert {name_of(fault, id): outcome.value for id, outcome in run.outcomes.items()} == fault.expect, run.output
    for name, text in fault.says.items():
        said = [run.text(id) for id in run.tests if name_of(fault, id) == name]
        assert [text in one for one in said] == [True], said
    problems = [f"{problem.message}\n{problem.hint}" for problem in run.result.problems]
    assert [text for text in fault.problems if not any(text in problem for problem in problems)] == [], problems
    assert [problem for problem in problems if not any(text in problem for text in fault.problems)] == []
    assert [error.id for error in run.result.collect_errors] == list(fault.collect_errors)
    warned = run.result.warnings
    assert [text for text in fault.warnings if not any(text in warning for warning in warned)] == [], warned
    assert [text for text in fault.shows if text not in run.output] == [], run.output
    lines = run.output.splitlines()  # what a test has written stands behind a bar
    assert [line for line in lines if line.startswith(("::", "##vso", "Traceback"))] == []
    assert "\x1b" not in run.output


def name_of(fault: Fault, id: str) -> str:
    """A test by the name that the catalogue gives it: its id, or what follows its file in it."""
    return id if id in fault.expect else id.partition("::")[2]


def files(root: Path) -> set[Path]:
    """What lies in the project; the run directory, pytest's cache and the output of the runner left out."""
    ours = (".async-test-run", ".pytest_cache", "pytest-cache-files-", ".output-")
    return {path for path in root.rglob("*") if not path.relative_to(root).parts[0].startswith(ours)}


def strays(root: Path) -> list[str]:
    """Command lines of processes that work in the project: those without their environment too (see `survivors`)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if Path(str((entry / "cwd").readlink()).removesuffix(" (deleted)")).is_relative_to(root):
                found.append((entry / "cmdline").read_text(errors="replace"))
        except OSError:
            continue
    return found

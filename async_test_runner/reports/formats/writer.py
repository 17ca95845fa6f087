"""The one place that writes reports of a run to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...model.errors import InfrastructureError
from ...model.plan import Plan
from ...model.result import PhaseResult, Problem, RunResult
from ...record import verdict
from ...record.runs import RunDir
from ...system.files import replaced
from ..junit_files import merging
from . import junit, summary


def write_reports(
    plan: Plan, run_dir: RunDir, result: RunResult, override: Path | None
) -> tuple[list[tuple[str, Path]], list[Problem]]:
    """Write what can be written: where it is, and a problem for each that cannot be.

    ``override`` takes the JUnit XML instead of the place that the plan names.
    """
    code = int(verdict.exit_code(result))
    reports = [("junit", path, junit.render(result)) for path in _junit_places(plan, run_dir, result, override)]
    reports += [("summary", path, iter([summary.render(result, code)])) for path in _summary_places(plan, run_dir)]
    places: list[tuple[str, Path]] = []
    problems: list[Problem] = []
    for kind, path, chunks in reports:
        with _noting(problems), replaced(path) as file:
            file.writelines(chunks)
            places.append((kind, path))
    return places, problems


def write_phases(run_dir: RunDir, result: RunResult) -> list[Problem]:
    """Each phase's JUnit XML, as pytest wrote it where it did; a problem for each that cannot be written."""
    problems: list[Problem] = []
    for phase in result.phases:
        with _noting(problems):
            _write_phase(run_dir, phase, result)
    return problems


@contextmanager
def _noting(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except InfrastructureError as error:
        problems.append(Problem("infrastructure", error.message, error.hint))


def _write_phase(run_dir: RunDir, phase: PhaseResult, result: RunResult) -> None:
    """The XML that pytest wrote for the phase's session, those of several sessions merged, or else one of ours."""
    parts = sorted(run_dir.path.glob(f"processes/{phase.name}/*/junit.xml"))
    if not parts and not phase.started:
        return
    directory = run_dir.path / "phases"
    if directory.is_symlink():  # a test's doing: what it points to is not ours to write to
        directory.unlink()
    with replaced(directory / f"{phase.name}.xml") as file:
        if not parts:
            file.writelines(junit.render(_alone(phase, result)))
        elif len(parts) == 1:
            file.write(parts[0].read_bytes())
        else:
            with merging.Merge(phase.name, directory=run_dir.path) as merge:
                for part in parts:
                    merge.add(part)
                merge.write(file)


def _alone(phase: PhaseResult, result: RunResult) -> RunResult:
    """A run of one phase, with nothing that is not the phase's."""
    return RunResult(
        run_id=result.run_id,
        plan=phase.name,
        plan_path=result.plan_path,
        root=result.root,
        at=result.at,
        wall=phase.wall,
        phases=(phase,),
        facts=result.facts,
        finished=True,
    )


def _junit_places(plan: Plan, run_dir: RunDir, result: RunResult, override: Path | None) -> list[Path]:
    """The run directory always; then what the command line says, or the plan, or pytest's own configuration."""
    places = [run_dir.path / "junit.xml"]
    if override is not None:
        places.append(override)
    elif plan.reports.junit is not None:
        places.append(plan.root / plan.reports.junit)
    elif result.facts.junit_xml:
        places.append(plan.root / result.facts.junit_xml)
    return places


def _summary_places(plan: Plan, run_dir: RunDir) -> list[Path]:
    places = [run_dir.path / "summary.json"]
    return [*places, plan.root / plan.reports.summary] if plan.reports.summary is not None else places

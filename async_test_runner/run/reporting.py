"""The one place that writes reports of a run to files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..model.errors import InfrastructureError
from ..model.plan import Plan
from ..model.result import PhaseResult, Problem, RunResult
from ..record import verdict
from ..record.runs import RunDir
from ..reports.formats import FORMATS, junit
from ..reports.formats.format import Format
from ..reports.junit_files import merging
from ..system.files import replaced


def write_reports(
    plan: Plan, run_dir: RunDir, result: RunResult, asked: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[list[tuple[str, Path]], list[Problem]]:
    """Write what can be written, in every format: where it is, and a problem for each that cannot be.

    ``asked`` names places by format, which are taken instead of those of the plan.
    """
    code = verdict.exit_code(result)
    places: list[tuple[str, Path]] = []
    problems: list[Problem] = []
    for format in FORMATS.values():
        for path in _places(format, plan, run_dir, result, asked):
            with _noting(problems), replaced(path) as file:
                file.writelines(format.render(result, code, environ))
                places.append((format.key, path))
    return places, problems


def _places(format: Format, plan: Plan, run_dir: RunDir, result: RunResult, asked: Mapping[str, str]) -> list[Path]:
    """The run directory, always or where it is asked for; then what the command line says, or the plan, or pytest."""
    named = asked.get(format.key) or plan.reports.get(format.key) or (format.of_pytest(result.facts) or "")
    own = [run_dir.path / format.file] if format.always or is_asked_for(format, plan, asked) else []
    return [*own, *([plan.root / named] if named else [])]


def is_watched(plan: Plan, asked: Mapping[str, str]) -> bool:
    """There is a report that somebody may look at while the run goes on."""
    return any(is_asked_for(format, plan, asked) for format in FORMATS.values() if format.live)


def is_asked_for(format: Format, plan: Plan, asked: Mapping[str, str]) -> bool:
    """By the command line, be it without a place, or by the plan."""
    return format.key in asked or format.key in plan.reports


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
    found = run_dir.path.glob(f"processes/{phase.name}/*/junit.xml")
    parts = sorted(path for path in found if path.is_file())  # a test may have put a FIFO there
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

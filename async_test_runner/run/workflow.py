"""A run from the plan's file to the exit code, as a short list of verbs: load, collect, assign, run, fold, report."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec

from .. import __version__
from ..contract.launching import Launcher
from ..launchers import at_end, coverage, interpreter
from ..launchers.collect import Collected as CollectionResult
from ..launchers.exec import ExecLauncher
from ..launchers.warm import Host, WarmLauncher
from ..model.errors import ExitCode, InfrastructureError, RunnerError, UsageError
from ..model.inventory import Inventory
from ..model.plan import Phase, Plan
from ..model.result import Kept, Problem, RunResult
from ..plan import reading as plans
from ..record import verdict
from ..record.events import (
    VERSION,
    Asked,
    Collected,
    Interrupted,
    Paused,
    RunFinished,
    RunResumed,
    RunStarted,
    TestNotRun,
)
from ..record.runs import RunDir, base_directory, create
from ..reports.formats.writer import write_phases, write_reports
from ..reports.terminal.views import Reporter
from ..suite import assignment as selection
from ..suite.assignment import Assignment, Narrowing
from ..suite.workers import processors, workers_of
from ..system import process
from ..system.clocks import RunClock
from ..system.keys import Keys, questions_to
from . import resuming
from .collection import HOST_GRACE, gather, host_of, proved, wants_host
from .engine import Engine
from .interrupting import signals_to
from .recorder import EarlyReports, Recorder

_PASSED_ON = 0.1  # seconds until a first signal has been passed on to all processes


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves it to the plan. Times are seconds."""

    plan: Path
    narrowing: Narrowing = Narrowing()
    workers: int | None = None
    max_failures: int | None = None
    run_timeout: float | None = None
    launcher: Literal["auto", "exec", "warm"] | None = None
    junit: Path | None = None
    run_dir: Path | None = None
    pytest_args: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    keyboard: int | None = None  # a descriptor whose keys are heard while the run goes on


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to, and where it is written down."""

    result: RunResult
    exit_code: ExitCode
    places: tuple[tuple[str, Path], ...]
    coverage: str = ""  # the table that pytest-cov would have printed


# ------------------------------------------------------------------------------------------------------------ the run


def run(
    request: Request,
    reporter: Reporter,
    environ: Mapping[str, str],
    *,
    interval: float = 1.0,
) -> Outcome:
    """Run a plan. Raises `RunnerError` only for what keeps a run from starting: a bad plan, a bad command line."""
    plan = adjusted(plans.load(request.plan), request)
    selection.check_phase_names(plan, request.narrowing)  # before the collection, which may take its time
    run_dir = create(base_directory(plan.path, request.run_dir))
    clock = RunClock()
    recorder = Recorder(run_dir, reporter, interval, clock)
    try:
        return _carried_out(plan, request, run_dir, recorder, clock, environ)
    except UsageError:
        shutil.rmtree(run_dir.path, ignore_errors=True)  # nothing has run: there is nothing to report
        raise
    finally:
        recorder.close()


def resume(
    path: Path,
    reporter: Reporter,
    environ: Mapping[str, str],
    *,
    argv: tuple[str, ...] = (),
    junit: Path | None = None,
    keyboard: int | None = None,
    interval: float = 1.0,
) -> Outcome:
    """Take up the run with this journal, as it was asked for; ``junit`` is another place for the merged XML."""
    run_dir = RunDir(path.absolute().parent)
    clock = RunClock()
    recorder = Recorder(run_dir, reporter, interval, clock)
    try:
        recorded = resuming.recorded(run_dir)
        resuming.check(recorded)
        recorder.recall(recorded.events)
        request = _asked_again(recorded.started, argv=argv, junit=junit, keyboard=keyboard)
        plan = adjusted(plans.load(request.plan), request)
        return _carried_out(plan, request, run_dir, recorder, clock, environ, resumes=recorded.result)
    finally:
        recorder.close()


def _asked_again(started: RunStarted, *, argv: tuple[str, ...], junit: Path | None, keyboard: int | None) -> Request:
    asked = started.asked
    return Request(
        plan=Path(started.plan_path),
        narrowing=Narrowing(
            phases=asked.phases, files=asked.files, markers=asked.markers, keyword=asked.keyword, tests=asked.tests
        ),
        workers=asked.workers,
        max_failures=asked.max_failures,
        run_timeout=asked.run_timeout,
        launcher=asked.launcher,
        junit=junit or (Path(asked.junit) if asked.junit else None),
        pytest_args=asked.pytest_args,
        keyboard=keyboard,
        argv=argv,
    )


def _carried_out(
    plan: Plan,
    request: Request,
    run_dir: RunDir,
    recorder: Recorder,
    clock: RunClock,
    environ: Mapping[str, str],
    resumes: RunResult | None = None,
) -> Outcome:
    adopts_orphans = process.adopt_orphans()
    with process.guarded(recorder.fileno()), asyncio.Runner(loop_factory=clock.loop) as runner:
        return runner.run(_run(plan, request, run_dir, recorder, clock, environ, adopts_orphans, resumes))


async def _run(
    plan: Plan,
    request: Request,
    run_dir: RunDir,
    recorder: Recorder,
    clock: RunClock,
    environ: Mapping[str, str],
    adopts_orphans: bool,
    resumes: RunResult | None,
) -> Outcome:
    _begin(plan, request, run_dir, recorder, resumes)

    def write() -> object:
        return write_reports(plan, run_dir, _ended(recorder), request.junit)

    signals = _Signals(recorder, write)
    recorder.early = EarlyReports(write, recorder.clock)
    table = ""
    host: Host | None = None
    with (
        questions_to(signals.on_question, request.keyboard) as keys,
        signals_to(signals, lambda: _stop(recorder, clock, keys)),
    ):
        try:
            try:
                collected = await _collect_or_stop(plan, request, run_dir, recorder, environ, signals)
                host = collected.host if collected is not None else None
            finally:
                if adopts_orphans:
                    _end_orphans(recorder, {host.pid} if host is not None else set())
            if collected is not None:
                inventory = collected.inventory
                assignment = proved(plan, inventory, request.narrowing)
                _record_inventory(inventory, assignment, recorder)
                kept = _kept(recorder, resumes, assignment)
                await _execute(
                    plan, request, run_dir, recorder, environ, signals, collected, assignment, adopts_orphans, kept
                )
                table = await _coverage(plan, inventory, run_dir, recorder, environ)
        except UsageError:
            raise
        except RunnerError as error:
            kind = "infrastructure" if isinstance(error, InfrastructureError) else "internal"
            recorder.problem(Problem(kind, error.message, error.hint))  # type: ignore[arg-type]
        finally:
            if host is not None:
                await host.end(HOST_GRACE)
                if adopts_orphans:
                    _end_orphans(recorder, set())
            for warning in await at_end.run(run_dir.path, plan.root, environ):
                recorder.warn(warning)
        signals.close()
        return msgspec.structs.replace(_report(plan, request, run_dir, recorder), coverage=table)


def _begin(plan: Plan, request: Request, run_dir: RunDir, recorder: Recorder, resumes: RunResult | None) -> None:
    at, mono = recorder.clock()
    if resumes is not None:
        recorder.emit(RunResumed(at=at, mono=mono, run_id=resumes.run_id, argv=request.argv, runner=__version__))
        return
    recorder.emit(
        RunStarted(
            at=at,
            mono=mono,
            version=VERSION,
            run_id=run_dir.run_id,
            plan=plan.name,
            plan_path=str(plan.path),
            root=str(plan.root),
            argv=request.argv,
            runner=__version__,
            plan_digest=resuming.digest(plan.path),
            asked=_asked(request),
        )
    )


def _asked(request: Request) -> Asked:
    narrowing = request.narrowing
    return Asked(
        phases=narrowing.phases,
        files=narrowing.files,
        markers=narrowing.markers,
        keyword=narrowing.keyword,
        tests=narrowing.tests,
        workers=request.workers,
        max_failures=request.max_failures,
        run_timeout=request.run_timeout,
        launcher=request.launcher,
        junit=str(request.junit) if request.junit else None,
        pytest_args=request.pytest_args,
    )


def _kept(recorder: Recorder, resumes: RunResult | None, assignment: Assignment) -> dict[str, Kept]:
    """What a run that is resumed has already; what has changed since is told."""
    if resumes is None:
        return {}
    for change in resuming.changes(resumes, assignment):
        if isinstance(change, Problem):
            recorder.problem(change)
        else:
            recorder.warn(change)
    return resuming.still(recorder.fold.kept(), resumes, assignment)


def _stop(recorder: Recorder, clock: RunClock, keys: Keys | None) -> None:
    """Ctrl-Z: everything stops, time too, until the shell continues us."""
    recorder.pause()
    if keys is not None:
        keys.suspend()
    clock.pause()
    process.stop_with_all()
    paused = clock.go_on()
    if keys is not None:
        keys.resume()
    at, mono = clock()
    recorder.emit(Paused(at=at, mono=mono, seconds=paused))


class _Signals:
    """Where signals go: recorded during the collection, handed to the engine once there is one.

    The first one has the reports written at once: who sends it may not wait until all processes have ended.
    """

    def __init__(self, recorder: Recorder, write_reports: Callable[[], object]) -> None:
        self._recorder = recorder
        self._write_reports = write_reports
        self._count = 0
        self._task: asyncio.Task[object] | None = None
        self._closed = False
        self.engine: Engine | None = None

    def close(self) -> None:
        """From here on signals are too late: what is left to do is to write the reports, and that is done."""
        self._closed = True

    def __call__(self, number: int) -> None:
        if self._closed:
            return
        self._count += 1
        if self.engine is not None:
            self.engine.on_signal(number)
        else:
            if self._task is not None:
                self._task.cancel()
            at, mono = self._recorder.clock()
            self._recorder.emit(Interrupted(at=at, mono=mono, signal=number))
        if self._count == 1:
            asyncio.get_running_loop().call_later(_PASSED_ON, self._write_early)

    def on_question(self) -> None:
        """A person wants to know what the tests are at."""
        if self.engine is not None and not self._closed:
            self.engine.on_question()

    def _write_early(self) -> None:
        if not self._closed:
            self._write_reports()

    @contextmanager
    def cancelling(self, task: asyncio.Task[object]) -> Iterator[None]:
        """While inside, a signal cancels the task."""
        self._task = task
        try:
            yield
        finally:
            self._task = None


async def _collect_or_stop(
    plan: Plan,
    request: Request,
    run_dir: RunDir,
    recorder: Recorder,
    environ: Mapping[str, str],
    signals: _Signals,
) -> CollectionResult | None:
    """What was collected; None when a signal came first."""
    task: asyncio.Task[CollectionResult] = asyncio.create_task(
        gather(plan, request.narrowing, run_dir.path, environ, request.pytest_args, host=wants_host(plan))
    )
    with signals.cancelling(task):
        while not task.done():
            recorder.tick(recorder.clock()[1])
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=0.1)
    return None if task.cancelled() else task.result()


async def _execute(
    plan: Plan,
    request: Request,
    run_dir: RunDir,
    recorder: Recorder,
    environ: Mapping[str, str],
    signals: _Signals,
    collected: CollectionResult,
    assignment: Assignment,
    adopts_orphans: bool,
    kept: dict[str, Kept],
) -> None:
    inventory = collected.inventory
    python = _interpreters(plan, environ)

    def launcher(wake: Callable[[], None]) -> Launcher:
        fresh = ExecLauncher(
            root=plan.root,
            run_dir=run_dir.path,
            facts=inventory.facts,
            python=python,
            paths=selection.collection_paths(plan),
            arguments=request.pytest_args,
            without=inventory.without,
            environ=environ,
            wake=wake,
        )
        if collected.host is None:
            return fresh

        async def new_host(phase: Phase) -> Host | None:
            return await host_of(plan, phase, run_dir.path, inventory, environ, request.pytest_args)

        return WarmLauncher(
            plan,
            collected.host,
            fresh,
            new_host,
            run_dir=run_dir.path,
            run_id=run_dir.run_id,
            memory=run_dir.memory,
            facts=inventory.facts,
            without=inventory.without,
            workers=lambda phase: workers_of(phase, inventory.facts),
            tell=recorder.warn,
        )

    for assigned in assignment.phases:
        if assigned.tests:
            python(assigned.phase.python)  # one that is not there is to be noticed before anything has run
    engine = Engine(
        plan,
        inventory.facts,
        launcher,
        run_dir=run_dir.path,
        environ=environ,
        emit=recorder.emit,
        phase_result=recorder.fold.phase,
        on_tick=recorder.tick,
        clock=recorder.clock,
        adopts_orphans=adopts_orphans,
        kept=kept,
    )
    signals.engine = engine
    if inventory.errors and plan.collect_errors == "fail":
        engine.plan_phases(assignment.phases)
        _run_nothing(assignment, recorder, "the collection had errors (collect_errors: fail)")
    else:
        await engine.run(assignment.phases)


async def _coverage(
    plan: Plan, inventory: Inventory, run_dir: RunDir, recorder: Recorder, environ: Mapping[str, str]
) -> str:
    """Put the coverage of all processes together, where the project measures it; returns the table to show."""
    asked = inventory.facts.coverage
    result = recorder.fold.result()
    if asked is None or result.signal or not any(phase.started for phase in result.phases):
        return ""
    python = interpreter.find(plan.python, plan.root, environ)
    table, problem = await coverage.finish(asked, python=python, root=plan.root, run_dir=run_dir.path, environ=environ)
    if problem is not None:
        recorder.problem(problem)
    return table


def _end_orphans(recorder: Recorder, known: set[int]) -> None:
    for orphan in process.end_orphans(known):
        recorder.warn(f"ended a process that the collection left behind: {orphan.command[:200]}")


def _run_nothing(assignment: Assignment, recorder: Recorder, reason: str) -> None:
    for assigned in assignment.phases:
        at, mono = recorder.clock()
        ids = tuple(test.id for test in assigned.tests)
        recorder.emit(TestNotRun(at=at, mono=mono, phase=assigned.phase.name, ids=ids, reason=reason))


def _record_inventory(inventory: Inventory, assignment: Assignment, recorder: Recorder) -> None:
    at, mono = recorder.clock()
    recorder.emit(
        Collected(
            at=at,
            mono=mono,
            tests=len(inventory.tests),
            facts=inventory.facts,
            errors=inventory.errors,
            skips=inventory.skips,
            left_out=(*inventory.left_out, *assignment.left_out),
        )
    )
    for note in assignment.notes:
        recorder.warn(note)


# -------------------------------------------------------------------------------------------------- steps on the way


def adjusted(plan: Plan, request: Request) -> Plan:
    """The plan as the command line changes it: ``--workers`` is an upper limit, the rest replaces."""
    changes: dict[str, object] = {}
    if request.run_timeout is not None:
        changes["run_timeout"] = request.run_timeout
    phases = tuple(_adjusted_phase(phase, request) for phase in plan.phases)
    return msgspec.structs.replace(plan, phases=phases, **changes)


def _adjusted_phase(phase: Phase, request: Request) -> Phase:
    changes: dict[str, object] = {}
    if request.launcher is not None:
        changes["launcher"] = request.launcher
    if request.max_failures is not None:
        changes["max_failures"] = request.max_failures
    if request.workers is not None and phase.workers is not None:
        wanted = processors() if phase.workers == "auto" else phase.workers
        changes["workers"] = min(request.workers, wanted) if phase.workers != "auto" else request.workers
    return msgspec.structs.replace(phase, **changes)


def _interpreters(plan: Plan, environ: Mapping[str, str]) -> Callable[[str], str]:
    found: dict[str, str] = {}

    def python(wanted: str) -> str:
        if wanted not in found:
            found[wanted] = interpreter.find(wanted, plan.root, environ)
        return found[wanted]

    return python


# ------------------------------------------------------------------------------------------------------------ the end


def _report(plan: Plan, request: Request, run_dir: RunDir, recorder: Recorder) -> Outcome:
    """Fold, decide, write the reports; a report that cannot be written is a problem of the run."""
    places, problems = write_reports(plan, run_dir, _ended(recorder), request.junit)
    problems += write_phases(run_dir, recorder.fold.result())
    for problem in problems:
        recorder.problem(problem)
    if problems:  # they are to be written themselves, where there is room
        places, _ = write_reports(plan, run_dir, _ended(recorder), request.junit)
    result = _ended(recorder)
    code = verdict.exit_code(result)
    at, mono = recorder.clock()
    with suppress(InfrastructureError):  # the journal is full: the verdict is known all the same
        recorder.emit(RunFinished(at=at, mono=mono, exit_code=int(code), wall=mono - recorder.began))
    recorder.restore()
    places.append(("journal", run_dir.journal))
    return Outcome(result=recorder.fold.result(), exit_code=code, places=tuple(places))


def _ended(recorder: Recorder) -> RunResult:
    return msgspec.structs.replace(recorder.fold.result(), finished=True)

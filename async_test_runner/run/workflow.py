"""A run from the plan's file to the exit code, as a short list of verbs: load, collect, assign, run, fold, report."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from .. import __version__
from ..contract.launching import Launcher
from ..launchers import at_end, coverage, interpreter
from ..launchers.collect import Collection
from ..launchers.exec import ExecLauncher
from ..launchers.warm import Host, WarmLauncher
from ..model.errors import ExitCode, InfrastructureError, RunnerError, UsageError
from ..model.inventory import Interpreter, Inventory
from ..model.plan import Phase, Plan
from ..model.result import Kept, Problem, RunResult
from ..record import verdict
from ..record.events import VERSION, Collected, PythonFound, RunFinished, RunResumed, RunStarted, TestNotRun
from ..record.pruning import prune
from ..record.runs import RunDir, base_directory, create
from ..reports.terminal.views import Reporter
from ..suite import lacking, relations
from ..suite.assignment import Assignment, check_phase_names
from ..suite.workers import workers_of
from ..system import process
from ..system.clocks import RunClock
from ..system.files import text_of
from ..system.keys import questions_to
from . import editors, failed, reporting, resuming, services
from .collection import (
    HOST_GRACE,
    check_that_tests_run,
    gather,
    host_of,
    judging,
    notes,
    proved,
    surroundings,
    too_many_warnings,
    wants_host,
)
from .engine import Engine
from .interrupting import Signals, signals_to, stop
from .recorder import EarlyReports, Recorder
from .request import Request, RunReport
from .request import notes as request_notes

_LOOK = 0.1  # seconds between two looks at a collection under way


def run(request: Request, reporter: Reporter, environ: Mapping[str, str], *, interval: float = 1.0) -> RunReport:
    """Run a plan. Raises `RunnerError` only for what keeps a run from starting: a bad plan, a bad command line."""
    plan = request.loaded()
    base = base_directory(plan.path, request.run_dir)
    request = msgspec.structs.replace(request, asked=failed.taken(request.asked, plan, base))
    editors.keep_schema(request.plan)
    check_phase_names(plan, request.narrowing(plan))  # before the collection, which may take its time
    run_dir = create(base)
    if request.proposal:
        resuming.keep_plan(run_dir, request.proposal)
    recorder = Recorder(run_dir, reporter, interval, RunClock())
    try:
        report = _Run(plan, request, run_dir, recorder, environ).carried_out()
    except UsageError:
        shutil.rmtree(run_dir.path, ignore_errors=True)  # nothing has run: there is nothing to report
        raise
    finally:
        recorder.close()
    prune(run_dir.path.parent, plan.keep_runs)
    return report


def resume(
    path: Path,
    reporter: Reporter,
    environ: Mapping[str, str],
    *,
    argv: tuple[str, ...] = (),
    reports: Mapping[str, str] | None = None,
    keyboard: int | None = None,
    whole_diffs: bool = False,
    interval: float = 1.0,
) -> RunReport:
    """Resume the run with this journal, as it was asked for; ``reports`` are other places for its reports."""
    run_dir = RunDir(path.absolute().parent)
    recorder = Recorder(run_dir, reporter, interval, RunClock())
    try:
        recorded = resuming.recorded(run_dir)
        resuming.check(recorded)
        recorder.recall(recorded.events)
        asked = recorded.started.asked
        asked = msgspec.structs.replace(asked, reports={**asked.reports, **(reports or {})})
        request = Request(
            plan=Path(recorded.started.plan_path),
            proposal=text_of(recorded.plan) if recorded.started.proposed else "",
            asked=asked,
            argv=argv,
            keyboard=keyboard,
            whole_diffs=whole_diffs,
        )
        return _Run(request.loaded(), request, run_dir, recorder, environ, recorded.result).carried_out()
    finally:
        recorder.close()


class _Run:
    """One run under way. ``resumes`` is what an earlier process has come to, whose run this one goes on with."""

    def __init__(
        self,
        plan: Plan,
        request: Request,
        run_dir: RunDir,
        recorder: Recorder,
        environ: Mapping[str, str],
        resumes: RunResult | None = None,
    ) -> None:
        self._plan = plan
        self._request = request
        self._run_dir = run_dir
        self._recorder = recorder
        self._environ = environ
        self._service = services.service_of(environ, plan)
        self._resumes = resumes
        self._around = surroundings(plan, run_dir.path, environ, request.pytest_args, imports=run_dir.memory)
        self._signals = Signals(recorder, self._write_early)
        self._adopts_orphans = process.adopt_orphans()
        self._host: Host | None = None
        self._pythons: dict[str, Interpreter] = {}

    def carried_out(self) -> RunReport:
        """All of it, in an event loop that follows the run's clock."""
        writer = self._recorder.writer
        with (
            process.guarded(writer.descriptors(), writer.part),
            process.many_files(),
            asyncio.Runner(loop_factory=self._recorder.clock.loop) as runner,
        ):
            try:
                return runner.run(self._carry_out())
            finally:
                self._recorder.seal()

    async def _carry_out(self) -> RunReport:
        self._begin()
        table = ""
        async with self._recorder.ticking():
            with self._interruptible():
                try:
                    collected = await self._collect()
                    if collected is not None:
                        assignment = self._assign(collected)
                        await self._execute(collected, assignment)
                        table = await self._cover(collected.inventory)
                except UsageError:
                    raise
                except RunnerError as error:
                    self._fail(error)
                finally:
                    await self._clean_up()
                self._signals.close()
                return msgspec.structs.replace(self._report(), coverage=table)

    # -------------------------------------------------------------------------------------------------------- begin

    def _begin(self) -> None:
        recorder, request = self._recorder, self._request
        watched = reporting.is_watched(self._plan, self._request.asked.reports)
        recorder.early = EarlyReports(self._write_early, recorder.clock, watched=watched)
        if self._resumes is not None:
            run_id = self._resumes.run_id
            recorder.emit(
                RunResumed(
                    **recorder.now(),
                    run_id=run_id,
                    argv=request.argv,
                    runner=__version__,
                    service=self._service,
                )
            )
            return
        recorder.emit(
            RunStarted(
                **recorder.now(),
                version=VERSION,
                run_id=self._run_dir.run_id,
                plan=self._plan.name,
                plan_path=str(self._plan.path),
                root=str(self._plan.root),
                argv=request.argv,
                runner=__version__,
                plan_digest=resuming.digest(self._run_dir.plan if request.proposal else self._plan.path),
                asked=request.asked,
                service=self._service,
                proposed=bool(request.proposal),
            )
        )

    @property
    def _patience(self) -> float:
        return max((phase.grace for phase in self._plan.phases), default=5.0)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Signals and keys go to where they belong."""
        with (
            questions_to(self._signals.on_question, self._request.keyboard) as keys,
            signals_to(self._signals, lambda: stop(self._recorder, keys), patience=self._patience),
        ):
            yield

    # ------------------------------------------------------------------------------------------------------ collect

    async def _collect(self) -> Collection | None:
        """What was collected; None when a signal came first."""
        task: asyncio.Task[Collection] = asyncio.create_task(
            gather(
                self._plan,
                self._request.narrowing(self._plan),
                self._around,
                host=wants_host(self._plan),
                python=self._interpreter(self._plan.python),
                begins=self._resumes is None,
            )
        )
        try:
            with self._signals.cancelling(task):
                while not task.done():
                    self._recorder.tick(self._recorder.clock()[1])
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait({task}, timeout=_LOOK)
            if task.cancelled():
                return None
            self._host = task.result().host
            for problem in task.result().problems:
                self._recorder.problem(problem)
            return task.result()
        finally:
            self._end_orphans()

    def _end_orphans(self) -> None:
        if not self._adopts_orphans:
            return
        for orphan in process.end_orphans({self._host.pid} if self._host is not None else set()):
            self._recorder.warn(f"ended a process that the collection left behind: {orphan.command[:200]}")

    def _assign(self, collected: Collection) -> Assignment:
        """The proof that every test has one phase, and the collection as the journal has it."""
        inventory = collected.inventory
        check_that_tests_run(inventory.facts)
        assignment = proved(self._plan, inventory, self._request.narrowing(self._plan))
        judged = judging(collected, assignment)
        self._recorder.emit(
            Collected(
                **self._recorder.now(),
                tests=len(inventory.tests),
                facts=inventory.facts,
                errors=inventory.errors,
                skips=inventory.skips,
                left_out=(*inventory.left_out, *assignment.left_out),
            )
        )
        for note in (*assignment.notes, *relations.notes(assignment.phases, inventory.facts), *judged):
            self._recorder.warn(note)
        planned = (test for assigned in assignment.phases for test in assigned.tests)
        for lack in lacking.unawaited(planned, inventory.facts, inventory.interpreter):
            self._recorder.warn(lack)
        running = [assigned.phase for assigned in assignment.phases if assigned.tests]
        asked = self._request.asked
        for note in (*notes(inventory.facts, self._plan, running, asked.pytest_args), *request_notes(asked, running)):
            self._recorder.warn(note)
        return assignment

    # ------------------------------------------------------------------------------------------------------ execute

    async def _execute(self, collected: Collection, assignment: Assignment) -> None:
        engine = self._engine(collected, assignment)
        self._signals.engine = engine
        if collected.inventory.errors and self._plan.collect_errors == "fail":
            engine.plan_phases(assignment.phases)
            self._run_nothing(assignment, "the collection had errors (collect_errors: fail)")
        else:
            await engine.run(assignment.phases)

    def _engine(self, collected: Collection, assignment: Assignment) -> Engine:
        kept = self._kept(assignment)
        for assigned in assignment.phases:
            if assigned.tests:
                self._python(assigned.phase.python)  # one that is not there is to be noticed before anything has run
        recorder = self._recorder
        return Engine(
            self._plan,
            self._around.after(collected.inventory),
            lambda wake: self._launcher(collected, wake),
            emit=recorder.emit,
            phase_result=recorder.fold.phase,
            on_tick=recorder.tick,
            clock=recorder.clock,
            adopts_orphans=self._adopts_orphans,
            kept=kept,
            waiting=recorder.waiting,
        )

    def _launcher(self, collected: Collection, wake: Callable[[], None]) -> Launcher:
        around = self._around.after(collected.inventory)
        fresh = ExecLauncher(around, python=self._python, wake=wake)
        if collected.host is None:
            return fresh

        async def new_host(phase: Phase) -> Host | None:
            return await host_of(self._plan, phase, around, python=self._interpreter(phase.python))

        return WarmLauncher(
            self._plan,
            around,
            collected.host,
            fresh,
            new_host,
            workers=lambda phase: workers_of(phase, around.facts),
            tell=self._recorder.warn,
            problem=self._recorder.problem,
        )

    def _python(self, wanted: str) -> str:
        return self._interpreter(wanted).path

    def _interpreter(self, wanted: str) -> Interpreter:
        """The interpreter for ``python:`` of the plan or of a phase; each is asked once, and told."""
        if wanted not in self._pythons:
            recorder = self._recorder
            with recorder.waiting("an interpreter to say whether it has pytest", blocks=True):
                found = self._pythons[wanted] = interpreter.find(wanted, self._plan.root, self._environ)
            told = {"wanted": wanted, "python": found.path, "why": found.why, "note": found.note}
            recorder.emit(PythonFound(**recorder.now(), **told))
        return self._pythons[wanted]

    def _kept(self, assignment: Assignment) -> dict[str, Kept]:
        """What a run that is resumed has already; what has changed since is told."""
        if self._resumes is None:
            return {}
        for change in resuming.changes(self._resumes, assignment):
            if isinstance(change, Problem):
                self._recorder.problem(change)
            else:
                self._recorder.warn(change)
        return resuming.still(self._recorder.fold.kept(), self._resumes, assignment)

    def _run_nothing(self, assignment: Assignment, reason: str) -> None:
        for assigned in assignment.phases:
            ids = tuple(test.id for test in assigned.tests)
            name = assigned.phase.name
            self._recorder.emit(TestNotRun(**self._recorder.now(), phase=name, ids=ids, reason=reason))

    async def _cover(self, inventory: Inventory) -> str:
        """Put the coverage of all processes together, where the project measures it; returns the table to show."""
        asked = inventory.facts.coverage
        result = self._recorder.fold.result()
        if asked is None or result.signal or not any(phase.started for phase in result.phases):
            return ""
        root = self._plan.root
        with self._recorder.waiting("coverage to be combined"):
            table, problem = await coverage.finish(
                asked,
                python=self._python(self._plan.python),
                root=root,
                run_dir=self._run_dir.path,
                environ=self._environ,
            )
        if problem is not None:
            self._recorder.problem(problem)
        return table

    # ---------------------------------------------------------------------------------------------------------- end

    def _fail(self, error: RunnerError) -> None:
        kind = "infrastructure" if isinstance(error, InfrastructureError) else "internal"
        self._recorder.problem(Problem(kind, error.message, error.hint))  # type: ignore[arg-type]

    async def _clean_up(self) -> None:
        """End the host, then run what processes have left for the end of the run."""
        if self._host is not None:
            with self._recorder.waiting("the process that has collected to end"):
                await self._host.end(HOST_GRACE)
            self._host = None
            self._end_orphans()
        with self._recorder.waiting("the commands for the end of the run"):
            warnings = await at_end.run(self._run_dir.path, self._plan.root, self._environ)
        for warning in warnings:
            self._recorder.warn(warning)

    def _report(self) -> RunReport:
        """Fold, decide, write the reports; a report that cannot be written is a problem of the run."""
        recorder = self._recorder
        recorder.check()
        self._judge_warnings()
        places, problems = self._write()
        with recorder.waiting("the reports of the phases to be written", blocks=True):
            problems += reporting.write_phases(self._run_dir, recorder.fold.result())
        for problem in problems:
            recorder.problem(problem)
        if problems:  # they are to be written themselves, where there is room
            places, _ = self._write()
        code = verdict.exit_code(self._ended())
        self._add_summary(code)
        now = recorder.now()
        with suppress(InfrastructureError):  # the journal is full: the verdict is known all the same
            recorder.emit(RunFinished(**now, exit_code=int(code), wall=now["mono"] - recorder.began))
        places.append(("journal", self._run_dir.journal))
        return RunReport(result=recorder.fold.result(), exit_code=code, places=tuple(places), service=self._service)

    def _add_summary(self, code: ExitCode) -> None:
        with self._recorder.waiting("the summary of the step to be written", blocks=True):
            problem = services.add_summary(self._service, self._ended(), code, self._environ)
        if problem:  # a page more or less changes no verdict
            with suppress(InfrastructureError):
                self._recorder.warn(problem)

    def _judge_warnings(self) -> None:
        result = self._ended()
        problem = too_many_warnings(result)
        if problem is not None and verdict.exit_code(result) is ExitCode.PASSED:
            self._recorder.problem(problem)

    def _write(self, *, goes_on: bool = False) -> tuple[list[tuple[str, Path]], list[Problem]]:
        with self._recorder.waiting("the reports to be written", blocks=True):
            self._recorder.writer.sync()
            result = msgspec.structs.replace(self._ended(), goes_on=goes_on)
            return reporting.write_reports(
                self._plan, self._run_dir, result, self._request.asked.reports, self._environ
            )

    def _write_early(self) -> None:
        self._write(goes_on=True)

    def _ended(self) -> RunResult:
        recorder = self._recorder
        return msgspec.structs.replace(recorder.fold.result(), finished=True, journal=recorder.writer.head)

"""The setup and teardown commands of a phase."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

from ..contract.surroundings import Surroundings
from ..model.errors import InfrastructureError
from ..model.plan import Command, Phase
from ..model.result import CommandResult, Problem
from ..record.events import CommandFinished, DeadlineReached, Event, ProblemFound
from ..system import process
from ..system.clocks import RunClock
from ..system.files import opened
from ..words.deaths import describe_death
from ..words.durations import format_duration
from ..words.templates import expand, template_values
from .stopping import Stopping

_OUTPUT = 8000  # characters of a command's output that the report shows
Stage = Literal["setup", "teardown"]


class Commands:
    """Runs the commands of a stage, one after the other. ``pause`` lets the run go on for a moment; see `Engine`."""

    def __init__(
        self,
        around: Surroundings,
        stopping: Stopping,
        *,
        emit: Callable[[Event], None],
        clock: RunClock,
        pause: Callable[[], Awaitable[None]],
        wake: Callable[[], None],
        waiting: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._around = around
        self._stopping = stopping
        self._emit = emit
        self._clock = clock
        self._pause = pause
        self._wake = wake
        self._waiting = waiting

    async def run(self, phase: Phase, stage: Stage) -> str:
        """Returns why the phase cannot go on; empty if it can. Those of a teardown all run."""
        commands = phase.setup if stage == "setup" else phase.teardown
        first_problem = ""
        for number, command in enumerate(commands, 1):
            if stage == "setup" and self._stopping.reason:
                return self._stopping.reason
            with self._waiting(f"{stage} command {command.shown}"):
                result = await self._command(phase, stage, number, command)
            self._emit(CommandFinished(**self._clock.stamp(), result=result))
            if result.status != 0 and not (self._stopping.signals and stage == "setup"):
                text = f"{stage} command failed: {result.command}: {_why(result)}"
                first_problem = first_problem or text
                problem = Problem("infrastructure", text, result.output, phase.name)
                self._emit(ProblemFound(**self._clock.stamp(), problem=problem))
            if result.status != 0 and stage == "setup":
                return first_problem or self._stopping.reason
        return first_problem

    async def _command(self, phase: Phase, stage: Stage, number: int, command: Command) -> CommandResult:
        directory = self._around.directory(phase.name)
        output = directory / f"{stage}-{number:02d}.log"
        at, began = self._clock()
        status: int | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            child = await process.start(
                command.argv,
                cwd=self._around.root,
                env=self._env(phase),
                output=output,
                on_exit=self._wake,
                shell=command.shell,
            )
            status, problem = await self._ended(phase, stage, child, command)
        except InfrastructureError as error:
            problem = error.message
        except OSError as error:
            problem = f"cannot write {directory}: {error.strerror}"
        return CommandResult(
            phase=phase.name,
            stage=stage,
            command=command.shown,
            status=status,
            duration=self._clock()[1] - began,
            output=_end_of(output),
            problem=problem,
            at=at,
        )

    async def _ended(self, phase: Phase, stage: Stage, child: process.Process, command: Command) -> tuple[int, str]:
        """Exit status, and why it was ended if it was."""
        limit = command.timeout if command.timeout is not None else phase.setup_timeout
        began = self._clock()[1]
        signals = len(self._stopping.signals)
        while child.status is None:
            await self._pause()
            if limit is not None and self._clock()[1] >= began + limit:
                stamp = self._clock.stamp()
                self._emit(DeadlineReached(**stamp, budget="setup", limit=limit, phase=phase.name))
                status = await process.end(child, phase.grace)
                return status, f"exceeded its deadline of {format_duration(limit)} (setup_timeout)"
            received = self._stopping.signals
            if (stage == "setup" and received) or len(received) > signals:
                grace = 0.0 if len(received) > 1 else phase.grace
                status = await process.end(child, grace, received[-1])
                return status, self._stopping.reason
        child.signal(process.KILL)  # whatever it left behind in its group
        return child.status, ""

    def _env(self, phase: Phase) -> dict[str, str]:
        values = template_values(phase.name, str(self._around.run_dir), 0, "gw0")
        return {**self._around.environ, **{name: expand(text, values) for name, text in phase.env}}


def _why(result: CommandResult) -> str:
    if result.problem or result.status is None:
        return result.problem
    return describe_death(result.status) if result.status < 0 else f"exit {result.status}"


def _end_of(path: Path) -> str:
    try:
        with open(path, "rb", opener=opened) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _OUTPUT))
            return file.read(_OUTPUT).decode("utf-8", "replace")
    except OSError:
        return ""

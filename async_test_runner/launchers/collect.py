"""One pytest collection for the whole plan, and the inventory that comes of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..contract.messages import (
    BadExpression,
    CollectFailed,
    Collecting,
    CollectSkipped,
    ConftestFailed,
    Damaged,
    Found,
    Hang,
    Hello,
    Hosting,
    InventoryDone,
    LeftOutSaid,
    Message,
)
from ..contract.settings import Collect, settings_of
from ..contract.surroundings import Surroundings
from ..model.errors import InfrastructureError, UsageError
from ..model.inventory import CollectedTest, CollectError, Interpreter, Inventory, LeftOut, PytestFacts
from ..model.result import Problem
from ..plan import pytest_options
from ..suite import lacking
from ..supervision import dumps
from ..system import process
from ..system.process import KILL
from ..system.table import LOOK, look
from ..words.deaths import describe_death
from ..words.durations import format_duration
from . import coverage, pytest_process
from .tail import COLLECTION
from .warm import Host

_TICK = 0.005  # seconds between two looks at a host that collects
_ANSWER_TICKS = 80  # such looks for the answer of a process that is asked what it is at
_ROUNDS = 20  # files that may take the whole collection down before it is given up
_PYTEST_USAGE = 4


class Collection(NamedTuple):
    """What came of a collection."""

    inventory: Inventory
    refused: dict[int, str]
    host: Host | None
    problems: tuple[Problem, ...] = ()


class Heard(msgspec.Struct):
    """What a collecting process has said."""

    tests: list[CollectedTest] = msgspec.field(default_factory=list)
    errors: list[CollectError] = msgspec.field(default_factory=list)
    skips: list[CollectError] = msgspec.field(default_factory=list)
    left_out: list[LeftOut] = msgspec.field(default_factory=list)
    bad_expressions: dict[int, str] = msgspec.field(default_factory=dict)
    facts: PytestFacts | None = None
    conftest: ConftestFailed | None = None
    hosting: Hosting | None = None
    last: Collecting | None = None
    hello: Hello | None = None
    hang: Hang | None = None
    damaged: list[Damaged] = msgspec.field(default_factory=list)

    def add(self, message: Message | Damaged) -> None:
        """Take in one message; those of running tests say nothing here."""
        match message:
            case Damaged():
                self.damaged.append(message)
            case Hello():
                self.hello = message
            case Collecting():
                self.last = message if message.id else None
            case Found():
                self.tests.append(message.test)
            case CollectFailed():
                self.errors.append(CollectError(message.id, message.text))
            case CollectSkipped():
                self.skips.append(CollectError(message.id, message.text))
            case LeftOutSaid():
                self.left_out.append(message.value)
            case BadExpression():
                self.bad_expressions[message.index] = message.text
            case ConftestFailed():
                self.conftest = message
            case Hosting():
                self.hosting = message
            case Hang():
                self.hang = message
            case InventoryDone():
                self.facts = message.facts
            case _:
                pass


class Collector:
    """How to collect: the process's surroundings, all that does not change from one round to the next."""

    def __init__(
        self,
        around: Surroundings,
        *,
        python: Interpreter,
        env: Mapping[str, str],
        timeout: float | None,
        grace: float,
        begins: bool = False,
        directory: Path | None = None,
    ) -> None:
        """``env`` is the whole environment of the process; ``timeout`` and ``grace`` are seconds.

        ``begins`` says that a run begins with this collection; ``directory`` is where its files are, if not with those
        of the run's own.
        """
        self._around = around
        self._python = python
        self._env = env
        self._timeout = timeout
        self._grace = grace
        self._begins = begins
        self._directory = directory or around.run_dir / "collection"

    async def inventory(
        self,
        expressions: Sequence[tuple[str, str]],
        *,
        keep_going: bool,
        host: bool = False,
    ) -> Collection:
        """The inventory, what pytest says about expressions that it refuses, with ``host`` the process to fork from.

        A file that takes the whole process down is an error of the collection; with ``keep_going`` the rest is
        collected without it.
        """
        fatal: dict[str, CollectError] = {}  # by absolute path
        while True:
            heard, status, words, late, session = await self._round(len(fatal), expressions, tuple(fatal), host)
            found = self._fatal(heard, status, words, late)
            if found is None:
                break
            path, error = found
            known = path in fatal
            fatal.setdefault(path, error)
            if known or not path or not keep_going or len(fatal) > _ROUNDS:
                heard = Heard(facts=heard.facts or PytestFacts())
                break
        inventory = Inventory(
            tests=tuple(heard.tests),
            errors=tuple(lacking.explained(error, self._python) for error in (*fatal.values(), *heard.errors)),
            skips=tuple(heard.skips),
            left_out=tuple(heard.left_out),
            expressions=tuple(expressions),
            without=tuple(fatal),
            facts=heard.facts or PytestFacts(),
            interpreter=self._python,
        )
        hosting = Host(session, heard.hosting) if session is not None and heard.hosting is not None else None
        problems = tuple(damaged.problem("the collection") for damaged in heard.damaged)
        return Collection(inventory, heard.bad_expressions, hosting, problems)

    async def _round(
        self, number: int, expressions: Sequence[tuple[str, str]], without: tuple[str, ...], host: bool
    ) -> tuple[Heard, int, str, bool, pytest_process.PytestSession | None]:
        directory = self._fresh(number)
        session = await pytest_process.start(
            [
                *self._around.arguments,
                "--color=no",
                *pytest_process.ignoring(without),
                *self._around.paths,
            ],
            python=self._python.path,
            cwd=self._around.root,
            directory=directory,
            settings=settings_of(
                Collect(
                    expressions=tuple(expressions),
                    host=host,
                    begins=self._begins and not number,
                    watched=pytest_options.watched(),
                ),
                msgspec.structs.replace(self._around, without=without),
                process.parent(),
            ),
            env={**self._env, "COVERAGE_FILE": str(directory / coverage.DATA_NAME)},  # not over the project's own data
            on_exit=lambda: None,
            control=host,
            names=[COLLECTION],
        )
        heard = Heard()
        dump = ""
        async with _kept_going(session):
            late = not await (self._hosts_in_time(session, heard) if host else self._ends_in_time(session))
        for message in session.poll():
            heard.add(message)
        if heard.hosting is not None and session.status is None:
            return heard, 0, "", False, session
        if late:
            dump = await self._end(session, heard)
            for message in session.poll():
                heard.add(message)
        session.signal(KILL)  # whatever the collection has started and left behind in its group
        words = "\n\n".join(filter(None, [dump, session.last_words()]))
        return heard, session.status or 0, words, late, None

    def _fresh(self, number: int) -> Path:
        """A directory for a round; a run that is resumed has had some."""
        while (directory := self._directory / f"{number:04d}").exists():
            number += 1
        return directory

    async def _hosts_in_time(self, session: pytest_process.PytestSession, heard: Heard) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                while heard.hosting is None and session.status is None:
                    await asyncio.sleep(_TICK)
                    for message in session.poll():
                        heard.add(message)
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            await process.end(session.child, self._grace)
            session.signal(KILL)  # whatever it left behind in its group
            raise
        return True

    async def _ends_in_time(self, session: pytest_process.PytestSession) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                await session.wait()
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            await process.end(session.child, self._grace)
            session.signal(KILL)  # whatever it left behind in its group
            raise
        return True

    async def _end(self, session: pytest_process.PytestSession, heard: Heard) -> str:
        """End a collection that is too late; returns what it was at."""
        for message in session.poll():
            heard.add(message)
        report = await _asked(session, heard, heard.hello) if heard.hello is not None else ""
        await process.end(session.child, self._grace)
        return report

    def _fatal(self, heard: Heard, status: int, words: str, late: bool) -> tuple[str, CollectError] | None:
        """Path and error of the one file that ended the collection before it had an inventory; None if it has one."""
        if heard.facts is not None:
            return None
        if heard.conftest is not None:
            return heard.conftest.path, CollectError(heard.conftest.id, heard.conftest.text)
        if late:
            limit = format_duration(self._timeout or 0.0)
            text = f"exceeded the collection deadline of {limit} (collect_timeout)\n\n{words}"
            last = heard.last or Collecting(at=0.0, mono=0.0, id="collection")
            return last.path, CollectError(last.id, text)
        if heard.hello is None or heard.last is None:
            raise _no_collection(self._python, status, words)
        text = f"while it was imported, {describe_death(status)}\n\n{words}"
        return heard.last.path, CollectError(heard.last.id, text)


@asynccontextmanager
async def _kept_going(session: pytest_process.PytestSession) -> AsyncIterator[None]:
    """While inside, a process that somebody stops goes on: there is nothing that it waits for."""

    async def look_again() -> None:
        while True:
            await asyncio.sleep(LOOK)
            if look(session.pid).is_stopped:
                session.signal(signal.SIGCONT)

    looking = asyncio.create_task(look_again())
    try:
        yield
    finally:
        looking.cancel()


async def _asked(session: pytest_process.PytestSession, heard: Heard, hello: Hello) -> str:
    """What a collecting process is at, from Python or, if that does not run, from C."""
    if hello.dump_signal is None:
        return ""
    session.ask("overdue", "", "", hello.pid, hello.dump_signal)
    for _ in range(_ANSWER_TICKS):
        await asyncio.sleep(_TICK)
        for message in session.poll():
            heard.add(message)
        if heard.hang is not None and heard.hang.likely:
            return heard.hang.text
    if hello.c_signal is not None:
        session.ask_in_c(hello.pid, hello.c_signal)
        await asyncio.sleep(_ANSWER_TICKS * _TICK)
    return dumps.described(session.dumped()).text


def _no_collection(python: Interpreter, status: int, words: str) -> Exception:
    lacks = lacking.missing(words, python)
    if status == _PYTEST_USAGE:
        with_python = f"collected with {lacking.described(python)}"
        return UsageError(
            f"pytest does not accept its arguments or configuration:\n{words.strip()}",
            hint="\n  ".join([*lacks, with_python]),
        )
    try_it = f"try it yourself: {python.path} -m pytest --collect-only"
    return InfrastructureError(
        f"pytest could not collect: {describe_death(status)}",
        hint="\n\n".join(filter(None, [words.strip(), *lacks, f"collected with {lacking.described(python)}", try_it])),
    )

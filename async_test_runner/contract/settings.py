"""The settings of a pytest process: what the runner asks of it, in a file that its environment names.

The other half is ``wire/contract.py`` in the package inside pytest. A test compares both field by field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from ..model.inventory import UNKNOWN_SOURCE, CollectedTest
from ..words.templates import expand, template_values
from .launching import Job
from .messages import Why
from .surroundings import Surroundings

# The way in: the plugin that ``-p`` loads, the variable that names the file, and two variables as the user had them.
PLUGIN = "async_test_run_inside.plugin"
SETTINGS = "ASYNC_TEST_RUN_SETTINGS"
PYTHONPATH = "ASYNC_TEST_RUN_PYTHONPATH"
HASHSEED = "ASYNC_TEST_RUN_HASHSEED"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """See `settings_of`. ``runner`` is the process id of what starts the process; times are seconds, sizes bytes."""

    mode: Literal["collect", "run"]
    runner: int
    at_end: str
    without: tuple[str, ...]
    testrun_uid: str
    seed: int
    # a collection
    expressions: tuple[tuple[str, str], ...] = ()
    host: bool = False
    begins: bool = False
    watched: dict[str, str] = {}
    # a session
    files: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()
    units: tuple[tuple[str, ...], ...] = ()
    divided: bool = False
    clean: bool = False
    recheck: bool = False
    slot: int = 0
    workers: int = 1
    whole: bool = True
    alone: bool = True
    maxfail: int = 0
    capacities: tuple[tuple[str, int], ...] = ()
    resources: tuple[str, ...] = ()
    worker_env: dict[str, dict[str, str]] = {}
    leaks: dict[str, str] = {}
    leak_timeout: float = 0.0
    memory: int | None = None
    output: int = 0
    preload: str = ""
    junit: str = ""


class Collect(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that is wanted: which expressions pytest evaluates, and whether the process stays as a host.

    ``begins`` says that a run begins with it; ``watched`` has the options that it looks for, by what pytest keeps.
    """

    expressions: tuple[tuple[str, str], ...] = ()
    host: bool = False
    begins: bool = False
    watched: dict[str, str] = {}


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A job for a host: its tests by unit where the session divides them, and where pytest writes an XML of its own.

    ``is_of_the_collection``: the host is the process that made the inventory, so an id means the same there.
    """

    job: Job
    is_of_the_collection: bool = True
    units: Sequence[Sequence[CollectedTest]] = ()
    junit: str = ""


class Order(msgspec.Struct, frozen=True):
    """One line for a host: fork the session of this process."""

    process: str
    settings: str


class Question(msgspec.Struct, frozen=True):
    """The note for a process that is about to be signalled: why it is asked, and which test is meant."""

    why: Why
    id: str
    message: str


def settings_of(asked: Collect | Job | Fork, around: Surroundings, runner: int) -> Settings:
    """The settings of a collection, of a job in a fresh process, or of one that a host forks."""
    common = Settings(
        mode="run",
        runner=runner,
        at_end=str(around.at_end),
        without=around.without,
        testrun_uid=around.run_id,
        seed=around.seed,
    )
    match asked:
        case Collect():
            return msgspec.structs.replace(common, mode="collect", **msgspec.structs.asdict(asked))
        case Job():
            workers = {f"gw{n}": environment_of(asked, around, asked.slot + n, f"gw{n}") for n in range(asked.workers)}
            return msgspec.structs.replace(
                _of_job(asked, common, around),
                files=_files(asked.tests, around),
                worker_env=workers,
                meant=_meant(asked.tests),
            )
        case Fork():
            return msgspec.structs.replace(
                _of_job(asked.job, common, around),
                units=tuple(_ids(unit) for unit in asked.units),
                preload=str(around.imports) if asked.job.phase.preload else "",
                junit=asked.junit,
                meant=() if asked.is_of_the_collection else _meant(asked.job.tests),
            )


def _of_job(job: Job, common: Settings, around: Surroundings) -> Settings:
    phase = job.phase
    return msgspec.structs.replace(
        common,
        tests=_ids(job.tests),
        divided=job.divided,
        clean=job.clean,
        recheck=job.recheck,
        slot=job.slot,
        workers=job.workers,
        whole=len(job.tests) >= around.tests,
        alone=job.workers == 1 and not job.parallel,
        maxfail=job.maxfail,
        capacities=job.capacities,
        resources=phase.resources,
        leaks=phase.leaks.by_kind(),
        leak_timeout=phase.leak_timeout,
        memory=phase.memory,
        output=phase.output,
    )


def _ids(tests: Iterable[CollectedTest]) -> tuple[str, ...]:
    return tuple(test.id for test in tests)


def _meant(tests: Iterable[CollectedTest]) -> tuple[str, ...]:
    return tuple(test.meant for test in tests)


def _files(tests: Iterable[CollectedTest], around: Surroundings) -> tuple[str, ...]:
    """The files that a fresh session has to import; none where it has to import what the collection imported.

    pytest refuses an id on its command line whose file has nothing.
    """
    files = dict.fromkeys(test.source or test.file for test in tests)
    return () if UNKNOWN_SOURCE in files or any("::" in path for path in around.paths) else tuple(files)


def environment_of(job: Job, around: Surroundings, slot: int, worker: str) -> dict[str, str]:
    """The phase's own variables, for one of its slots."""
    values = template_values(job.phase.name, str(around.run_dir), slot, worker)
    return {name: expand(text, values) for name, text in job.phase.env}


def encoded(value: Settings | Order | Question) -> bytes:
    """JSON; lone surrogates, which ids of files that are not UTF-8 have in them, as escapes."""
    return json.dumps(msgspec.to_builtins(value)).encode("ascii")

"""The timeline of a run as a Chrome trace, which Perfetto and the browsers' own tools open.

A phase is a process there. Its threads are its commands, and for each slot the pytest processes and their tests.

    a test's attempt, a command, a process    a complete event, ``X``
    a process that died                       an instant event, ``i``
    names and order of the rows               metadata, ``M``

Times are microseconds since the run began. ``otherData`` says how many tests are planned, and how many attempts are
shown: a test that was not run has no time, and stands there with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ...model.errors import ExitCode
from ...model.result import Attempt, PhaseResult, ProcessRun, RunResult, TestResult
from ...model.vocabulary import GREEN
from ..wording import reasons
from ..wording.text import as_json, one_line
from ..wording.words import exit_status, leak_line
from .format import Format
from .summary import VERDICTS

_MESSAGE = 2000
_GOOD, _BAD, _OTHER = "good", "terrible", "grey"  # colours that the format knows
_COMMANDS = 0  # the thread of the commands; those of slots follow, two each


def render(result: RunResult, exit_code: ExitCode) -> Iterator[bytes]:
    """The document in pieces, an event each."""
    yield b'{"displayTimeUnit":"ms","traceEvents":[\n'
    between = b""
    for number, phase in enumerate(result.phases, 1):
        for event in _phase(result, number, phase):
            yield between + _bytes(event)
            between = b",\n"
    yield b'\n],"otherData":' + _bytes(_facts(result, exit_code)) + b"}\n"


FORMAT = Format(
    key="trace",
    file="trace.json",
    title="the timeline as a Chrome trace, for Perfetto",
    example="reports/trace.json",
    flag="",
    render=lambda result, code, _environ: render(result, code),
    always=False,
)


def _bytes(value: Any) -> bytes:
    return as_json(value).encode()


def _facts(result: RunResult, exit_code: ExitCode) -> dict[str, Any]:
    tests = list(result.tests())
    timed = [attempt for test in tests for attempt in test.attempts if attempt.at > 0]
    return {
        "run": result.run_id,
        "plan": result.plan,
        "verdict": VERDICTS[ExitCode(exit_code)],
        "finished": result.finished and not result.goes_on,
        "planned": len(tests),
        "not_run": reasons.gaps(result),
        "attempts": len(timed),
        "attempts_without_time": sum(len(test.attempts) for test in tests) - len(timed),
    }


def _phase(result: RunResult, number: int, phase: PhaseResult) -> Iterator[dict[str, Any]]:
    yield _named(number, "process_name", name=f"phase {one_line(phase.name)}")
    yield _named(number, "process_sort_index", sort_index=number)
    yield from _thread(number, _COMMANDS, "commands")
    for command in phase.commands:
        if command.at > 0:
            colour = _GOOD if command.status == 0 else _BAD
            facts = {"stage": command.stage, "status": exit_status(command.status)}
            span = _span(result, command.at, command.duration)
            yield _slice(number, _COMMANDS, command.command, span, command.stage, colour, facts)
    for slot in sorted(_slots(phase)):
        yield from _thread(number, _processes_of(slot), f"slot {slot}: processes")
        yield from _thread(number, _tests_of(slot), f"slot {slot}: tests")
    for process in phase.processes:
        yield from _process(result, number, process)
    yield from _attempts(result, number, phase)


def _slots(phase: PhaseResult) -> set[int]:
    held = {slot for process in phase.processes for slot in range(process.slot, process.slot + process.workers)}
    return held | {attempt.slot for test in phase.tests for attempt in test.attempts if attempt.at > 0}


def _processes_of(slot: int) -> int:
    return 2 * slot + 1


def _tests_of(slot: int) -> int:
    return 2 * slot + 2


def _process(result: RunResult, number: int, process: ProcessRun) -> Iterator[dict[str, Any]]:
    """On the row of each slot that it holds, and its death, if it was one."""
    said = exit_status(process.status) if process.status is not None else "nobody saw it end"
    facts = {"pid": process.pid, "tests": process.tests, "attempt": process.attempt, "end": said}
    died = process.status is not None and (process.status < 0 or not process.finished)
    span = _span(result, process.at, process.duration)
    for slot in range(process.slot, process.slot + process.workers):
        thread = _processes_of(slot)
        yield _slice(number, thread, process.name, span, "process", _BAD if died else _OTHER, facts)
    if died:
        thread = _processes_of(process.slot)
        end = sum(span)
        yield {"ph": "i", "s": "t", "pid": number, "tid": thread, "ts": end, "cat": "death", "name": f"died: {said}"}


def _attempts(result: RunResult, number: int, phase: PhaseResult) -> Iterator[dict[str, Any]]:
    """Row by row, in time. One that was seen to end late, as a crash is, ends here where the next one begins.

    Readers refuse events of a row that overlap.
    """
    timed = [(test, attempt) for test in phase.tests for attempt in test.attempts if attempt.at > 0]
    timed.sort(key=lambda pair: (pair[1].slot, pair[1].at, pair[1].duration))
    for (test, attempt), following in zip_longest(timed, [attempt for _, attempt in timed[1:]]):
        start, length = _span(result, attempt.at, attempt.duration)
        if following is not None and following.slot == attempt.slot:
            length = min(length, _span(result, following.at, 0.0)[0] - start)
        yield _attempt(number, test, attempt, (start, length))


def _attempt(number: int, test: TestResult, attempt: Attempt, span: tuple[int, int]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": test.id,
        "outcome": attempt.outcome,
        "attempt": f"{attempt.number} of {len(test.attempts)}",
        "seconds": round(attempt.duration, 6),
        "process": attempt.process,
        "worker": attempt.worker,
        "file": f"{test.file}:{test.line}",
    }
    if attempt.outcome.is_red:
        facts["message"] = reasons.message(attempt)[:_MESSAGE]
    if attempt.leaks:
        facts["leaks"] = [leak_line(leak)[:_MESSAGE] for leak in attempt.leaks]
    colour = _BAD if attempt.outcome.is_red else _GOOD if attempt.outcome in GREEN else _OTHER
    name = one_line(test.id.rpartition("::")[2] or test.id)
    return _slice(number, _tests_of(attempt.slot), name, span, attempt.outcome.value, colour, facts)


def _span(result: RunResult, at: float, duration: float) -> tuple[int, int]:
    """Beginning and length in microseconds; a clock that was set back makes no time negative."""
    return max(0, round((at - result.at) * 1e6)), max(0, round(duration * 1e6))


def _slice(
    phase: int, thread: int, name: str, span: tuple[int, int], kind: str, colour: str, facts: dict[str, Any]
) -> dict[str, Any]:
    return {
        "ph": "X",
        "pid": phase,
        "tid": thread,
        "ts": span[0],
        "dur": span[1],
        "name": name,
        "cat": kind,
        "cname": colour,
        "args": facts,
    }


def _thread(phase: int, thread: int, name: str) -> Iterator[dict[str, Any]]:
    yield {**_named(phase, "thread_name", name=name), "tid": thread}
    yield {**_named(phase, "thread_sort_index", sort_index=thread), "tid": thread}


def _named(phase: int, what: str, **args: object) -> dict[str, Any]:
    return {"ph": "M", "pid": phase, "tid": 0, "name": what, "args": args}

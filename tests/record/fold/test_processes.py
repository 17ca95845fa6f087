"""A process timeline can be drawn from what the fold keeps."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from async_test_runner.model.result import ProcessRun
from async_test_runner.record.events import (
    Event,
    PhaseFinished,
    PhasePlanned,
    ProcessExited,
    ProcessStarted,
    RunFinished,
    Warned,
    decode,
    encode,
)
from async_test_runner.record.fold import Fold, fold
from tests.support.events import PLANNED, RUN, finished, resumed


def begins(number: int, mono: float, tests: int = 1, **facts: object) -> ProcessStarted:
    name = f"p/{number:04d}"
    values = {"phase": "p", "pid": 70 + number, "slot": 0, "attempt": 1, "log": f"processes/{name}/output.log"}
    return ProcessStarted(at=1000.0 + mono, mono=mono, process=name, tests=tests, **{**values, **facts})  # type: ignore[arg-type]


def ends(number: int, mono: float, status: int = 0, *, said: bool = True) -> ProcessExited:
    return ProcessExited(
        at=1000.0 + mono, mono=mono, phase="p", process=f"p/{number:04d}", status=status, finished=said
    )


def processes(*events: Event) -> tuple[ProcessRun, ...]:
    (phase,) = fold((RUN, PLANNED, *events)).phases
    return phase.processes


def test_a_process_has_its_time_its_place_its_tests_and_its_end() -> None:
    (process,) = processes(begins(1, 10.0, tests=7, slot=2, workers=3, attempt=2), ends(1, 12.5, -9, said=False))
    assert process == ProcessRun(
        name="p/0001",
        phase="p",
        pid=71,
        slot=2,
        workers=3,
        attempt=2,
        tests=7,
        at=1010.0,
        mono=10.0,
        log="processes/p/0001/output.log",
        duration=2.5,
        status=-9,
        finished=False,
    )
    assert process.ended == 1012.5


def test_processes_stand_in_the_order_of_their_start_whichever_ends_first() -> None:
    found = processes(begins(1, 10.0), begins(2, 11.0, slot=1), ends(2, 12.0, 1), ends(1, 13.0))
    assert [(process.name, process.duration, process.status) for process in found] == [
        ("p/0001", 3.0, 0),
        ("p/0002", 1.0, 1),
    ]


def test_a_process_whose_end_nobody_saw_has_run_until_the_last_event() -> None:
    state = Fold()
    for event in (RUN, PLANNED, begins(1, 5010.0)):
        state.add(event)
    assert state.phase("p").processes[0].duration == 0.0
    state.add(Warned(at=0.0, mono=5014.0, message="m"))
    assert [(process.duration, process.status) for process in state.phase("p").processes] == [(4.0, None)]
    state.add(ends(1, 5015.0))
    assert [(process.duration, process.status) for process in state.phase("p").processes] == [(5.0, 0)]


@pytest.mark.parametrize("events", [(ends(1, 12.0),), (ends(2, 12.0),)])
def test_an_end_without_a_beginning_is_no_process(events: tuple[Event, ...]) -> None:
    assert processes(*events) == ()


def test_the_processes_of_all_parts_of_a_resumed_run_are_kept() -> None:
    before = (begins(1, 5010.0), begins(2, 5011.0), ends(1, 5012.0), Warned(at=0.0, mono=5013.0, message="killed now"))
    after = (PLANNED, begins(3, 3.0), ends(3, 4.0))
    found = processes(*before, resumed(mono=2.0), *after)
    assert [(process.name, process.mono, process.duration, process.status) for process in found] == [
        ("p/0001", 5010.0, 2.0, 0),
        ("p/0002", 5011.0, 2.0, None),
        ("p/0003", 3.0, 1.0, 0),
    ]


def test_an_exit_after_the_resumption_ends_no_process_of_before() -> None:
    assert [process.status for process in processes(begins(1, 5010.0), resumed(), ends(1, 1.0, 3))] == [None]


def test_a_phase_that_is_complete_keeps_its_processes_when_the_run_is_resumed() -> None:
    planned = PhasePlanned(
        at=0.0, mono=5000.0, phase="p", isolation=PLANNED.isolation, workers=1, tests=PLANNED.tests[:1]
    )
    over = (
        PhaseFinished(at=0.0, mono=5003.0, phase="p", wall=3.0),
        RunFinished(at=0.0, mono=5003.0, exit_code=0, wall=3.0),
    )
    (phase,) = fold((RUN, planned, begins(1, 5001.0), finished("a"), ends(1, 5002.0), *over, resumed())).phases
    assert [process.duration for process in phase.processes] == [1.0]


def test_a_journal_of_a_version_that_did_not_say_the_workers_means_one() -> None:
    line = encode(begins(1, 1.0))
    assert b"workers" not in line
    event = decode(line)
    assert isinstance(event, ProcessStarted)
    assert event.workers == 1


def test_the_names_of_a_process_and_of_its_worker_are_one_string_for_all_its_tests() -> None:
    """Read from a journal, each event has strings of its own: for 100 000 tests these weigh 11 MB."""
    written = [RUN, PLANNED, begins(1, 1.0, tests=3)]
    written += [finished(id, process="p/0001", worker="gw1") for id in ("a", "b", "c")]
    (phase,) = fold(event for line in map(encode, written) if (event := decode(line)) is not None).phases
    attempts = [test.attempts[0] for test in phase.tests]
    assert all(one.process is other.process and one.worker is other.worker for one, other in pairwise(attempts))
    assert (attempts[0].process, attempts[0].worker) == ("p/0001", "gw1")
    assert attempts[0].process is phase.processes[0].name


def test_a_process_has_the_warnings_of_its_tests() -> None:
    (process,) = processes(begins(1, 10.0), msgspec.structs.replace(ends(1, 12.0), warnings=3))
    assert process.warnings == 3

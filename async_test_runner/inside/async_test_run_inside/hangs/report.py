"""From the live process to the report: look at everything once, then decide and write."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from . import ages, bodies, processes, safe, sockets, stacks, tasks, trios, waits
from .bounds import Look
from .rendering import render
from .values import Loop, Report, Situation, Snapshot, Thread

_DEEPER = 500  # frames that a report may add to a stack that is nearly full


def report(frame: FrameType | None, situation: Situation, look: Look) -> Report:
    """What the process is at. ``frame`` is where this thread was interrupted."""
    limit = sys.getrecursionlimit()
    collects = gc.isenabled()
    gc.disable()  # of a large heap a collection takes seconds, and it calls what tests have left to be called
    sys.setrecursionlimit(limit + _DEEPER)
    try:
        return render(snapshot(frame, situation, look))
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()


def snapshot(frame: FrameType | None, situation: Situation, look: Look) -> Snapshot:
    """Everything there is to see, as values."""
    found = list(stacks.threads(frame, look))
    frames = [each for _, _, _, each in found]
    pending = tasks.pending(frames, look)
    loops, numbers = _loops(found, pending)
    listed = tasks.described(pending.tasks, numbers, tasks.roots(frames), look)
    of_trio = trios.described(frames, len(listed), len(loops) + 1, look)
    if of_trio:
        loops = (*loops, Loop(len(loops) + 1, "trio", _trio_thread(found), tasks=len(of_trio)))
    main = threading.main_thread().ident
    return Snapshot(
        situation=_completed(situation, frames[0] if frames else [], look),
        threads=tuple(
            _thread(name, daemon, each, numbers, look, main=ident == main, trio=len(loops) if of_trio else None)
            for ident, name, daemon, each in found
        ),
        loops=loops,
        tasks=(*listed, *of_trio),
        sockets=_in_time(look, "sockets", sockets.described),
        children=_in_time(look, "child processes", processes.described),
        remarks=(*_remarks(), *look.cut),
    )


def _in_time(look: Look, kind: str, described: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    if look.has_time():
        return described()
    look.leave_out(kind, f"no {kind} were looked at")
    return ()


def _loops(found: list[Any], pending: tasks.Pending) -> tuple[tuple[Loop, ...], dict[int, int]]:
    """The loops that run or have tasks, and the number of each by identity."""
    by: dict[int, tuple[Any, str]] = {}
    for _, name, _, frames in found:
        for loop in tasks.running_loops([frames]):
            by[id(loop)] = (loop, name)
    for key, (loop, _) in pending.loops.items():
        by.setdefault(key, (loop, ""))
    numbers = {key: number for number, key in enumerate(by, 1)}
    loops = tuple(
        Loop(
            numbers[key],
            safe.kind(loop),
            thread,
            safe.field(loop, "_closed") is True,
            pending.loops.get(key, (loop, 0))[1],
        )
        for key, (loop, thread) in by.items()
    )
    return loops, numbers


def _thread(
    name: str,
    daemon: bool,
    frames: list[FrameType],
    numbers: dict[int, int],
    look: Look,
    *,
    main: bool,
    trio: int | None,
) -> Thread:
    running = tasks.running_loops([frames])
    loop = running[-1] if running else None
    number = numbers.get(id(loop)) if loop is not None else trio if _runs_trio(frames) else None
    idle = number is not None and (_idles_in_trio(frames) if loop is None else is_idle(frames, loop))
    known = waits.known(frames) if not idle else None
    return Thread(
        name=name,
        places=tuple(stacks.place(frame, look) for frame in frames),
        main=main,
        daemon=daemon,
        loop=number,
        idle=idle,
        waits=known[0] if known else waits.calling(frames),
        joins=_joins(known[1]) if known else "",
        reading=bodies.reading(frames, look),
        writing=bodies.writing(frames, look),
    )


def _joins(frame: FrameType) -> str:
    if not stacks.is_at(frame, "threading.py", "Thread.join"):
        return ""
    return safe.text(safe.field(stacks.local(frame, "self"), "_name"), 80)


def is_idle(frames: list[FrameType], loop: Any) -> bool:
    """Whether a loop waits for something to do: since it took over no callback of its is on the stack, and no task."""
    if tasks.current(loop) is not None:
        return False
    start = max(number for number, frame in enumerate(frames) if tasks.loop_of(frame) is loop)
    return not any(stacks.is_at(frame, "asyncio/events.py", "Handle._run") for frame in frames[start:])


def _runs_trio(frames: list[FrameType]) -> bool:
    return any(stacks.is_at(frame, "trio/_core/_run.py", "run") for frame in frames)


def _idles_in_trio(frames: list[FrameType]) -> bool:
    return bool(frames) and frames[-1].f_code.co_name == "get_events"


def _trio_thread(found: list[Any]) -> str:
    return next((name for _, name, _, frames in found if _runs_trio(frames)), "")


def _remarks() -> list[str]:
    return [
        f"{name} is replaced: event loops and timeouts that go by it may never see time pass"
        for name in ages.replaced_clocks()
    ]


_STAGES = {f"pytest_runtest_{stage}": stage for stage in ("setup", "call", "teardown")}


def _completed(situation: Situation, frames: list[FrameType], look: Look) -> Situation:
    stage = stage_of(frames) if situation.id else ""
    definition, fixture = fixture_of(frames, stage) or (None, "")
    function = safe.field(definition, "func") if definition is not None else _test_of(frames)
    code = waits.code_of(function)
    subject = stacks.definition(code, look) if code is not None else None
    return situation._replace(
        stage=stage, fixture=fixture, subject=subject if subject is not None and subject.own else None
    )


def _in_file(frames: list[FrameType], *parts: str) -> list[FrameType]:
    return [frame for frame in frames if frame.f_code.co_filename.endswith(os.path.join(*parts))]


def stage_of(frames: list[FrameType]) -> str:
    """The stage of the test that runs, by the hook of pytest's own that does it."""
    runs = _in_file(frames, "_pytest", "runner.py")
    return next((stage for frame in runs if (stage := _STAGES.get(frame.f_code.co_name))), "")


def _test_of(frames: list[FrameType]) -> Any:
    """The function of the test that runs."""
    runs = (frame for frame in _in_file(frames, "_pytest", "runner.py") if frame.f_code.co_name in _STAGES)
    return next((safe.field(stacks.local(frame, "item"), "_obj") for frame in runs), None)


def fixture_of(frames: list[FrameType], stage: str) -> tuple[Any, str] | None:
    """The fixture that is set up or torn down, by the frames of pytest that do it, and that in words."""
    kind = getattr(sys.modules.get("pytest"), "FixtureDef", None)
    for frame in reversed(_in_file(frames, "_pytest", "fixtures.py")):
        definition = stacks.local(frame, "self") or stacks.local(frame, "fixturedef")
        if kind is not None and safe.is_kind(definition, kind):
            down = frame.f_code.co_name == "finish" or (stage == "teardown" and frame.f_code.co_name != "execute")
            how = "tearing down" if down else "setting up"
            scope = safe.text(str(definition.scope))
            return definition, f"{how} fixture {safe.text(definition.argname, 80)} (scope {scope})"
    return None

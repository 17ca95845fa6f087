"""The task tree of trio, of every run that can be found: in this thread, in others, or as a guest of another loop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from types import FrameType
from typing import Any

from . import bodies, cancelled, chains, safe, stacks, waits
from .bounds import Look
from .values import Task

_MOST = 300
_TIES = 1000  # tasks of a nursery


def described(threads: list[list[FrameType]], first: int, loop: int, look: Look) -> tuple[Task, ...]:
    """The tasks of trio, each after its parent. ``first`` is the position of the first, ``loop`` the number shown."""
    trio = sys.modules.get("trio")
    lowlevel = getattr(trio, "lowlevel", None)
    if lowlevel is None:
        return ()
    tasks = [task for root in _roots(lowlevel, threads, look) for task in _family(root)]
    tasks = list(look.some(tasks, _MOST, "tasks of trio", len(tasks)))
    position = {id(task): first + number for number, task in enumerate(tasks)}
    return tuple(_described(task, position, _current(lowlevel), loop, look) for task in tasks)


def _roots(lowlevel: Any, threads: list[list[FrameType]], look: Look) -> list[Any]:
    found = []
    try:
        found.append(lowlevel.current_root_task())
    except RuntimeError:  # this thread runs no trio
        pass
    found += [safe.own(runner, "root_task") for frames in threads for runner in _runners(frames)]
    if not any(found):  # a guest whose thread has no frame at the moment
        found += [
            task
            for task in look.living(lowlevel.Task, "tasks of trio")
            if task.parent_nursery is None and task.child_nurseries
        ]
    return list({id(task): task for task in found if task is not None}.values())


def _runners(frames: list[FrameType]) -> Iterator[Any]:
    """The runs that a thread is in, or waits for as the thread of a guest."""
    for frame in frames:
        if stacks.is_at(frame, "trio/_core/_run.py", "run"):
            yield stacks.local(frame, "runner")
        elif stacks.is_at(frame, "trio/_core/_run.py", "GuestState.guest_tick.<locals>.get_events"):
            yield safe.own(stacks.local(frame, "self"), "runner")


def _family(task: Any) -> list[Any]:
    """A task and all below it, as far as they are looked at."""
    found = [task]
    for parent in found:  # grows while it is read
        found += _children(parent) if len(found) <= _MOST else []
    return found


def _children(task: Any) -> list[Any]:
    return [
        child for nursery in task.child_nurseries for child in sorted(islice(nursery.child_tasks, _TIES), key=_name)
    ]


def _name(task: Any) -> str:
    return safe.text(task.name, 100)


def _current(lowlevel: Any) -> Any:
    try:
        return lowlevel.current_task()
    except RuntimeError:
        return None


def _described(task: Any, position: dict[int, int], current: Any, loop: int, look: Look) -> Task:
    chain = chains.follow(task.coro, look)
    children = tuple(position[id(child)] for child in _children(task) if id(child) in position)
    found = waits.known(chain.frames)
    words = f"waits for {len(children)} tasks of its nursery" if children else found[0] if found else ""
    return Task(
        name=_name(task),
        loop=loop,
        places=tuple(stacks.place(frame, look) for frame in chain.frames),
        waits="" if task is current else words,
        on=children,
        root=task.parent_nursery is None,
        current=task is current,
        cancelled="" if task is current or children else cancelled.of_trio(task),
        reading=bodies.reading(chain.frames, look),
        writing=bodies.writing(chain.frames, look),
    )

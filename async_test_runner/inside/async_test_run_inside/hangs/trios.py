"""The task tree of trio, of every run that can be found: in this thread, in others, or as a guest of another loop."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from . import chains, safe, stacks, waits
from .values import Task

_MOST = 300


def described(threads: list[list[FrameType]], first: int, loop: int, root_dir: str) -> tuple[Task, ...]:
    """The tasks of trio, each after its parent. ``first`` is the position of the first, ``loop`` the number shown."""
    trio = sys.modules.get("trio")
    lowlevel = getattr(trio, "lowlevel", None)
    if lowlevel is None:
        return ()
    tasks = [task for root in _roots(lowlevel, threads) for task in _family(root)][:_MOST]
    position = {id(task): first + number for number, task in enumerate(tasks)}
    return tuple(_described(task, position, _current(lowlevel), loop, root_dir) for task in tasks)


def _roots(lowlevel: Any, threads: list[list[FrameType]]) -> list[Any]:
    found = []
    try:
        found.append(lowlevel.current_root_task())
    except RuntimeError:  # this thread runs no trio
        pass
    for frames in threads:
        runners = (
            stacks.local(frame, "runner") for frame in frames if stacks.is_at(frame, "trio/_core/_run.py", "run")
        )
        found += [getattr(runner, "root_task", None) for runner in runners if runner is not None]
    if not any(found):  # a guest in a thread of its own leaves no frame
        found += [task for task in safe.living(lowlevel.Task) if task.parent_nursery is None and task.child_nurseries]
    return list({id(task): task for task in found if task is not None}.values())


def _family(task: Any) -> list[Any]:
    """A task and all below it."""
    found = [task]
    for parent in found:  # grows while it is read
        found += _children(parent) if len(found) < _MOST else []
    return found


def _children(task: Any) -> list[Any]:
    return [child for nursery in task.child_nurseries for child in sorted(nursery.child_tasks, key=_name)]


def _name(task: Any) -> str:
    return safe.text(task.name, 100)


def _current(lowlevel: Any) -> Any:
    try:
        return lowlevel.current_task()
    except RuntimeError:
        return None


def _described(task: Any, position: dict[int, int], current: Any, loop: int, root_dir: str) -> Task:
    chain = chains.follow(task.coro)
    children = tuple(position[id(child)] for child in _children(task) if id(child) in position)
    found = waits.known(chain.frames)
    words = f"waits for {len(children)} tasks of its nursery" if children else found[0] if found else ""
    return Task(
        name=_name(task),
        loop=loop,
        places=tuple(stacks.place(frame, root_dir) for frame in chain.frames),
        waits="" if task is current else words,
        on=children,
        root=task.parent_nursery is None,
        current=task is current,
    )

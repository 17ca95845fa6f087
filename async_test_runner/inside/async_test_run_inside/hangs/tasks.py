"""The tasks of every event loop of asyncio: running, running in another thread, or not running at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from . import chains, safe, stacks, waits
from .ages import age, now
from .chains import Chain
from .values import Task

_MOST = 300  # tasks of which the chains are followed
_TRIES = 100  # a set of weak references changes while it is read


class Found:
    """A pending task, before it becomes a value."""

    def __init__(self, task: Any, name: str, loop: Any, chain: Chain) -> None:
        self.task = task
        self.name = name
        self.loop = loop
        self.chain = chain


def pending(stacks_of_threads: Iterable[list[FrameType]]) -> list[Found]:
    """Every task that is not done, in the order of their names."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not hasattr(asyncio, "Task"):
        return []
    kind = asyncio.Task
    found = {id(task): task for task in _tasks(asyncio, list(stacks_of_threads))}
    open_ = [task for task in found.values() if safe.is_kind(task, kind) and not kind.done(task)]
    named = sorted(((_name(kind, task), task) for task in open_), key=lambda pair: _natural(pair[0]))
    return [Found(task, name, _loop(kind, task), chains.follow(kind.get_coro(task))) for name, task in named[:_MOST]]


def _name(kind: Any, task: Any) -> str:
    return safe.text(kind.get_name(task), 100)


def _natural(name: str) -> tuple[str, int]:
    """``Task-2`` stands before ``Task-10``."""
    head = name.rstrip("0123456789")
    return head, int(name[len(head) :][:18] or 0)


def _loop(kind: Any, task: Any) -> Any:
    try:
        return kind.get_loop(task)
    except RuntimeError:
        return None


def _tasks(asyncio: Any, threads: list[list[FrameType]]) -> Iterator[Any]:
    """The sets in which asyncio keeps its tasks; where they do not hold all of them, what its loops say themselves."""
    module = asyncio.tasks
    for name in ("_scheduled_tasks", "_eager_tasks", "_all_tasks"):
        yield from _members(getattr(module, name, ()))
    for loop in running_loops(threads):
        with contextlib.suppress(Exception):  # a set that changes all the time, a loop that only looks like one
            yield from asyncio.all_tasks(loop)
    if not _keeps_sets(module):
        yield from safe.living(asyncio.Task)


def _keeps_sets(module: Any) -> bool:
    """Up to Python 3.13 every task is in a set; later ones keep those made in C in lists that only C can read."""
    return hasattr(module, "_all_tasks") or sys.version_info < (3, 14)


def _members(tasks: Any) -> list[Any]:
    for _ in range(_TRIES):
        try:
            return list(tasks)
        except RuntimeError:
            continue
    return []


def running_loops(threads: Iterable[list[FrameType]]) -> list[Any]:
    """The loops that some thread runs, outermost first."""
    loops = []
    for frames in threads:
        loops += [loop for frame in frames if (loop := loop_of(frame)) is not None]
    return list({id(loop): loop for loop in loops}.values())


def loop_of(frame: FrameType) -> Any:
    """The loop that a frame runs: those of asyncio say it themselves, others are known to `asyncio.Runner`."""
    if stacks.is_at(frame, "asyncio/base_events.py", "BaseEventLoop.run_forever", "BaseEventLoop.run_until_complete"):
        return stacks.local(frame, "self")
    if stacks.is_at(frame, "asyncio/runners.py", "Runner.run"):
        return safe.field(stacks.local(frame, "self"), "_loop")
    return None


def roots(threads: Iterable[list[FrameType]]) -> list[Any]:
    """The tasks whose end some thread waits for, the innermost of each thread only."""
    found = []
    for frames in threads:
        tasks = [task for frame in frames if (task := _root_of(frame)) is not None]
        found += tasks[-1:]
    return found


def _root_of(frame: FrameType) -> Any:
    if stacks.is_at(frame, "asyncio/base_events.py", "BaseEventLoop.run_until_complete"):
        return stacks.local(frame, "future")
    if stacks.is_at(frame, "asyncio/runners.py", "Runner.run"):
        return stacks.local(frame, "task")
    return None


def current(loop: Any) -> Any:
    """The task whose turn it is in a loop; None in between."""
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.current_task(loop) if asyncio is not None and loop is not None else None
    except Exception:  # noqa: BLE001 - a loop that cannot be a key
        return None


# ------------------------------------------------------------------------------------------------- who waits for whom


class Links:
    """What the tasks have to do with each other."""

    def __init__(self, found: list[Found]) -> None:
        self._found = found
        self._position = {id(item.task): number for number, item in enumerate(found)}
        self._behind = _behind(found)
        self._entered: dict[int, list[int]] = {}
        for number, item in enumerate(found):
            for link in item.chain.links:
                for manager in chains.entered(link):
                    self._entered.setdefault(id(manager), []).append(number)

    def on(self, number: int) -> tuple[int, ...]:
        """The positions of the tasks that one waits for."""
        chain = self._found[number].chain
        targets = [*_direct(chain), *self._behind.get(id(chain.leaf), ())]
        positions = (self._position.get(id(target)) for target in targets)
        return tuple(dict.fromkeys(p for p in positions if p is not None and p != number))

    def holders(self, number: int) -> waits.Holders:
        """Who has entered a context manager that this task waits for."""

        def name(manager: Any) -> str:
            inside = list(self._entered.get(id(manager), ()))
            if number in inside:
                inside.remove(number)  # it is about to enter: its own trace says nothing, but a second one does
            waiting = {n for n in set(inside) if n != number and self._waits_for(n, manager)}
            names = [self._found[n].name for n in dict.fromkeys(inside) if n not in waiting or inside.count(n) > 1]
            if names and number in inside and len(set(inside)) == 1:
                return "this very task"
            return f"task {', '.join(names[:5])}" if names else ""

        return name

    def _waits_for(self, number: int, manager: Any) -> bool:
        known = waits.known(self._found[number].chain.frames)
        return known is not None and stacks.local(known[1], "self") is manager


def _direct(chain: Chain) -> list[Any]:
    """Tasks that a chain names itself: the one that it awaits, those of its gather, of its group, of its wait."""
    leaf = chain.leaf
    found = [leaf]
    if type(leaf).__name__ == "_GatheringFuture":
        found += list(getattr(leaf, "_children", None) or ())
    for frame in chain.frames[-4:]:
        if stacks.is_own(frame.f_code.co_filename):
            continue
        if frame.f_code.co_name in ("__aexit__", "_aexit"):
            tasks = safe.field(stacks.local(frame, "self"), "_tasks")
            found += list(tasks) if type(tasks) in (set, list) else []
        elif stacks.is_at(frame, "asyncio/tasks.py", "_wait"):
            fs = stacks.local(frame, "fs")
            found += list(fs) if type(fs) in (set, list) else []
        elif stacks.is_at(frame, "asyncio/tasks.py", "wait_for"):
            found.append(stacks.local(frame, "fut"))
    return found


def _behind(found: list[Found]) -> dict[int, list[Any]]:
    """Futures that are finished by a callback of a task (`shield`, `wait_for`, `gather`) -> those tasks."""
    behind: dict[int, list[Any]] = {}
    for item in found:
        for target in (*_targets(item.task), *_awaited_by(item.task)):
            behind.setdefault(id(target), []).append(item.task)
    return behind


def _targets(task: Any) -> Iterator[Any]:
    callbacks = getattr(task, "_callbacks", None)
    for entry in callbacks if type(callbacks) is list else ():
        callback = entry[0] if type(entry) is tuple else entry
        cells = getattr(callback, "__closure__", None) if type(callback).__name__ == "function" else None
        for cell in cells or ():
            try:
                if chains.is_future(cell.cell_contents):
                    yield cell.cell_contents
            except ValueError:  # an empty cell
                continue
        if type(callback).__name__ == "partial":
            yield from (argument for argument in callback.args if chains.is_future(argument))


def _awaited_by(task: Any) -> list[Any]:
    """What Python 3.14 knows about who awaits a task."""
    capture = getattr(sys.modules.get("asyncio"), "capture_call_graph", None)
    if capture is None:
        return []
    try:
        graph = capture(task)
    except Exception:  # noqa: BLE001 - it refuses a task of another thread's loop
        return []
    return [waiting.future for waiting in graph.awaited_by or ()] if graph is not None else []


def described(found: list[Found], numbers: dict[int, int], roots_: list[Any], root_dir: str) -> tuple[Task, ...]:
    """The tasks as values. ``numbers`` gives each loop its number."""
    links, moment = Links(found), now()
    top = {id(task) for task in roots_}
    result = []
    for number, item in enumerate(found):
        turn = item.loop is not None and current(item.loop) is item.task
        waited = "" if turn else waits.of_chain(item.chain, links.holders(number))
        result.append(
            Task(
                name=item.name,
                loop=numbers.get(id(item.loop), 0),
                age=age(item.task, moment),
                places=tuple(stacks.place(frame, root_dir) for frame in item.chain.frames),
                waits=waited,
                on=links.on(number),
                root=id(item.task) in top,
                current=turn,
            )
        )
    return tuple(result)

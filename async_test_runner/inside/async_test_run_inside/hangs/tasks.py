"""The tasks of every event loop of asyncio: running, running in another thread, or not running at all."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter, deque
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from types import FrameType, FunctionType
from typing import Any, NamedTuple

from . import bodies, cancelled, chains, safe, stacks, waits
from .ages import age, now
from .bounds import Look
from .chains import Chain
from .values import Task

_MOST = 300  # tasks of which the chains are followed
_TIES = 1000  # tasks of a group that are looked at
_CALLBACKS = 50  # of a task: each of them says who waits for it
_SORTED = 20_000  # tasks up to which they are put in order first
_ALL = 200_000  # of which it is asked whether they are done
_TRIES = 100  # a set of weak references changes while it is read


class Found:
    """A pending task, before it becomes a value."""

    def __init__(self, task: Any, name: str, loop: Any, chain: Chain) -> None:
        self.task = task
        self.name = name
        self.loop = loop
        self.chain = chain
        self.wait = waits.known(chain.frames)


class Pending(NamedTuple):
    """The tasks of which more is known, in the order of their names, and how many each loop has by its identity."""

    tasks: list[Found]
    loops: dict[int, tuple[Any, int]]


def pending(stacks_of_threads: Iterable[list[FrameType]], look: Look) -> Pending:
    """Every task that is not done. Of many, those first that somebody waits for."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not hasattr(asyncio, "Task"):
        return Pending([], {})
    threads = list(stacks_of_threads)
    kind = asyncio.Task
    found = {id(task): task for task in look.some(_tasks(asyncio, threads, look), _ALL, "task objects")}
    open_ = {key: task for key, task in found.items() if safe.is_kind(task, kind) and not kind.done(task)}
    loops: dict[int, tuple[Any, int]] = {}
    for task in open_.values():
        loop = _loop(kind, task)
        loops[id(loop)] = (loop, loops.get(id(loop), (loop, 0))[1] + 1)
    followed = [
        Found(task, _name(kind, task), _loop(kind, task), chain)
        for task, chain in _followed(kind, open_, roots(threads), look)
    ]
    return Pending(sorted(followed, key=lambda item: _natural(item.name)), loops)


def _followed(kind: Any, open_: dict[int, Any], first: list[Any], look: Look) -> Iterator[tuple[Any, Chain]]:
    """Tasks with their chains: ``first``, what these wait for, those that were cancelled, then all by their names."""
    ahead = deque(id(task) for task in first)
    rest = deque(key for key, task in open_.items() if kind.cancelling(task))
    rest += sorted(open_, key=lambda key: _natural(_name(kind, open_[key]))) if len(open_) <= _SORTED else open_
    for key in look.some(_once(ahead, rest, open_), _MOST, "tasks", len(open_)):
        chain = chains.follow(kind.get_coro(open_[key]), look)
        ahead += map(id, _direct(chain))
        yield open_[key], chain


def _once(ahead: deque[int], rest: deque[int], known: Container[int]) -> Iterator[int]:
    """What is in two queues, of which the first may grow meanwhile."""
    seen: set[int] = set()
    while ahead or rest:
        key = ahead.popleft() if ahead else rest.popleft()
        if key in known and key not in seen:
            seen.add(key)
            yield key


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


def _tasks(asyncio: Any, threads: list[list[FrameType]], look: Look) -> Iterator[Any]:
    """The sets in which asyncio keeps its tasks; where they do not hold all of them, what its loops say themselves."""
    module = asyncio.tasks
    for name in ("_scheduled_tasks", "_eager_tasks", "_all_tasks"):
        yield from _members(getattr(module, name, ()))
    if _keeps_sets(module):
        return
    for loop in running_loops(threads):
        with contextlib.suppress(Exception):  # a set that changes all the time, a loop that only looks like one
            yield from asyncio.all_tasks(loop)
    yield from look.living(asyncio.Task, "tasks of loops that do not run")


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
        self._waited: list[Any] = [stacks.local(item.wait[1], "self") if item.wait else None for item in found]
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
            inside = Counter(self._entered.get(id(manager), ()))
            if number in inside:
                inside[number] -= 1  # it is about to enter: its own trace says nothing, but a second one does
            names = [
                self._found[n].name
                for n, times in inside.items()
                if times > 1 or (times == 1 and (n == number or self._waited[n] is not manager))
            ]
            if names and inside[number] and len(+inside) == 1:
                return "this very task"
            return f"task {', '.join(names[:5])}" if names else ""

        return name


def _direct(chain: Chain) -> list[Any]:
    """Tasks that a chain names itself: the one that it awaits, those of its gather, of its group, of its wait."""
    leaf = chain.leaf
    found = [leaf]
    if type(leaf).__name__ == "_GatheringFuture":
        found += _some(safe.field(leaf, "_children"))
    for frame in chain.frames[-4:]:
        if stacks.is_own(frame.f_code.co_filename):
            continue
        if frame.f_code.co_name in ("__aexit__", "_aexit"):
            found += _some(safe.field(stacks.local(frame, "self"), "_tasks"))
        elif stacks.is_at(frame, "asyncio/tasks.py", "_wait"):
            found += _some(stacks.local(frame, "fs"))
        elif stacks.is_at(frame, "asyncio/tasks.py", "wait_for"):
            found.append(stacks.local(frame, "fut"))
    return found


def _some(tasks: Any, most: int = _TIES) -> list[Any]:
    """The first ones of a set or a list; which other threads may change."""
    if type(tasks) not in (set, frozenset, list):
        return []
    for _ in range(_TRIES):
        with contextlib.suppress(RuntimeError):
            return list(islice(tasks, most))
    return []


def _behind(found: list[Found]) -> dict[int, list[Any]]:
    """Futures that are finished by a callback of a task (`shield`, `wait_for`, `gather`) -> those tasks."""
    behind: dict[int, list[Any]] = {}
    for item in found:
        for target in (*_targets(item.task), *_some(safe.own(item.task, "_asyncio_awaited_by"), _CALLBACKS)):
            behind.setdefault(id(target), []).append(item.task)
    return behind


def _targets(task: Any) -> Iterator[Any]:
    for entry in _some(safe.own(task, "_callbacks"), _CALLBACKS):
        callback = entry[0] if type(entry) is tuple and entry else entry
        cells = callback.__closure__ if type(callback) is FunctionType else None
        for cell in cells or ():
            try:
                if chains.is_future(cell.cell_contents):
                    yield cell.cell_contents
            except ValueError:  # an empty cell
                continue
        if type(callback) is functools.partial:
            yield from (argument for argument in callback.args if chains.is_future(argument))


def described(found: list[Found], numbers: dict[int, int], roots_: list[Any], look: Look) -> tuple[Task, ...]:
    """The tasks as values. ``numbers`` gives each loop its number."""
    links, moment = Links(found), now()
    top = {id(task) for task in roots_}
    result = []
    for number, item in enumerate(found):
        turn = item.loop is not None and current(item.loop) is item.task
        frames = item.chain.frames
        result.append(
            Task(
                name=item.name,
                loop=numbers.get(id(item.loop), 0),
                age=age(item.task, moment),
                places=tuple(stacks.place(frame, look) for frame in frames),
                waits="" if turn else waits.of_chain(item.chain, item.wait, links.holders(number)),
                on=links.on(number),
                root=id(item.task) in top,
                current=turn,
                cancelled=cancelled.of_task(item.task, frames, look),
                reading=bodies.reading(frames, look),
                writing=bodies.writing(frames, look),
            )
        )
    return tuple(result)

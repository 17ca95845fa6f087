"""The one line that most likely hangs. Pure: values in, a place and a reason out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .values import Place, Snapshot, Task, Thread

_BUSY = 0.25  # share of its time that a thread computes, from which on it is not waiting


class Likely(NamedTuple):
    """``place`` hangs because of ``why``; ``via`` are the places that led there, outermost first, and ``beside`` tells
    what other tasks are at.
    """

    place: Place | None
    why: str = ""
    via: tuple[Place, ...] = ()
    beside: tuple[str, ...] = ()


def likely(snapshot: Snapshot) -> Likely:
    """Where the test that this process runs most likely hangs."""
    main = next((thread for thread in snapshot.threads if thread.main), None)
    if main is None:
        return Likely(None, "no thread could be looked at")
    found = _in_loop(snapshot, main) if main.idle else None
    found = found or _in_thread(snapshot, main)
    reasons = (snapshot.situation.fixture, found.why)
    return found._replace(why="; ".join(reason for reason in reasons if reason))


def _own(places: tuple[Place, ...]) -> list[Place]:
    return [place for place in places if place.own]


# ------------------------------------------------------------------------------------------------------ in a loop


def _in_loop(snapshot: Snapshot, main: Thread) -> Likely | None:
    """The loop has nothing to do: follow the tasks from the one that the thread waits for."""
    tasks = snapshot.tasks
    mine = [number for number, task in enumerate(tasks) if task.loop == main.loop]
    roots = [number for number in mine if tasks[number].root]
    for number in [*roots, *_by_interest(snapshot, mine)]:
        path = _path(tasks, number)
        places = [place for n in path for place in _own(tasks[n].places)]
        if places:
            last = tasks[path[-1]]
            beside = tuple(_beside(tasks, [n for n in range(len(tasks)) if n not in path]))
            return Likely(places[-1], _why(tasks, path, last), tuple(places[:-1]), beside)
    return None


def _beside(tasks: tuple[Task, ...], others: list[int]) -> Iterator[str]:
    for number in others:
        places = _own(tasks[number].places)
        if places:
            waits = f"  ({tasks[number].waits})" if tasks[number].waits else ""
            yield f"task {tasks[number].name} is at {places[-1]}{waits}"


def _by_interest(snapshot: Snapshot, mine: list[int]) -> list[int]:
    """Plugins run tests in tasks that nobody visibly waits for: those in the test's file first, the oldest first."""
    file = snapshot.situation.id.partition("::")[0]

    def interest(number: int) -> tuple[bool, float]:
        task = snapshot.tasks[number]
        in_test = any(place.file.endswith(file) for place in task.places) if file else False
        return not in_test, -(task.age or 0.0)

    return sorted(mine, key=interest)


def _path(tasks: tuple[Task, ...], start: int) -> list[int]:
    """From a task along what it waits for, as far as there is a line of the project's; a circle is walked once."""
    path = [start]
    while True:
        following = [n for n in tasks[path[-1]].on if n not in path]
        step = next((n for n in following if _leads_somewhere(tasks, n, set(path))), None)
        if step is None:
            return path
        path.append(step)


def _leads_somewhere(tasks: tuple[Task, ...], number: int, seen: set[int]) -> bool:
    open_ = [number]
    while open_:
        task = tasks[open_.pop()]
        if any(place.own for place in task.places):
            return True
        fresh = [n for n in task.on if n not in seen]
        seen.update(fresh)
        open_ += fresh
    return False


def _why(tasks: tuple[Task, ...], path: list[int], last: Task) -> str:
    circle = next((n for n in last.on if n in path), None)
    if circle is not None:
        names = " -> ".join(tasks[n].name for n in path[path.index(circle) :])
        return f"a circle of tasks that wait for each other: {names} -> {tasks[circle].name}"
    return last.waits


# ---------------------------------------------------------------------------------------------------- in a thread


def _in_thread(snapshot: Snapshot, main: Thread) -> Likely:
    """The thread is at a line of Python itself."""
    places = _own(main.places)
    why = [main.waits or (_idles(snapshot, main) if main.idle else _pace(snapshot))]
    turn = next((task for task in snapshot.tasks if task.current and task.loop == main.loop), None)
    if turn is not None:
        others = sum(task.loop == turn.loop for task in snapshot.tasks) - 1
        why.append(
            f"task {turn.name} does not return to its event loop" + (f", where {others} more wait" if others else "")
        )
    if places:
        return Likely(places[-1], "; ".join(part for part in why if part), tuple(places[:-1]))
    return _elsewhere(snapshot, main) or Likely(main.places[-1] if main.places else None, why[0])


def _idles(snapshot: Snapshot, main: Thread) -> str:
    roots = (task.waits for task in snapshot.tasks if task.root and task.loop == main.loop)
    return next((waits for waits in roots if waits), "its event loop has nothing to do")


def _pace(snapshot: Snapshot) -> str:
    age, busy = snapshot.situation.age, snapshot.situation.busy
    if age > 0 and busy / age >= _BUSY:
        return f"busy: {busy:.1f} s of processor time in {age:.1f} s"
    return ""


def _elsewhere(snapshot: Snapshot, main: Thread) -> Likely | None:
    """The main thread waits, but for none of the project's lines: another thread, or a task, is at one."""
    at_end = "no daemons" in main.waits  # then a library's thread is the culprit as well
    for thread in sorted(snapshot.threads, key=lambda thread: (thread.daemon, not _own(thread.places))):
        places = _own(thread.places) or list(thread.places[-1:] if at_end else ())
        if not thread.main and places and not (thread.daemon and at_end):
            why = f"thread {thread.name}: {thread.waits or 'still runs'}"
            return Likely(places[-1], "; ".join(filter(None, [why, main.waits])), tuple(places[:-1]))
    for task in snapshot.tasks:
        places = _own(task.places)
        if places:
            return Likely(places[-1], f"task {task.name} {task.waits}", tuple(places[:-1]))
    return None

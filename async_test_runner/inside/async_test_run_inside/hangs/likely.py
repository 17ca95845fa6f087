"""The one line that most likely hangs. Pure: values in, a place and a reason out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .values import Place, Reading, Snapshot, Task, Thread, Writing

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
    leads = _leading(tasks)
    for number in [*roots, *_by_interest(snapshot, mine)]:
        path = _path(tasks, number, leads)
        places = [place for n in path for place in _own(tasks[n].places)]
        if places:
            beside = tuple(_beside(tasks, [n for n in range(len(tasks)) if n not in path]))
            read = next((reading for n in path if (reading := tasks[n].reading) is not None), None)
            if read is not None:
                return _endless(snapshot, read, tasks[path[-1]].waits)._replace(beside=beside)
            return Likely(places[-1], _why(tasks, path), tuple(places[:-1]), beside)
    return None


def _endless(snapshot: Snapshot, read: Reading, waits: str) -> Likely:
    """A body that somebody reads has no end; what produces it may be at work in any task or thread."""
    at_work = [*(task.writing for task in snapshot.tasks), *(thread.writing for thread in snapshot.threads)]
    found = [writing for writing in at_work if writing is not None]
    written = min(found, key=_is_no_generator) if found else None
    parts = f" ({read.parts} part{'s' if read.parts != 1 else ''} so far)" if read.parts is not None else ""
    still = f"{written.what} is still at {written.place}" if written is not None else waits
    return Likely(read.place, ": ".join(filter(None, [f"reads a response body that does not end{parts}", still])))


def _is_no_generator(writing: Writing) -> bool:
    return not writing.what.startswith("the generator")


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


def _path(tasks: tuple[Task, ...], start: int, leads: frozenset[int]) -> list[int]:
    """From a task along what it waits for, as far as there is a line of the project's; a circle is walked once."""
    path, last = {start: None}, start  # in order, and quick to ask
    while True:
        step = next((n for n in tasks[last].on if n in leads and n not in path), None)
        if step is None:
            return _trimmed(tasks, list(path))
        path[step] = None
        last = step


def _trimmed(tasks: tuple[Task, ...], path: list[int]) -> list[int]:
    """Without what stands behind the last task that is at a line of the project's."""
    while len(path) > 1 and not _own(tasks[path[-1]].places):
        path.pop()
    return path


def _leading(tasks: tuple[Task, ...]) -> frozenset[int]:
    """The tasks that are at a line of the project's, and those that wait for one of them."""
    waiting: dict[int, list[int]] = {}
    for number, task in enumerate(tasks):
        for other in task.on:
            waiting.setdefault(other, []).append(number)
    open_ = [number for number, task in enumerate(tasks) if _own(task.places)]
    leads = set(open_)
    while open_:
        fresh = [n for n in waiting.get(open_.pop(), ()) if n not in leads]
        leads.update(fresh)
        open_ += fresh
    return frozenset(leads)


def _why(tasks: tuple[Task, ...], path: list[int]) -> str:
    last = tasks[path[-1]]
    words = [*_cancelled(tasks, path), last.waits]
    circle = next((n for n in last.on if n in path), None)
    if circle is not None:
        names = " -> ".join(tasks[n].name for n in path[path.index(circle) :])
        words[-1] = f"a circle of tasks that wait for each other: {names} -> {tasks[circle].name}"
    return "; ".join(filter(None, words))


def _cancelled(tasks: tuple[Task, ...], path: list[int]) -> Iterator[str]:
    """The innermost task of a path that was cancelled: those around it wait for it."""
    number = next((n for n in reversed(path) if tasks[n].cancelled), None)
    if number is not None:
        yield f"task {tasks[number].name} {tasks[number].cancelled}"


# ---------------------------------------------------------------------------------------------------- in a thread


def _in_thread(snapshot: Snapshot, main: Thread) -> Likely:
    """The thread is at a line of Python itself."""
    turn = next((task for task in snapshot.tasks if task.current and task.loop == main.loop), None)
    read = main.reading or _read_in_loop(snapshot, main)
    if read is not None:
        return _endless(snapshot, read, main.waits)
    places = _own(main.places)
    why = [main.waits or (_idles(snapshot, main) if main.idle else _pace(snapshot)), _joined(snapshot, main)]
    if turn is not None:
        others = sum(task.loop == turn.loop for task in snapshot.tasks) - 1
        why += [f"task {turn.name} {turn.cancelled}"] if turn.cancelled else []
        why.append(
            f"task {turn.name} does not return to its event loop" + (f", where {others} more wait" if others else "")
        )
    words = "; ".join(filter(None, why))
    return Likely(places[-1], words, tuple(places[:-1])) if places else _nowhere(snapshot, main, words)


def _read_in_loop(snapshot: Snapshot, main: Thread) -> Reading | None:
    """The body that the loop's own coroutine reads, which may be at any line when it is asked."""
    mine = [task for task in snapshot.tasks if main.loop is not None and task.loop == main.loop]
    return next((task.reading for task in mine if task.reading is not None and (task.root or task.current)), None)


def _joined(snapshot: Snapshot, main: Thread) -> str:
    """Where the thread is whose end the main thread waits for."""
    thread = next((each for each in snapshot.threads if main.joins and each.name == main.joins), None)
    if thread is None:
        return ""
    places = _own(thread.places)
    return f"which is at {places[-1]}" if places else thread.waits


def _nowhere(snapshot: Snapshot, main: Thread, why: str) -> Likely:
    """No line of the project's is on the stack: what is known of where it comes from, and never what runs tests."""
    subject = snapshot.situation.subject
    inner = next((place for place in reversed(main.places) if not place.machinery), None)
    at = f"no line of the project's is at work, but {inner.file}:{inner.line} in {inner.function}" if inner else ""
    why = why or ("" if main.places else "its stack is empty: it is at its end, in C or in an exit handler of C's")
    if snapshot.situation.fixture and subject is not None:
        return Likely(subject, why or at)
    found = _elsewhere(snapshot, main, why)
    if found is not None:
        return found
    return Likely(subject, why or at) if subject is not None else Likely(inner, why)


def _idles(snapshot: Snapshot, main: Thread) -> str:
    roots = (task.waits for task in snapshot.tasks if task.root and task.loop == main.loop)
    return next((waits for waits in roots if waits), "its event loop has nothing to do")


def _pace(snapshot: Snapshot) -> str:
    age, busy = snapshot.situation.age, snapshot.situation.busy
    if age > 0 and busy / age >= _BUSY:
        return f"busy: {busy:.1f} s of processor time in {age:.1f} s"
    return ""


def _elsewhere(snapshot: Snapshot, main: Thread, why: str) -> Likely | None:
    """The main thread waits, but for none of the project's lines: another thread, or a task, is at one."""
    at_end = "no daemons" in main.waits  # then a library's thread is the culprit as well
    for thread in sorted(snapshot.threads, key=lambda thread: (thread.daemon, not _own(thread.places))):
        places = _own(thread.places) or ([each for each in thread.places if not each.machinery][-1:] if at_end else [])
        if not thread.main and places and not (thread.daemon and at_end):
            words = [f"thread {thread.name}: {thread.waits or 'still runs'}", why]
            return Likely(places[-1], "; ".join(filter(None, words)), tuple(places[:-1]))
    for task in sorted(snapshot.tasks, key=lambda task: not task.root):
        places = _own(task.places)
        if places:
            words = [why, f"task {task.name} {task.waits}".rstrip()]
            return Likely(places[-1], "; ".join(filter(None, words)), tuple(places[:-1]))
    return None

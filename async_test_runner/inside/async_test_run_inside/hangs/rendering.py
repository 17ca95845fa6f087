"""A snapshot as text, from the top down: the line that most likely hangs, the test, then everything. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .likely import Likely, likely
from .values import Loop, Place, Report, Snapshot, Task, Thread

LIMIT = 32_000  # characters of a report
_LINES = 30  # places of one stack or chain
_TASKS = 60
_RUNS_TESTS = ("/_pytest/", "/pluggy/", "/pytest/__main__.py", "/async_test_run_inside/", "<frozen runpy>")


def render(snapshot: Snapshot) -> Report:
    """The report of a snapshot."""
    found = likely(snapshot)
    head = headline(found)
    text = "\n".join([f"most likely: {head}", *_context(found), *_body(snapshot)])
    return Report(head, text if len(text) <= LIMIT else f"{text[:LIMIT]}\n… {len(text) - LIMIT} characters left out …")


def headline(found: Likely) -> str:
    """``tests/test_x.py:12 in test_y: await queue.get()  (waits for an item of a Queue (0 items))``."""
    where = str(found.place) if found.place is not None else "no line of the project's"
    return f"{where}  ({found.why})" if found.why else where


def _context(found: Likely) -> Iterator[str]:
    """How the likely line was reached, innermost first, and what goes on beside it."""
    for place in reversed(found.via[-5:]):
        yield f"    called from {place}"
    yield from (f"    beside it {line}" for line in found.beside[:5])


def _body(snapshot: Snapshot) -> Iterator[str]:
    yield _situation(snapshot)
    yield from (f"note: {remark}" for remark in snapshot.remarks)
    yield from _tasks(snapshot)
    for thread in snapshot.threads:
        yield ""
        yield _thread_head(thread)
        yield from _places(thread.places)
        if thread.waits:
            yield f"    -> {thread.waits}"
    yield from _listed("open sockets", snapshot.sockets)
    yield from _listed("child processes", snapshot.children)


def _situation(snapshot: Snapshot) -> str:
    situation = snapshot.situation
    if not situation.id:
        return "no test runs; the process is before, between or after its tests"
    stage = {"setup": "in its setup", "call": "in its call", "teardown": "in its teardown"}.get(situation.stage, "")
    fixture = f", {situation.fixture}" if situation.fixture else ""
    where = stage or "between its stages"
    return f"test: {situation.id}, {where}{fixture}, for {situation.age:.1f} s"


def _tasks(snapshot: Snapshot) -> Iterator[str]:
    for loop in snapshot.loops:
        members = [task for task in snapshot.tasks if task.loop == loop.number]
        yield ""
        yield _loop_head(loop, max(loop.tasks, len(members)))
        for task in sorted(members, key=lambda task: not task.root)[:_TASKS]:
            yield from _task(task, snapshot.tasks)
        if len(members) > _TASKS:
            yield f"  … and {len(members) - _TASKS} more tasks"


def _loop_head(loop: Loop, tasks: int) -> str:
    state = f"run by thread {loop.thread}" if loop.thread else "closed" if loop.closed else "not running"
    return f"event loop {loop.number}: {loop.kind}, {state}, {tasks} task{'s' if tasks != 1 else ''} pending"


def _task(task: Task, tasks: Sequence[Task]) -> Iterator[str]:
    age = f", {task.age:.1f} s old" if task.age is not None else ""
    turn = ", whose turn it is" if task.current else ""
    yield f"  task {task.name}{age}{turn}"
    yield from _places(task.places, "    ")
    names = ", ".join(tasks[n].name for n in task.on[:8]) + (" …" if len(task.on) > 8 else "")
    if task.cancelled:
        yield f"      -> {task.cancelled}"
    words = task.waits or ("waits for other tasks" if task.on else "")
    if words:
        yield f"      -> {words}" + (f": {names}" if names else "")


def _thread_head(thread: Thread) -> str:
    facts = ["main"] if thread.main else []
    facts += ["daemon"] if thread.daemon else []
    facts += (
        [f"runs event loop {thread.loop}{', which has nothing to do' if thread.idle else ''}"] if thread.loop else []
    )
    return f"thread {thread.name}" + (f" ({', '.join(facts)})" if facts else "")


def _places(places: Sequence[Place], indent: str = "  ") -> Iterator[str]:
    """A stack, outermost first; what pytest does around a test is one line, and so is the middle of a deep one."""
    lines: list[str] = []
    hidden = 0
    for place in places:
        if any(part in place.file for part in _RUNS_TESTS):
            hidden += 1
            continue
        if hidden:
            lines.append(f"{indent}  … {hidden} frames of pytest")
            hidden = 0
        lines.append(f"{indent}{'>' if place.own else ' '} {place}")
    if hidden:
        lines.append(f"{indent}  … {hidden} frames of pytest")
    if len(lines) > _LINES:
        middle = f"{indent}  … {len(lines) - _LINES} frames left out"
        lines = [*lines[: _LINES // 3], middle, *lines[-(_LINES - _LINES // 3) :]]
    yield from lines


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)

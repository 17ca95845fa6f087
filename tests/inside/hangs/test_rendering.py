"""Reports read from the top down, and are bounded."""

from __future__ import annotations

from async_test_run_inside.hangs.rendering import LIMIT, render
from async_test_run_inside.hangs.values import Loop, Place, Situation, Snapshot, Task, Thread

OWN = Place("tests/test_a.py", 3, "test_a", "await queue.get()", own=True)
FOREIGN = Place("/lib/python3.11/asyncio/queues.py", 9, "Queue.get", "await getter")
PYTEST = Place("/venv/site-packages/_pytest/runner.py", 1, "from_call")
SNAPSHOT = Snapshot(
    situation=Situation("tests/test_a.py::test_a", "call", 5.0),
    threads=(
        Thread("MainThread", (PYTEST, PYTEST, OWN), main=True, loop=1, idle=True),
        Thread("pump", (OWN,), daemon=True, waits="sleeps"),
    ),
    loops=(Loop(1, "Loop", "MainThread"), Loop(2, "Loop", closed=True)),
    tasks=(
        Task("side", 1, None, (FOREIGN,), "waits for data"),
        Task("main", 1, 2.0, (OWN, FOREIGN), "waits for an item", on=(0,), root=True),
    ),
    sockets=("fd 7: tcp 127.0.0.1:1 -> 127.0.0.1:2, established",),
    children=("12 sleeps: sh",),
    remarks=("time.time is replaced",),
)


def test_the_likely_line_comes_first_and_everything_follows() -> None:
    report = render(SNAPSHOT)
    assert report.likely == "tests/test_a.py:3 in test_a: await queue.get()  (waits for an item)"
    lines = report.text.split("\n")
    assert lines[0] == f"most likely: {report.likely}"
    order = [
        "test: tests/test_a.py::test_a, in its call, for 5.0 s",
        "note: time.time is replaced",
        "event loop 1: Loop, run by thread MainThread, 2 tasks pending",
        "  task main, 2.0 s old",
        "    > tests/test_a.py:3 in test_a: await queue.get()",
        "      -> waits for an item: side",
        "  task side",
        "event loop 2: Loop, closed, 0 tasks pending",
        "thread MainThread (main, runs event loop 1, which has nothing to do)",
        "    … 2 frames of pytest",
        "thread pump (daemon)",
        "    -> sleeps",
        "open sockets:",
        "child processes:",
        "  12 sleeps: sh",
    ]
    positions = [lines.index(line) for line in order]
    assert positions == sorted(positions)


def test_between_tests_the_report_says_so() -> None:
    assert "no test runs" in render(SNAPSHOT._replace(situation=Situation())).text


def test_deep_stacks_keep_their_ends() -> None:
    deep = tuple(Place("a.py", number, "f", own=True) for number in range(100))
    text = render(Snapshot(threads=(Thread("MainThread", deep, main=True),))).text
    assert "a.py:0 in f" in text
    assert "a.py:99 in f" in text
    assert "70 frames left out" in text


def test_many_tasks_are_counted_and_the_whole_is_bounded() -> None:
    tasks = tuple(Task(f"t-{number}", 1, None, (OWN,) * 40) for number in range(200))
    text = render(SNAPSHOT._replace(tasks=tasks)).text
    assert len(text) <= LIMIT + 100
    assert "characters left out" in text
    few = tuple(Task(f"t-{number}", 1) for number in range(70))
    assert "… and 10 more tasks" in render(SNAPSHOT._replace(tasks=few)).text

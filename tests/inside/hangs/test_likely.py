"""The line that most likely hangs, out of plain values."""

from __future__ import annotations

from async_test_run_inside.hangs.likely import likely
from async_test_run_inside.hangs.values import Place, Situation, Snapshot, Task, Thread


def own(line: int, function: str = "f") -> Place:
    return Place("tests/test_a.py", line, function, f"line {line}", own=True)


LIBRARY = Place("/lib/python/asyncio/x.py", 1, "select")
IDLE = Thread("MainThread", (LIBRARY,), main=True, loop=1, idle=True)


def found(*tasks: Task, main: Thread = IDLE, threads: tuple[Thread, ...] = (), **situation: object) -> tuple[int, str]:
    said = likely(Snapshot(Situation(**situation), threads=(main, *threads), tasks=tasks))  # type: ignore[arg-type]
    return (said.place.line if said.place else 0), said.why


def task(name: str, *places: Place, **facts: object) -> Task:
    return Task(name, loop=1, places=places, **facts)  # type: ignore[arg-type]


def test_the_way_leads_from_the_root_along_what_is_waited_for() -> None:
    root = task("root", own(1), root=True, on=(1, 2), waits="waits for 2 tasks")
    assert found(root, task("library", LIBRARY, on=()), task("leaf", own(7), waits="sleeps")) == (7, "sleeps")


def test_a_task_of_a_library_on_the_way_is_passed_through() -> None:
    root = task("root", own(1), root=True, on=(1,))
    assert found(root, task("library", LIBRARY, on=(2,)), task("leaf", own(7), waits="sleeps"))[0] == 7


def test_what_a_library_waits_for_is_said_of_the_last_line_of_the_projects() -> None:
    assert found(task("root", own(1), own(2), LIBRARY, root=True, waits="waits for data")) == (2, "waits for data")


def test_a_circle_is_told_as_one() -> None:
    line, why = found(task("a", own(1), root=True, on=(1,)), task("b", own(2), on=(0,)))
    assert line == 2
    assert why == "a circle of tasks that wait for each other: a -> b -> a"


def test_without_a_root_the_tests_own_file_comes_before_older_tasks() -> None:
    other = Task("other", 1, 99.0, (Place("app.py", 3, "g", own=True),))
    assert found(other, task("mine", own(5), age=1.0), id="tests/test_a.py::test")[0] == 5
    assert found(other, task("mine", own(5), age=1.0), id="")[0] == 3


def test_tasks_of_other_loops_are_not_what_the_main_thread_waits_for() -> None:
    assert found(Task("else", 2, None, (own(9),)), task("mine", own(5), root=True))[0] == 5


def test_what_else_goes_on_in_the_loop_is_kept() -> None:
    snapshot = Snapshot(threads=(IDLE,), tasks=(task("root", own(1), root=True), task("pump", own(4), waits="sleeps")))
    assert likely(snapshot).beside == ("task pump is at tests/test_a.py:4 in f: line 4  (sleeps)",)


def test_the_line_that_blocks_a_loop_comes_with_who_waits() -> None:
    main = Thread("MainThread", (LIBRARY, own(3), LIBRARY), main=True, loop=1, waits="waits for data on a socket")
    line, why = found(task("t", own(3), current=True, root=True), task("u", own(9)), main=main)
    assert line == 3
    assert why == "waits for data on a socket; task t does not return to its event loop, where 1 more wait"


def test_a_thread_that_computes_is_busy() -> None:
    main = Thread("MainThread", (own(3),), main=True)
    assert found(main=main, age=10.0, busy=9.0) == (3, "busy: 9.0 s of processor time in 10.0 s")
    assert found(main=main, age=10.0, busy=0.1) == (3, "")


def test_an_idle_loop_without_lines_of_the_projects_says_what_its_root_waits_for() -> None:
    main = IDLE._replace(places=(own(2), LIBRARY))
    assert found(task("root", LIBRARY, root=True, waits="waits for threads"), main=main) == (2, "waits for threads")
    assert found(main=main) == (2, "its event loop has nothing to do")


def test_at_the_end_of_the_interpreter_the_thread_that_stays_is_the_one() -> None:
    main = Thread("MainThread", (LIBRARY,), main=True, waits="waits for threads that are no daemons")
    daemon, poller = Thread("d", (own(8),), daemon=True), Thread("poller", (own(9),))
    line, why = found(main=main, threads=(daemon, poller))
    assert line == 9
    assert why.startswith("thread poller: still runs")
    assert found(main=main, threads=(daemon, Thread("library", (LIBRARY,))))[1].startswith("thread library")


def test_the_fixture_is_part_of_the_reason() -> None:
    assert found(task("root", own(1), root=True, waits="sleeps"), fixture="setting up fixture db")[1] == (
        "setting up fixture db; sleeps"
    )


def test_where_there_is_nothing_to_see_nothing_is_claimed() -> None:
    assert likely(Snapshot()).place is None
    assert found(main=Thread("MainThread", (), main=True)) == (0, "")

"""The line that most likely hangs, out of plain values."""

from __future__ import annotations

from collections.abc import Iterator

from async_test_run_inside.hangs.likely import likely
from async_test_run_inside.hangs.values import Place, Reading, Situation, Snapshot, Task, Thread, Writing


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
    line, why = found(main=Thread("MainThread", (), main=True))
    assert (line, why.partition(":")[0]) == (0, "its stack is empty")


# ------------------------------------------------------------------------------------------------ never a line of ours

OURS = Place("/site-packages/async_test_run_inside/leaks/births.py", 121, "__init__", machinery=True)
PYTEST = Place("/site-packages/_pytest/fixtures.py", 9, "FixtureDef.finish", machinery=True)
LOOP = Place("/lib/python/asyncio/base_events.py", 7, "run_forever", machinery=True)
SUBJECT = Place("conftest.py", 44, "fx", "def fx():", own=True)


def test_a_line_of_the_projects_is_named_whatever_stands_below_it() -> None:
    main = Thread("MainThread", (PYTEST, own(3), OURS, LOOP), main=True)
    assert found(main=main)[0] == 3


def test_without_one_the_fixture_is_named_and_not_what_runs_it() -> None:
    main = Thread("MainThread", (PYTEST, OURS), main=True, waits="a finalizer calls time.sleep")
    line, why = found(main=main, fixture="tearing down fixture fx", subject=SUBJECT)
    assert line == 44
    assert why == "tearing down fixture fx; a finalizer calls time.sleep"


def test_the_fixture_comes_before_a_thread_that_has_nothing_to_do_with_it() -> None:
    main, pump = Thread("MainThread", (PYTEST,), main=True), Thread("pump", (own(8),), daemon=True)
    assert found(main=main, threads=(pump,), fixture="tearing down fixture fx", subject=SUBJECT)[0] == 44
    assert found(main=main, threads=(pump,), subject=SUBJECT)[0] == 8


def test_without_anything_of_the_projects_a_librarys_line_is_named_but_never_the_machinery() -> None:
    assert found(main=Thread("MainThread", (PYTEST, LIBRARY, OURS), main=True))[0] == LIBRARY.line
    main = Thread("MainThread", (PYTEST, OURS, LOOP), main=True)
    assert found(main=main) == (0, "")
    line, why = found(main=main._replace(places=(PYTEST, LIBRARY, OURS)), subject=SUBJECT)
    assert (line, why) == (44, "no line of the project's is at work, but /lib/python/asyncio/x.py:1 in select")


def test_a_callback_that_does_not_return_is_told_with_what_waits_for_it() -> None:
    main = Thread(
        "MainThread", (PYTEST, LOOP), main=True, loop=1, waits="a callback of the event loop calls time.sleep"
    )
    line, why = found(task("side", own(1)), task("t", own(5), root=True, waits="sleeps for 1 s"), main=main)
    assert line == 5
    assert why == "a callback of the event loop calls time.sleep; task t sleeps for 1 s"


def test_the_thread_that_is_waited_for_is_told_with_its_line() -> None:
    main = Thread("MainThread", (own(3), LIBRARY), main=True, waits="waits for the end of thread w", joins="w")
    worker = Thread("w", (LIBRARY, own(8), LIBRARY))
    line, why = found(main=main, threads=(Thread("v", (own(7),)), worker))
    assert line == 3
    assert why == f"waits for the end of thread w; which is at {own(8)}"


# ------------------------------------------------------------------------------------------------------- cancellation


def test_a_cancelled_task_on_the_way_is_told_before_what_it_waits_for() -> None:
    job = task("job", own(7), waits="sleeps", cancelled="was cancelled 1 time and goes on: x swallows CancelledError")
    line, why = found(task("root", own(1), root=True, on=(1,)), job)
    assert line == 7
    assert why == "task job was cancelled 1 time and goes on: x swallows CancelledError; sleeps"


def test_of_a_task_that_computes_it_is_told_too() -> None:
    main = Thread("MainThread", (own(3),), main=True, loop=1)
    why = found(task("t", own(3), current=True, cancelled="was cancelled 9 times and goes on"), main=main)[1]
    assert why == "task t was cancelled 9 times and goes on; task t does not return to its event loop"


# ------------------------------------------------------------------------------------------------------ endless bodies

READ = Reading(own(2, "test_it"), 1)
WRITTEN = Writing("the generator ticks of the application", own(9, "ticks"))
STILL = f"the generator ticks of the application is still at {own(9, 'ticks')}"


def test_a_body_without_an_end_is_told_at_the_line_that_reads_it_with_what_writes_it() -> None:
    other = Writing("the function middleware of the application", own(6))
    tasks = (task("t", own(2), root=True, waits="waits until the Event is set", reading=READ),)
    beside = (task("m", own(6), writing=other), task("w", own(9), writing=WRITTEN))
    assert found(*tasks, *beside) == (2, f"reads a response body that does not end (1 part so far): {STILL}")
    assert found(*tasks) == (
        2,
        "reads a response body that does not end (1 part so far): waits until the Event is set",
    )


def test_a_thread_that_reads_one_and_a_loop_that_is_busy_with_one_are_told_alike() -> None:
    reading = Thread("MainThread", (own(2),), main=True, waits="waits in select()", reading=READ._replace(parts=None))
    writer = Thread("AnyIO worker thread", (own(9),), writing=WRITTEN)
    assert found(main=reading, threads=(writer,)) == (2, f"reads a response body that does not end: {STILL}")
    busy = Thread("MainThread", (own(2), own(9)), main=True, loop=1)
    root = task("t", own(2), root=True, reading=READ._replace(parts=7))
    assert found(root, task("w", own(9), current=True, writing=WRITTEN), main=busy) == (
        2,
        f"reads a response body that does not end (7 parts so far): {STILL}",
    )


# -------------------------------------------------------------------------------------------------------------- bounds


def test_layers_of_tasks_that_all_wait_for_each_other_are_gone_through_once() -> None:
    looks = 0

    class Counted(tuple[int, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[int]:
            nonlocal looks
            looks += 1
            return super().__iter__()

    size, layers = 30, 10
    tasks = [task("root", own(1), root=True, on=Counted(range(1, size + 1)))]
    for layer in range(1, layers + 1):
        below = Counted(range(layer * size + 1, (layer + 1) * size + 1) if layer < layers else ())
        tasks += [task(f"{layer}", LIBRARY, on=below) for _ in range(size)]
    assert found(*tasks)[0] == 1
    assert looks < 2 * len(tasks)

"""The warm way: what forks must not share, when there are none, and what a death costs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import ProcessStarted
from tests.support.projects import Project

pytestmark = pytest.mark.processes


@pytest.fixture
def warm(tmp_path: Path) -> Project:
    return Project(tmp_path, "warm")


def test_workers_share_neither_numbers_nor_directories_nor_output(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test, workers: 2}]")
    warm.write(
        "test_a.py",
        """
        import os, pathlib, random, sys
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_alone(number, tmp_path, capfd):
            os.chdir(tmp_path)
            print("output of", number)
            os.write(2, b"error of %d" % number)
            captured = capfd.readouterr()
            assert captured.out == f"output of {number}\\n"
            assert captured.err == f"error of {number}"
            seen = pathlib.Path(__file__).parent / "seen.txt"
            with seen.open("a") as file:
                file.write(f"{random.random()} {tmp_path} {os.getpid()} {os.environ['PYTEST_XDIST_WORKER']}\\n")
            os.environ["LEFT"] = "x"

        def test_environment(): assert "LEFT" not in os.environ
        """,
    )
    run = warm.run().check(0)
    rows = [line.split() for line in (warm.root / "seen.txt").read_text().splitlines()]
    numbers, directories, processes, workers = (set(column) for column in zip(*rows, strict=True))
    assert (len(numbers), len(directories), len(processes)) == (6, 6, 6)
    assert workers == {"gw0", "gw1"}
    assert run.processes("all") == 1  # one session; its workers are its own


def test_a_worker_that_ends_takes_nothing_of_the_sessions_directory_along(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test}]")
    warm.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("number", range(3))
        def test_the_lock_is_held(number, tmp_path_factory):
            base = tmp_path_factory.getbasetemp()
            assert (base.parent / ".lock").is_file()
            with open("parents.txt", "a") as file: file.write(f"{base.parent}\\n")
        """,
    )
    warm.run().check(0)
    parents = (warm.root / "parents.txt").read_text().splitlines()
    assert (len(parents), len(set(parents))) == (3, 1)


def test_fixtures_of_every_scope_are_set_up_once_in_each_worker(warm: Project) -> None:
    warm.plan("phases: [{name: all, workers: 2}]")
    warm.write(
        "conftest.py",
        """
        import os, pathlib, pytest

        def note(text):
            with (pathlib.Path(__file__).parent / "notes.txt").open("a") as file:
                file.write(f"{text} {os.getpid()}\\n")

        @pytest.fixture(scope="session", autouse=True)
        def session():
            note("session up")
            yield
            note("session down")

        @pytest.fixture(scope="module")
        def module(request):
            note(f"{request.node.name} up")
            yield
            note(f"{request.node.name} down")
        """,
    )
    for name in "abcd":
        tests = "\n".join(f"def test_{n}(module): pass" for n in range(5))
        warm.write(f"test_{name}.py", tests + "\n")
    warm.run().check(0)
    notes = (warm.root / "notes.txt").read_text().splitlines()
    assert len([note for note in notes if note.startswith("session up")]) == 2
    assert len([note for note in notes if note.startswith("session down")]) == 2
    for name in "abcd":
        assert len([note for note in notes if note.startswith(f"test_{name}.py up")]) == 1
        assert len([note for note in notes if note.startswith(f"test_{name}.py down")]) == 1


def test_an_object_that_kept_the_captured_output_can_still_write(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test}]")
    warm.write(
        "test_a.py",
        """
        import sys
        def say(text, stdout=sys.stdout): stdout.write(text); stdout.flush()
        def test_one(): say("one")
        def test_two(capsys): say("two")
        """,
    )
    warm.run().check(0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", "threads"),
        ("import socket; SOCKET = socket.socket()", "sockets"),
        ("import asyncio; LOOP = asyncio.new_event_loop()", "sockets"),
        ("import subprocess, sys; CHILD = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)", "child"),
    ],
)
def test_what_makes_a_fork_unsafe_is_named_and_fresh_processes_take_over(warm: Project, code: str, reason: str) -> None:
    warm.plan("phases: [{name: all, isolation: test}]")
    warm.write("conftest.py", f"{code}\n")
    warm.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = warm.run().check(0)
    assert run.processes("all") == 2
    (warning,) = [text for text in run.result.warnings if "fresh pytest processes" in text]
    assert reason in warning


def test_a_phase_with_an_environment_of_its_own_is_collected_in_it(warm: Project) -> None:
    warm.plan("""
        phases:
          - {name: one, tests: [test_a.py], env: {WHERE: "{phase}"}, isolation: test}
          - {name: two, env: {WHERE: "{phase}-{slot}"}, isolation: test}
    """)
    warm.write("where.py", "import os\nWHERE = os.environ.get('WHERE')\n")
    warm.write("test_a.py", "from where import WHERE\ndef test_a(): assert WHERE == 'one'\n")
    warm.write("test_b.py", "from where import WHERE\ndef test_b(): assert WHERE == 'two-0'\n")
    run = warm.run().check(0)
    assert run.result.warnings == ()


def test_an_environment_per_worker_means_fresh_processes(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test, workers: 2, env: {SLOT: '{slot}'}}]")
    warm.write("slot.py", "import os\nSLOT = os.environ['SLOT'] if 'SLOT' in os.environ else None\n")
    warm.write("test_a.py", "import os, slot\ndef test_one(): assert slot.SLOT == os.environ['SLOT']\n")
    warm.write("test_b.py", "import os, slot\ndef test_two(): assert slot.SLOT == os.environ['SLOT']\n")
    run = warm.run().check(0)
    assert any("differs from worker to worker" in text for text in run.result.warnings)


@pytest.mark.parametrize(
    ("ancestor", "rest"),
    [
        pytest.param(1, [2], id="the process that workers are forked from"),
        pytest.param(2, [2], id="the session"),
        pytest.param(3, [1, 1], id="the host"),
    ],
)
def test_the_death_of_an_ancestor_costs_one_test(warm: Project, ancestor: int, rest: list[int]) -> None:
    warm.plan("phases: [{name: all, isolation: test, workers: 1}]")
    warm.write(
        "test_a.py",
        f"""
        import os, pathlib, signal, time
        def parent(pid): return int(pathlib.Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[1])
        def test_1(): pass
        def test_2_kills():
            pid = os.getpid()
            for _ in range({ancestor}): pid = parent(pid)
            os.kill(pid, signal.SIGKILL)
            time.sleep(60)
        def test_3(): pass
        def test_4(): pass
        """,
    )
    run = warm.run().check(1)
    assert run.outcome("test_2_kills") is Outcome.CRASHED
    assert [run.outcome(name) for name in ("test_1", "test_3", "test_4")] == [Outcome.PASSED] * 3
    started = [event for event in run.events if isinstance(event, ProcessStarted)]
    assert [event.tests for event in started] == [4, *rest]  # without a host the rest runs in fresh processes


def test_a_thread_that_a_worker_leaves_behind_is_a_warning(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test}]")
    warm.write(
        "test_a.py",
        """
        import threading, time
        def test_leaves(): threading.Thread(target=time.sleep, args=(600,), name="left-over").start()
        def test_other(): pass
        """,
    )
    run = warm.run().check(0)
    assert any("left-over" in text for text in run.result.warnings)


def test_sigint_ends_session_and_workers(warm: Project) -> None:
    warm.plan("defaults: {grace: 1s}\nphases: [{name: all, isolation: test, workers: 2}]")
    warm.write(
        "test_a.py",
        """
        import pathlib, time
        def test_waits(): pathlib.Path("waiting").touch(); time.sleep(600)
        def test_waits_too(): time.sleep(600)
        """,
    )
    running = warm.start("run").until("waiting").signal(signal.SIGINT)
    run = running.wait().check(130)
    assert set(run.outcomes.values()) == {Outcome.NOT_RUN}


def test_what_workers_import_is_imported_once_before_the_fork(warm: Project) -> None:
    warm.plan("phases: [{name: all, isolation: test}]")
    warm.write(
        "test_a.py",
        """
        import sys, pytest
        @pytest.mark.parametrize("number", range(20))
        def test_imports(number):
            with open("seen.txt", "a") as file: file.write(f"{'wsgiref.simple_server' in sys.modules} ")
            import wsgiref.simple_server
        """,
    )
    warm.run().check(0)
    first = (warm.root / "seen.txt").read_text().split()
    assert (first[0], first[-1]) == ("False", "True")  # learned from the first ones
    (warm.root / "seen.txt").unlink()
    warm.run().check(0)
    assert set((warm.root / "seen.txt").read_text().split()) == {"True"}  # remembered from the last run
    (warm.root / "seen.txt").unlink()
    warm.plan("phases: [{name: all, isolation: test, preload: false}]")
    warm.run().check(0)
    assert set((warm.root / "seen.txt").read_text().split()) == {"False"}


@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_who_asks_the_garbage_collector_hears_of_what_the_collection_made(warm: Project, isolation: str) -> None:
    warm.plan(f"phases: [{{name: all, isolation: {isolation}}}]")
    warm.write(
        "test_a.py",
        """
        import gc, weakref
        from gc import get_objects, get_referrers

        class Client: pass

        class Owner:
            def __init__(self): self.me = self
        client, owners = Client(), [Owner()]
        holder = {"client": client}

        def test_its_instances_are_counted():
            assert sum(type(thing) is Client for thing in gc.get_objects()) == 1
            assert sum(type(thing) is Client for thing in get_objects()) == 1

        def test_those_who_hold_it_are_found_and_nobody_else():
            assert [found for found in gc.get_referrers(client) if found is holder] == [holder]
            assert {id(found) for found in get_referrers(client)} == {id(holder), id(globals())}

        def test_its_cycles_are_freed():
            owner = weakref.ref(owners.pop())
            gc.collect()
            assert owner() is None
        """,
    )
    warm.run().check(0)


def test_plugins_hear_the_truth_of_the_garbage_collector_when_a_session_ends(warm: Project) -> None:
    # hypothesis asks at a session's end who holds trio's random generator, and warns if nobody does.
    warm.plan("phases: [{name: all}]")
    warm.write("held.py", "class Generator: pass\ngenerator = Generator()")
    warm.write(
        "conftest.py",
        """
        import gc, held
        def pytest_terminal_summary(): assert gc.get_referrers(held.generator)
        """,
    )
    warm.write("test_a.py", "def test_it(): pass")
    warm.run().check(0)

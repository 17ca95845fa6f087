"""Faults that never end by themselves."""

from __future__ import annotations

from tests.faults.fault import HASTY, Fault, hanging, in_test

ASYNCIO = (
    "[pytest]\naddopts = -p pytest_asyncio.plugin\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
)

FAULTS = [
    hanging(
        "hang",
        "a test that sleeps for ever",
        "import time\ndef test_fault():\n    while True: time.sleep(1)",
        covers=("hang-thread",),
    ),
    hanging(
        "hang_that_swallows",
        "a test that swallows every exception that would end it",
        """
        import time
        def test_fault():
            while True:
                try: time.sleep(1)
                except BaseException: pass
        """,
    ),
    hanging(
        "hang_on_await",
        "an await that nothing ends",
        """
        import asyncio
        async def forever(): await asyncio.Event().wait()
        async def test_fault(): await forever()
        """,
        says="most likely: test_fault.py:4 in forever",
        files={"pytest.ini": ASYNCIO},
        covers=("hang-await",),
    ),
    hanging(
        "lock_deadlock",
        "two asyncio locks, taken in different orders",
        """
        import asyncio
        async def take(first, second):
            async with first:
                await asyncio.sleep(0.01)
                async with second: pass
        async def test_fault():
            one, two = asyncio.Lock(), asyncio.Lock()
            await asyncio.gather(take(one, two), take(two, one))
        """,
        says="waits for a Lock, which task",
        files={"pytest.ini": ASYNCIO},
        covers=("lock-deadlock",),
    ),
    hanging(
        "loop_blocked",
        "time.sleep in a coroutine: the loop's own timeout never fires",
        """
        import asyncio, time
        async def blocks(): time.sleep(600)
        async def test_fault():
            async with asyncio.timeout(0.1): await blocks()
        """,
        says="time.sleep(600)",
        files={"pytest.ini": ASYNCIO},
        covers=("loop-blocked",),
    ),
    hanging(
        "hang_in_c",
        "C code that holds the interpreter's lock: Python answers nothing",
        "import ctypes\ndef test_fault(): ctypes.PyDLL(None).sleep(600)",
        says="test_fault.py",
        covers=("hang-in-c",),
    ),
    hanging(
        "hang_in_c_without_faulthandler",
        "the same where the test has switched off what would answer",
        "import ctypes, faulthandler\ndef test_fault():\n    faulthandler.disable()\n    ctypes.PyDLL(None).sleep(600)",
    ),
    hanging(
        "loop_in_fixture",
        "an endless loop in a fixture",
        "import pytest\n@pytest.fixture\ndef loops():\n    while True: pass\ndef test_fault(loops): pass",
        says="while True",
        covers=("endless-loops",),
    ),
    hanging(
        "loop_in_teardown",
        "an endless loop in a teardown: the test itself had passed",
        "import pytest\n@pytest.fixture\ndef loops():\n    yield\n    while True: pass\ndef test_fault(loops): pass",
        says="while True",
        covers=("endless-loops",),
    ),
    hanging(
        "loop_in_del",
        "an endless loop in a destructor, where exceptions are swallowed",
        "class Endless:\n    def __del__(self):\n        while True: pass\ndef test_fault(): Endless()",
        covers=("endless-loops",),
    ),
    Fault(
        name="loop_at_import",
        why="an endless loop at the import of a test file",
        files={
            "test_a.py": "def test_a(): pass\n",
            "test_loops.py": "while True: pass\n",
            "test_z.py": "def test_z(): pass\n",
        },
        plan="defaults: {test_timeout: 60s, grace: 500ms}\ncollect_timeout: 4s\ncollect_errors: continue\n",
        expect={"test_a": "passed", "test_z": "passed"},
        collect_errors=("test_loops.py",),
        covers=("endless-loops",),
    ),
    hanging(
        "regex_backtracking",
        "a regular expression in C that never ends, and holds the lock",
        "import re\ndef test_fault(): re.match(r'(a+)+$', 'a' * 60 + 'b')",
        says="test_fault.py",
    ),
    hanging(
        "ignores_every_signal",
        "a test that ignores and blocks all that it may",
        """
        import signal, time
        def test_fault():
            for number in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(600)
        """,
        covers=("signals-replaced",),
    ),
    hanging(
        "ignores_sigterm_and_forks",
        "a test whose children ignore SIGTERM too, each in a session of its own",
        """
        import os, signal, time
        def test_fault():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    while True: time.sleep(600)
            time.sleep(600)
        """,
        covers=("signals-replaced",),
    ),
    hanging(
        "waits_for_itself",
        "a thread that waits for a lock that it holds",
        "import threading\ndef test_fault():\n    lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()",
    ),
    hanging(
        "many_threads",
        "a hang among forty other threads",
        """
        import threading, time
        def test_fault():
            event = threading.Event()
            for n in range(40): threading.Thread(target=event.wait, daemon=True).start()
            event.wait()
        """,
    ),
    hanging(
        "hang_with_frozen_clock",
        "a test that stops Python's clocks and then hangs",
        """
        import time
        def test_fault():
            now, mono, sleep = time.time(), time.monotonic(), time.sleep
            time.time = lambda: now
            time.monotonic = time.perf_counter = lambda: mono
            sleep(600)
        """,
    ),
    hanging(
        "hang_in_session_teardown",
        "a fixture of the session that never comes down: the last test pays",
        """
        import pytest, time
        @pytest.fixture(scope="session")
        def stays():
            yield
            time.sleep(600)
        def test_fault(stays): pass
        """,
        where={
            key: {
                "expect": {"test_before": "passed", "test_fault": "passed", "test_after": "timed_out"},
                "says": {"test_after": "time.sleep(600)"},
            }
            for key in ("phase", "clean")
        },
    ),
    in_test(
        "waits_for_a_child_that_never_ends",
        "the child holds its parent",
        "import subprocess\ndef test_fault(): subprocess.run(['sleep', '600'])",
        "timed_out",
        says="test_timeout",
        plan=HASTY,
    ),
    in_test(
        "nested_run",
        "asyncio.run inside a coroutine",
        "import asyncio\nasync def nothing(): pass\nasync def test_fault(): asyncio.run(nothing())",
        "failed",
        says="cannot be called from a running event loop",
        files={"pytest.ini": ASYNCIO + "filterwarnings = ignore\n"},
        covers=("nested-run",),
    ),
    in_test(
        "asyncio_run_in_a_plain_test",
        "asyncio.run takes the thread's event loop away",
        "import asyncio\nasync def nothing(): pass\ndef test_fault(): asyncio.run(nothing())\nasync def test_more(): pass",
        "passed",
        files={"pytest.ini": ASYNCIO},
        expect={"test_more": "passed"},
        covers=("nested-run",),
    ),
    in_test(
        "asyncio_left_behind",
        "a pending task, an exception in the background, a loop and a socket that nobody closes",
        """
        import asyncio, socket
        LEFT = []
        async def fails(): raise ValueError("in the background")
        async def test_fault():
            LEFT.append(asyncio.create_task(asyncio.sleep(600)))
            asyncio.create_task(fails())
            await asyncio.sleep(0.01)
            LEFT.append(asyncio.new_event_loop())
            LEFT.append(socket.socket())
        """,
        "passed",
        files={"pytest.ini": ASYNCIO},
        shows=("still pending", "in the background", "event loop; made at test_fault.py:", "socket 0.0.0.0:0"),
        covers=("asyncio-left",),
    ),
    in_test(
        "asyncio_debug",
        "a loop in debug mode whose callbacks are slow",
        """
        import asyncio, time
        async def test_fault():
            asyncio.get_running_loop().set_debug(True)
            asyncio.get_running_loop().slow_callback_duration = 0.0
            asyncio.get_running_loop().call_soon(time.sleep, 0.2)
            await asyncio.sleep(0.01)
        """,
        "passed",
        files={"pytest.ini": ASYNCIO},
    ),
    in_test(
        "loop_closed_under_the_plugin",
        "a coroutine that stops the loop that runs it",
        "import asyncio\nasync def test_fault():\n    asyncio.get_running_loop().stop()\n    await asyncio.sleep(60)",
        "failed",
        says="Event loop stopped before Future completed",
        files={"pytest.ini": ASYNCIO},
    ),
    Fault(
        name="phase_deadline",
        why="the phase's time is over while a test runs: what waits is not run, and that is red",
        files={
            "test_fault.py": """
                import time
                def test_before(): pass
                def test_fault(): time.sleep(600)
                def test_after(): pass
            """
        },
        plan="defaults: {test_timeout: 60s, grace: 500ms}\n",
        phase="timeout: 5s",
        expect={"test_before": "passed", "test_fault": "timed_out", "test_after": "not_run"},
        says={"test_fault": "phase deadline", "test_after": "phase deadline"},
    ),
]

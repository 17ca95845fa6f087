"""Faults that end something too early: the process, the session, the parent."""

from __future__ import annotations

from tests.faults.fault import HASTY, INNOCENT, Fault, hanging, in_conftest, in_test

EARLY = "it ended pytest's session before it was finished"

FAULTS = [
    in_test(
        "exit_0",
        "pytest ends with 0 and without a report: a perfect false green",
        "import os\ndef test_fault(): os._exit(0)\ndef test_red(): assert False",
        says="exited with 0 before finishing",
        expect={"test_red": "failed"},
        covers=("leaves-with-0",),
    ),
    in_test("exit_3", "a status that no pytest has", "import os\ndef test_fault(): os._exit(3)", says="exited with 3"),
    in_test(
        "exit_5",
        "the status that means 'no tests' to pytest",
        "import os\ndef test_fault(): os._exit(5)",
        says="exited with 5",
    ),
    in_test(
        "killed_by_sigkill",
        "what the out-of-memory killer does",
        "import os, signal\ndef test_fault(): os.kill(os.getpid(), signal.SIGKILL)",
        says="killed by SIGKILL",
        covers=("process-killed",),
    ),
    in_test(
        "killed_by_sigterm",
        "a test that terminates itself",
        "import os, signal, time\ndef test_fault(): os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
        says="killed by SIGTERM",
    ),
    in_test(
        "killed_by_realtime_signal",
        "a signal that has no name",
        "import os, signal, time\ndef test_fault(): os.kill(os.getpid(), signal.SIGRTMIN + 3); time.sleep(60)",
        says="killed by signal",
    ),
    in_test(
        "killed_by_sigxcpu",
        "a limit of processor time",
        """
        import resource
        def test_fault():
            used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
            resource.setrlimit(resource.RLIMIT_CPU, (used + 1, used + 3))
            while True: pass
        """,
        says="killed by SIGXCPU",
    ),
    in_test(
        "segfault",
        "a crash in C",
        "import ctypes\ndef test_fault(): ctypes.string_at(0)",
        says="killed by SIGSEGV",
        covers=("segfault",),
    ),
    in_test(
        "abort", "abort() in C", "import os\ndef test_fault(): os.abort()", says="killed by SIGABRT", covers=("abort",)
    ),
    in_test(
        "c_stack_overflow",
        "recursion in C until the stack ends",
        """
        import ctypes, sys
        CALLBACK = ctypes.CFUNCTYPE(None)
        def test_fault():
            sys.setrecursionlimit(10**8)
            def deeper(): again()
            again = CALLBACK(deeper)
            again()
        """,
        says="killed by SIGSEGV",
    ),
    in_test(
        "sys_exit_0",
        "an exception to pytest, not an end",
        "import sys\ndef test_fault(): sys.exit(0)",
        "failed",
        says="SystemExit",
        covers=("sys-exit",),
    ),
    in_test(
        "system_exit_in_fixture",
        "the same in a fixture",
        "import pytest\n@pytest.fixture\ndef broken(): raise SystemExit(0)\ndef test_fault(broken): pass",
        "error",
        says="SystemExit",
        covers=("sys-exit",),
    ),
    in_test(
        "system_exit_in_thread",
        "a thread that exits says nothing to anybody",
        """
        import sys, threading
        def test_fault():
            thread = threading.Thread(target=sys.exit)
            thread.start()
            thread.join()
        """,
        "passed",
    ),
    in_test(
        "exit_in_fixture",
        "the test itself never began",
        "import os, pytest\n@pytest.fixture\ndef dies(): os._exit(0)\ndef test_fault(dies): pass",
        says="exited with 0",
        covers=("exit-elsewhere",),
    ),
    in_test(
        "exit_in_teardown",
        "the test itself had passed",
        "import os, pytest\n@pytest.fixture\ndef dies():\n    yield\n    os._exit(0)\ndef test_fault(dies): pass",
        says="exited with 0",
        covers=("exit-elsewhere",),
    ),
    in_test(
        "finalizer_kills",
        "a finalizer of a fixture kills the process",
        """
        import os, signal, pytest
        @pytest.fixture
        def dies(request): request.addfinalizer(lambda: os.kill(os.getpid(), signal.SIGKILL))
        def test_fault(dies): pass
        """,
        says="killed by SIGKILL",
    ),
    Fault(
        name="exit_in_session_fixture_teardown",
        why="the last test pays for the teardown of a fixture of the session",
        files={
            "test_fault.py": """
                import os, pytest
                @pytest.fixture(scope="session")
                def dies():
                    yield
                    os._exit(0)
                def test_before(dies): pass
                def test_after(): pass
            """
        },
        expect={"test_before": "passed", "test_after": "crashed"},
        says={"test_after": "exited with 0"},
        where={
            "test": {"expect": {"test_before": "crashed", "test_after": "passed"}, "says": {"test_before": "with 0"}}
        },
    ),
    in_test(
        "exit_handler_leaves_with_7",
        "an exit handler that changes the status after all has been reported",
        "import atexit, os\ndef test_fault(): atexit.register(os._exit, 7)",
        "passed",
        code=1,
        problems=("exited with 7",),
        covers=("exit-elsewhere",),
    ),
    in_test(
        "exit_handler_leaves_with_0",
        "an exit handler that hides a failed test",
        "import atexit, os\ndef test_fault():\n    atexit.register(os._exit, 0)\n    assert False",
        "failed",
        says="assert False",
        covers=("exit-elsewhere",),
    ),
    in_test(
        "exit_handler_hangs",
        "an exit handler that never returns: results stand",
        "import atexit, time\ndef test_fault(): atexit.register(time.sleep, 600)",
        "passed",
        plan=HASTY,
        warnings=("did not exit within",),
    ),
    in_conftest(
        "exit_at_import_of_conftest",
        "the collection dies with status 0",
        "import os\nos._exit(0)",
        expect={},
        collect_errors=("conftest.py",),
        covers=("exit-elsewhere", "collection-raises"),
    ),
    in_test(
        "pytest_exit",
        "pytest stops its session, with the status that the test chose",
        "import pytest\ndef test_fault(): pytest.exit('enough', returncode=0)",
        says=f"{EARLY}: _pytest.outcomes.Exit: enough",
        where={"warm test": {"says": {"test_fault": f"{EARLY}: Exit: enough"}}},
        covers=("pytest-exit",),
    ),
    in_test(
        "pytest_exit_in_fixture",
        "the same in a fixture",
        "import pytest\n@pytest.fixture\ndef ends(): pytest.exit('enough')\ndef test_fault(ends): pass",
        says=EARLY,
        covers=("pytest-exit",),
    ),
    in_test(
        "keyboard_interrupt",
        "pytest believes that somebody pressed Ctrl-C",
        "def test_fault(): raise KeyboardInterrupt",
        says=EARLY,
        covers=("keyboard-interrupt",),
    ),
    in_test(
        "sigint_to_itself",
        "the same by a signal",
        "import os, signal, time\ndef test_fault():\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(60)",
        says=EARLY,
        covers=("keyboard-interrupt",),
    ),
    in_test(
        "base_exception",
        "an exception that is no Exception",
        "class Odd(BaseException): pass\ndef test_fault(): raise Odd('odd')",
        "failed",
        says="Odd",
    ),
    in_test(
        "generator_exit",
        "an exception that generators swallow",
        "def test_fault(): raise GeneratorExit('gone')",
        "failed",
        says="GeneratorExit",
    ),
    in_test(
        "cancelled_error",
        "an exception that event loops swallow",
        "import asyncio\ndef test_fault(): raise asyncio.CancelledError('cancelled')",
        "failed",
        says="CancelledError",
    ),
    in_test(
        "session_should_stop",
        "a test asks pytest to stop after it: the rest is not run, and that is red",
        "def test_fault(request): request.session.shouldstop = 'enough'",
        "passed",
        code=1,
        expect={"test_after": "not_run"},
        says_too={"test_after": "enough"},
        # each test has a session of its own there
        where={
            "exec test": {"code": 0, "expect": {**INNOCENT, "test_fault": "passed"}, "says": {}},
            "exec clean": {
                "code": 1,
                "expect": {**INNOCENT, "test_fault": "passed", "test_after": "not_run"},
                "says": {"test_after": "enough"},
            },
        },
    ),
    in_test(
        "session_forgets_failures",
        "a test that resets pytest's own count of failures",
        "def test_red(): assert False\ndef test_fault(request): request.session.testsfailed = 0",
        "passed",
        code=1,
        expect={"test_red": "failed"},
    ),
    in_test(
        "another_program",
        "exec puts another program in the place of pytest, which ends with 0",
        "import os\ndef test_fault(): os.execvp('true', ['true'])",
        says="exited with 0 before finishing",
    ),
    in_test(
        "group_killed",
        "a test kills its process group",
        "import os, signal\ndef test_fault(): os.killpg(0, signal.SIGKILL)",
        says="killed by SIGKILL",
    ),
    in_test(
        "fork_that_both_return",
        "pytest goes on twice: what the copy says must not count",
        "import os\ndef test_fault(): os.fork()",
        "passed",
    ),
    in_test(
        "fork_that_fails_in_the_child",
        "the child of a test fails, the parent passes",
        "import os\ndef test_fault():\n    if os.fork() == 0: raise ValueError('in the child')\n    os.wait()",
        "passed",
    ),
    in_test(
        "parent_goes_child_stays",
        "the process that was watched ends, its copy goes on in a session of its own",
        """
        import os, time
        def test_fault():
            if os.fork(): os._exit(0)
            os.setsid()
            time.sleep(600)
        """,
        says="exited with 0 before finishing",
    ),
    Fault(
        name="kills_parent",
        why="a test kills the process that started its own",
        files={
            "test_fault.py": """
                import os, signal, time
                def test_before(): pass
                def test_fault():
                    os.kill(os.getppid(), signal.SIGKILL)
                    time.sleep(600)
                def test_after(): pass
            """
        },
        expect={**INNOCENT, "test_fault": "crashed"},
        says={"test_fault": "killed by SIGKILL"},
        covers=("kills-parent",),
    ),
    hanging(
        "stops_itself",
        "a process that is stopped answers nothing",
        "import os, signal\ndef test_fault(): os.kill(os.getpid(), signal.SIGSTOP)",
        covers=("sigstop",),
    ),
    hanging(
        "stops_its_group",
        "the same for its whole process group",
        "import os, signal\ndef test_fault(): os.killpg(0, signal.SIGSTOP)",
        covers=("sigstop",),
    ),
    Fault(
        name="flaky",
        why="the last attempt decides, and the earlier one is kept",
        files={
            "test_fault.py": """
                import pathlib
                def test_before(): pass
                def test_fault():
                    flag = pathlib.Path("tried")
                    if not flag.exists():
                        flag.touch()
                        assert False, "the first time"
                def test_after(): pass
            """
        },
        phase="retries: {count: 2}",
        expect={**INNOCENT, "test_fault": "passed"},
        code=0,
        says={"test_fault": "the first time"},
        leaves=("tried",),
        covers=("flaky",),
    ),
    Fault(
        name="always_dies",
        why="a test that takes its process down at each attempt",
        files={
            "test_fault.py": "import os\ndef test_before(): pass\ndef test_fault(): os._exit(0)\ndef test_after(): pass\n"
        },
        phase="retries: {count: 2}",
        expect={**INNOCENT, "test_fault": "crashed"},
        says={"test_fault": "exited with 0"},
    ),
    Fault(
        name="pollution_and_death",
        why="one test spoils another, and a third takes their process down",
        files={
            "test_fault.py": """
                import os
                STATE = []
                def test_pollutes(): STATE.append(1)
                def test_dies(): os._exit(1)
                def test_pollutes_again(): STATE.append(1)
                def test_victim(): assert not STATE
            """
        },
        expect={
            "test_pollutes": "passed",
            "test_dies": "crashed",
            "test_pollutes_again": "passed",
            "test_victim": "failed",
        },
        says={"test_dies": "exited with 1", "test_victim": "assert not"},
        where={
            "test": {
                "expect": {
                    "test_pollutes": "passed",
                    "test_dies": "crashed",
                    "test_pollutes_again": "passed",
                    "test_victim": "passed",
                },
                "says": {"test_dies": "exited with 1"},
            }
        },
        covers=("pollution-and-death",),
    ),
    Fault(
        name="xdist_worker_dies_loadfile",
        why="a worker of pytest-xdist dies under a distribution that never gives its tests to another",
        files={
            "pytest.ini": "[pytest]\naddopts = -p xdist --dist loadfile\n",
            "test_fault.py": "import os\ndef test_before(): pass\ndef test_fault(): os._exit(1)\ndef test_after(): pass\n",
            "test_other.py": "def test_other(): pass\n",
        },
        phase="workers: 2",
        expect={**INNOCENT, "test_fault": "crashed", "test_other": "passed"},
        says={"test_fault": "worker"},
        where={
            "warm": {"says": {"test_fault": "exited with 1"}},
            "exec test": {"says": {"test_fault": "exited with 1"}},
        },
        covers=("xdist-worker-dies",),
    ),
    Fault(
        name="xdist_worker_dies_loadgroup",
        why="the same with groups",
        files={
            "pytest.ini": "[pytest]\naddopts = -p xdist --dist loadgroup\n",
            "test_fault.py": """
                import os, signal, pytest
                pytestmark = pytest.mark.xdist_group("one")
                def test_before(): pass
                def test_fault(): os.kill(os.getpid(), signal.SIGKILL)
                def test_after(): pass
            """,
        },
        phase="workers: 2",
        expect={**INNOCENT, "test_fault": "crashed"},
        says={"test_fault": "worker"},
        where={"warm": {"says": {"test_fault": "SIGKILL"}}, "exec test": {"says": {"test_fault": "SIGKILL"}}},
        covers=("xdist-worker-dies",),
    ),
]

"""Faults that spoil what a process works with: descriptors, limits, directories, modules, builtins, clocks, pytest."""

from __future__ import annotations

from tests.faults.fault import INNOCENT, LAUNCHERS, Fault, hanging, in_test

AT_THE_END = "before finishing, while it ran no test; the last test before was test_fault.py::test_"
# a forked worker leaves by a shorter way than pytest, on which the damage does not show
UNHARMED = {"warm test": {"code": 0, "problems": ()}}
SPOILT = {
    "test_before": "passed",
    "test_fault": "failed",
    "test_after": "error",
}  # what shares a process shares its damage

FAULTS = [
    # ------------------------------------------------------------------------------------------------ descriptors
    in_test(
        "outputs_closed",
        "descriptors 1 and 2 closed, under pytest's capture",
        "import os\ndef test_fault(): os.close(1), os.close(2)",
        "passed",
        covers=("descriptors",),
    ),
    in_test(
        "outputs_closed_without_capture",
        "the same where pytest itself writes there",
        "import os\ndef test_fault(): os.close(1); os.close(2)",
        phase="pytest_args: [-s]",
        says="Bad file descriptor",
        where={"warm test": {"code": 0, "expect": {**INNOCENT, "test_fault": "passed"}, "says": {}}},
        covers=("descriptors",),
    ),
    in_test(
        "outputs_replaced",
        "descriptors 0, 1 and 2 replaced",
        "import os\ndef test_fault():\n    null = os.open(os.devnull, os.O_RDWR)\n    for fd in (0, 1, 2): os.dup2(null, fd)",
        "passed",
        covers=("descriptors",),
    ),
    in_test(
        "all_descriptors_closed",
        "what a daemon does at its start",
        "import os\ndef test_fault(): os.closerange(0, 4096)",
        says="it ended pytest's session before it was finished",  # which cannot print any more
        where={
            "exec": {"problems": ("pytest ended with status 3", "its process exited with 120")},
            "warm test": {
                "expect": {**INNOCENT, "test_fault": "failed"},
                "says": {"test_fault": "Bad file descriptor"},
            },
        },
        covers=("descriptors",),
    ),
    in_test(
        "high_descriptors_reused",
        "every descriptor from 3 on is another file now",
        """
        import os
        def test_fault():
            null = os.open(os.devnull, os.O_RDWR)
            for name in os.listdir("/proc/self/fd"):
                if int(name) >= 100:
                    os.dup2(null, int(name))
        """,
        "passed",
    ),
    in_test(
        "descriptors_exhausted",
        "a test that leaks descriptors until there are none left (EMFILE)",
        """
        import os
        LEAKED = []
        def test_fault():
            try:
                while True: LEAKED.append(os.dup(0))
            except OSError: pass
        """,
        "passed",
    ),
    in_test(
        "no_descriptors_allowed",
        "a limit of open files that allows none",
        "import resource\ndef test_fault(): resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
        "failed",
        says="Bad file descriptor",
        where={"phase": {"expect": SPOILT}},
    ),
    in_test(
        "no_file_may_grow",
        "a limit of file size that allows nothing: the test's own outcome cannot be written",
        "import resource\ndef test_fault(): resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
        says="exited with 1",
    ),
    in_test(
        "out_of_memory",
        "a limit of memory, and a test that needs more",
        """
        import resource
        def test_fault():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 31, -1))
            bytearray(1 << 32)
        """,
        "failed",
        says="MemoryError",
    ),
    in_test(
        "no_process_may_be_made",
        "a limit of processes",
        "import resource\ndef test_fault(): resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
        "passed",
    ),
    in_test(
        "lowest_priority",
        "a test that makes its process the least important one",
        "import os\ndef test_fault(): os.nice(19)",
        "passed",
    ),
    in_test(
        "reads_standard_input",
        "a test that waits for somebody to type",
        "def test_fault(): input()",
        "failed",
        says="reading from stdin",
    ),
    in_test(
        "reads_descriptor_0",
        "the same past pytest",
        "import os\ndef test_fault(): assert os.read(0, 1) == b''",
        "passed",
    ),
    # ------------------------------------------------------------------------------------- directories and files
    in_test(
        "cwd_gone",
        "the working directory is removed",
        "import os\ndef test_fault(tmp_path):\n    os.chdir(tmp_path)\n    tmp_path.rmdir()",
        "passed",
        covers=("cwd-gone",),
    ),
    in_test(
        "root_is_the_cwd",
        "relative paths of pytest and its plugins mean something else",
        "import os\ndef test_fault(): os.chdir('/')",
        "passed",
        covers=("cwd-gone",),
    ),
    in_test(
        "temporary_directory_gone",
        "the directory of all temporary files is removed",
        """
        import os, shutil, tempfile
        def test_fault(tmp_path):
            assert os.environ["TMPDIR"] == tempfile.gettempdir()
            shutil.rmtree(tempfile.gettempdir())
        """,
        "passed",
        leaves=("TMPDIR",),
    ),
    in_test(
        "nothing_is_permitted",
        "a umask that lets nobody read what is written",
        "import os\ndef test_fault(tmp_path):\n    os.umask(0o777)\n    (tmp_path / 'x').touch()",
        "passed",
    ),
    Fault(
        name="deletes_its_own_file",
        why="a test file that is gone when the next process collects",
        files={
            "test_fault.py": "import os\ndef test_before(): pass\ndef test_fault(): os.remove(__file__)\ndef test_after(): pass\n"
        },
        expect={**INNOCENT, "test_fault": "passed"},
        code=0,
        where={
            "exec test": {"code": 1, "expect": {"test_before": "passed", "test_fault": "passed", "test_after": "error"}}
        },
    ),
    Fault(
        name="breaks_its_own_file",
        why="a test file that cannot be read any more when a fresh process collects it for the rest",
        files={
            "test_fault.py": """
                import os, pathlib
                def test_before(): pass
                def test_fault():
                    pathlib.Path(__file__).write_text("def broken(:")
                    os._exit(0)
                def test_after(): pass
            """
        },
        expect={"test_before": "passed", "test_fault": "crashed", "test_after": "error"},
        says={"test_fault": "exited with 0", "test_after": "SyntaxError"},
        # what has been collected is not read again
        where={"warm": {"expect": {**INNOCENT, "test_fault": "crashed"}, "says": {"test_fault": "exited with 0"}}},
    ),
    *(
        in_test(
            f"events_{name}",
            f"a test finds the files in which pytest processes say what happens, and {what}",
            f"""
            import os, pathlib
            def test_fault():
                for path in pathlib.Path(".async-test-run").glob("runs/2*/**/events*.jsonl"):
                    {action}
            """,
            "passed",
            where=where,
        )
        for name, what, action, where in [
            ("deleted", "deletes them", "path.unlink()", {}),
            ("moved", "moves them", "path.rename(path.with_name('moved'))", {}),
            (
                "spoiled",
                "writes lines without sense",
                "path.open('ab').write(b'\\xff{]\\n{\"kind\":1}\\nnull\\n[]\\n')",
                {key: {"code": 1, "problems": ("holds a line that is no fact",)} for key in LAUNCHERS},
            ),
        ]
    ),
    Fault(
        name="events_forged",
        why="a test writes the news of other tests: none passes without having run, none is reported twice",
        files={
            "test_fault.py": """
                import json, pathlib
                def test_before(): pass
                def test_fault():
                    for path in pathlib.Path(".async-test-run").glob("runs/2*/**/events*.jsonl"):
                        for id in ("test_fault.py::test_before", "no::such", "test_fault.py::test_before"):
                            fact = {"kind": "finished", "at": 1.0, "mono": 1.0, "id": id, "started": 1.0, "duration": 0.0}
                            path.open("a").write(json.dumps({**fact, "call": 0.0}) + "\\n")
                def test_after(): pass
            """
        },
        expect={**INNOCENT, "test_fault": "passed"},
        code=1,
        problems=("has fact 0 where ",),
        where={"warm phase": {"problems": ("has fact 0 where ", "has a fact before any process said hello there")}},
    ),
    # ---------------------------------------------------------------------------------- environment and modules
    in_test(
        "no_environment",
        "the environment is emptied",
        "import os\ndef test_fault(): os.environ.clear()",
        "passed",
        covers=("no-environment",),
    ),
    in_test(
        "no_path_and_few_modules",
        "sys.path is emptied, modules that everybody uses are thrown out",
        """
        import sys
        def test_fault():
            for name in ("json", "time", "os", "re", "async_test_run_inside.wire.facts"): sys.modules.pop(name, None)
            sys.path.clear()
            sys.meta_path.clear()
            sys.path_importer_cache.clear()
        """,
        "passed",
        covers=("no-modules",),
    ),
    in_test(
        "no_modules_at_all",
        "every module is thrown out",
        "import sys\ndef test_fault(): sys.modules.clear()",
        "passed",
        code=1,
        problems=(AT_THE_END,),
        where={"warm test": {"problems": ("although its tests do not explain it",)}},
        covers=("no-modules",),
    ),
    in_test(
        "modules_replaced",
        "modules that everybody uses are something else now",
        """
        import sys, types
        def test_fault():
            for name in ("json", "time", "pickle", "struct", "signal"): sys.modules[name] = types.ModuleType(name)
        """,
        "passed",
        covers=("no-modules",),
    ),
    *(
        in_test(
            f"replaces_{name}",
            f"{what} are replaced for good",
            f"""
            import builtins, json, os, pickle, select, sys, threading, time
            def broken(*args, **kwargs): raise RuntimeError("replaced by a test")
            def test_fault():
                {action}
            """,
            outcome,
            **more,
        )
        for name, what, action, outcome, more in [
            (
                "os_functions",
                "functions of os that write, wait and fork",
                "for name in ('write', 'read', 'fstat', 'getpid', 'getppid', 'fork', 'pipe', 'waitpid', 'close', 'kill', "
                "'killpg', 'setpgid', '_exit', 'dup2', 'listdir', 'waitstatus_to_exitcode'): setattr(os, name, broken)",
                "failed",
                {
                    "says": "replaced by a test",
                    "problems": ("last test",),
                    "where": {"phase": {"expect": SPOILT}, "test": {"problems": ()}},
                },
            ),
            ("sys_exit", "sys.exit and os._exit", "sys.exit = os._exit = broken", "passed", {}),
            (
                "json_and_pickle",
                "what turns values into text",
                "json.dumps = json.JSONEncoder = pickle.dumps = broken",
                "passed",
                {"code": 1, "problems": (AT_THE_END,), "where": UNHARMED},
            ),
            ("clocks", "the clocks", "time.time = time.monotonic = time.perf_counter = lambda: 0.0", "passed", {}),
            (
                "open",
                "open()",
                "builtins.open = broken",
                "passed",
                {"code": 1, "problems": (AT_THE_END,), "where": UNHARMED},
            ),
            ("print", "print()", "builtins.print = broken", "passed", {}),
            (
                "hooks",
                "what is called for unhandled exceptions",
                "sys.excepthook = sys.unraisablehook = threading.excepthook = broken",
                "passed",
                {},
            ),
        ]
    ),
    in_test(
        "clocks_that_raise",
        "clocks that do not answer any more",
        """
        import time
        def broken(): raise RuntimeError("no time")
        def test_fault(): time.time = time.monotonic = time.perf_counter = time.time_ns = broken
        """,
        "passed",
        code=1,
        problems=("no time",),
        where={"test": {"code": 0, "problems": ()}},  # nothing asks for the time any more
    ),
    in_test(
        "frozen_clock",
        "a clock that stands still in the year 2000, forgotten",
        "import time\ndef test_fault(): time.time = lambda: 946684800.0",
        "passed",
    ),
    in_test(
        "no_isinstance",
        "a builtin that everything needs",
        "import builtins\ndef broken(*a): raise RuntimeError('no isinstance')\ndef test_fault(): builtins.isinstance = broken",
        says="no isinstance",
        where={"warm test": {"says": {"test_fault": "exited with 1"}}},
    ),
    in_test(
        "stdout_is_none", "no sys.stdout", "import sys\ndef test_fault(): sys.stdout = sys.stderr = None", "passed"
    ),
    in_test(
        "stdout_object_closed",
        "sys.stdout is closed, and what pytest keeps of it",
        "import sys\ndef test_fault(): sys.stdout.close(); sys.__stdout__.close(); sys.__stderr__.close()",
        says="closed file",
        where={"warm test": {"expect": {**INNOCENT, "test_fault": "failed"}}},
    ),
    in_test(
        "stdout_detached",
        "the buffer is taken out of sys.stdout",
        "import sys\ndef test_fault(): sys.stdout.detach()",
        "failed",
        says="detached",
        problems=("exited with 120",),
        where={"phase": {"expect": SPOILT}, "warm test": {"problems": ()}},
    ),
    in_test(
        "locale_changed",
        "another locale, and another idea of text",
        """
        import locale, os
        def test_fault():
            locale.setlocale(locale.LC_ALL, "C")
            os.environ.update(LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
            print("ä\\u2028")
        """,
        "passed",
    ),
    in_test(
        "recursion_limit_50",
        "so few frames that pytest itself has too many",
        "import inspect, sys\ndef test_fault(): sys.setrecursionlimit(len(inspect.stack()) + 12)",
        "passed",
    ),
    in_test(
        "trace_function_raises",
        "a trace and a profile function that raise",
        """
        import sys
        def broken(*args): raise RuntimeError("traced")
        def test_fault(): sys.setprofile(broken)
        """,
        "failed",
        says="traced",
        where={},
    ),
    in_test(
        "garbage_collection_off",
        "no garbage collection, and callbacks of it that raise",
        """
        import gc
        def broken(*args): raise RuntimeError("collected")
        def test_fault():
            gc.callbacks.append(broken)
            gc.collect()
            gc.disable()
        """,
        "passed",
    ),
    in_test(
        "destructor_raises",
        "an exception in __del__, long after",
        "class Bad:\n    def __del__(self): raise ValueError('late')\nKEPT = []\ndef test_fault(): KEPT.append(Bad())",
        "passed",
    ),
    in_test(
        "warnings_are_errors",
        "every warning of whoever comes later is an exception",
        "import warnings\ndef test_fault(): warnings.resetwarnings(); warnings.simplefilter('error')",
        "passed",
    ),
    in_test(
        "logging_shut_down",
        "logging is over, and a handler raises",
        """
        import logging
        class Broken(logging.Handler):
            def emit(self, record): raise RuntimeError("logged")
        def test_fault():
            logging.getLogger().addHandler(Broken())
            logging.shutdown()
            logging.disable()
        """,
        "passed",
    ),
    # ------------------------------------------------------------------------------------------------------ signals
    in_test(
        "signal_handlers_replaced",
        "handlers of the signals that end processes do nothing",
        """
        import signal
        def test_fault():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, lambda *args: None)
        """,
        "passed",
        covers=("signals-replaced",),
    ),
    in_test(
        "children_are_not_waited_for",
        "SIGCHLD is ignored: no child leaves a status",
        "import signal\ndef test_fault(): signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "passed",
        covers=("signals-replaced",),
    ),
    in_test(
        "signal_storm",
        "a timer that interrupts every system call, a thousand times a second, for good",
        """
        import signal
        def test_fault():
            signal.signal(signal.SIGALRM, lambda *args: None)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        """,
        "passed",
        code=1,
        problems=("killed by SIGALRM; the last test before was",),
        where=UNHARMED,
    ),
    in_test(
        "late_alarm",
        "a timer whose handler raises in the middle of a later test",
        """
        import signal, time
        def late(*args): raise RuntimeError("the alarm of another test")
        def test_fault():
            signal.signal(signal.SIGALRM, late)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
        def test_victim(): time.sleep(1)
        """,
        "passed",
        code=1,
        expect={"test_victim": "failed"},
        says_too={"test_victim": "the alarm of another test"},
        where={
            "test": {"code": 0, "expect": {**INNOCENT, "test_fault": "passed", "test_victim": "passed"}, "says": {}}
        },
    ),
    hanging(
        "dump_signal_taken",
        "a test takes the signal with which the runner asks for stacks, and hangs",
        """
        import signal, time
        def test_fault():
            for number in range(signal.SIGRTMIN, signal.SIGRTMAX + 1): signal.signal(number, lambda *args: None)
            for _ in range(600): time.sleep(1)
        """,
    ),
    # ------------------------------------------------------------------------------------------------ pytest itself
    in_test(
        "items_cleared",
        "a test empties pytest's list of tests",
        "def test_fault(request): request.session.items.clear()",
        "passed",
    ),
    in_test(
        "plugins_unregistered",
        "a test unregisters every plugin, the runner's too: what it would have said is lost, and that is red",
        """
        def test_fault(request):
            manager = request.config.pluginmanager
            for plugin in list(manager.get_plugins()):
                if "async" in str(manager.get_name(plugin)): manager.unregister(plugin)
        """,
        says="exited with",
        where={"warm test": {"says": {"test_fault": "it ended pytest's session"}}},
    ),
    in_test(
        "hook_relay_gone",
        "a test damages pytest's configuration",
        "def test_fault(request): request.config.hook = None",
        says="NoneType",
    ),
    in_test(
        "private_part_gone",
        "a part of pytest that forks renew is not where it was",
        "def test_fault(): pass",
        "passed",
        files={
            "conftest.py": """
                import pytest
                @pytest.hookimpl(trylast=True)
                def pytest_configure(config):
                    for plugin in config.pluginmanager.get_plugins():
                        if type(plugin).__name__ == "LogXML":
                            plugin.__class__ = type("Moved", (type(plugin),), {})
            """
        },
        covers=("private-api",),
    ),
    in_test(
        "private_capture_gone",
        "pytest's capture has other insides: fresh processes instead of forks, with the reason",
        "def test_fault(): pass",
        "passed",
        files={
            "conftest.py": """
                import pytest
                @pytest.hookimpl(trylast=True)
                def pytest_configure(config):
                    capturing = config.pluginmanager.getplugin("capturemanager")._global_capturing
                    for part in (capturing.out, capturing.err):
                        inner = type(part)
                        part.__class__ = type("Moved", (inner,), {"saved": property(lambda self: self.__dict__["fd_saved"])})
                        part.fd_saved = part.__dict__.pop("targetfd_save")
                        part.__class__.__getattr__ = lambda self, name: hidden(self, name)
                import sys
                def hidden(part, name):
                    if name == "targetfd_save" and sys._getframe(2).f_code.co_filename.endswith("_pytest/capture.py"):
                        return part.fd_saved
                    raise AttributeError(name)
            """
        },
        where={"warm": {"warnings": ("the capture of pytest",)}},
        covers=("private-api",),
    ),
]

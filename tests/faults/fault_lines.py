"""What a test runner must survive, line by line: faults seen in the wild, and the public part of the fault matrix.

Every line is covered by at least one fault of the catalogue (`test_faults_catalogue`). What the catalogue holds beyond
these lines are faults that we thought of ourselves.
"""

from __future__ import annotations

OBSERVED = {
    "leaves-with-0": "a test leaves its process with status 0, and pytest says nothing more",
    "process-killed": "a phase's process is killed by a signal",
    "hang-thread": "a test hangs where a thread of pytest-timeout would end all of pytest",
    "hang-await": "a test hangs on an await: no frame of the user's in an ordinary traceback",
    "hang-in-c": "a test blocks in C and holds the interpreter's lock",
    "thread-left": "a thread that is no daemon is left behind: the process never exits",
    "asyncio-left": "a pending task, an exception in the background, a loop and a socket that nobody closes",
    "sigterm": "SIGTERM from the CI service",
    "ctrl-c": "Ctrl-C, once and twice",
    "runner-killed": "the runner itself is killed with SIGKILL",
    "xdist-worker-dies": "a worker of pytest-xdist dies under loadfile or loadgroup",
    "flaky": "a flaky test that passes when it is tried again",
    "private-api": "a private part of pytest is not where it was",
    "collection-raises": "a conftest.py raises, or a test file cannot be imported",
    "pollution-and-death": "a test fails because of another one before it, and a third kills the process",
}

SURVIVED = {
    "segfault": "a segmentation fault",
    "abort": "os.abort()",
    "sys-exit": "sys.exit(0) and SystemExit in a test",
    "exit-elsewhere": "os._exit in a fixture, in a teardown, in an exit handler, at the import of conftest.py",
    "pytest-exit": "pytest.exit() in a test",
    "keyboard-interrupt": "a test raises KeyboardInterrupt",
    "kills-parent": "a test kills its parent",
    "endless-repr": "RecursionError in the repr of an asserted operand",
    "bad-str": "an exception whose __str__ raises",
    "strange-text": "NUL, ANSI escapes, lone surrogates, ]]> and invalid UTF-8 in ids, messages and output",
    "much-output": "200 MB of output",
    "stdout-closed": "a run whose standard output is closed",
    "descriptors": "a test closes or replaces descriptors 1 and 2",
    "cwd-gone": "a working directory that is gone",
    "no-environment": "a test empties the environment",
    "no-modules": "a test damages sys.modules and sys.path",
    "signals-replaced": "a test replaces signal handlers and ignores SIGTERM",
    "daemon": "a daemonised grandchild",
    "output-held": "a grandchild that holds the output open",
    "children-left": "children of multiprocessing and subprocess that are left behind",
    "endless-loops": "an endless loop in a fixture, in a teardown, at import, in __del__",
    "loop-blocked": "time.sleep blocks the event loop",
    "lock-deadlock": "two asyncio locks, taken in different orders",
    "nested-run": "asyncio.run inside a test",
    "sigstop": "a test stops itself with SIGSTOP",
    "run-directory": "the run directory is deleted or cannot be written to, during the run",
    "disk-full": "the disk is full",
    "two-runs": "two runs in one directory at the same time",
    "broken-pipe": "the reader of the runner's output goes away",
    "poor-terminal": "no terminal, no HOME, TERM=dumb, NO_COLOR, LANG=C",
    "many-tests": "20 000 tests; ids of 4 000 characters; more ids than an argument list holds",
    "clock-back": "the system's clock steps back",
    "bad-plan": "a plan that is missing, empty, a directory, not UTF-8, huge, or expands to billions of nodes",
    "bad-junit": "JUnit XML that is truncated, empty, of another dialect, a bomb, or has 100 000 testcases",
}

LINES = OBSERVED | SURVIVED

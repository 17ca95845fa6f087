"""Faults that outlive their test: processes, threads, whoever holds the output open."""

from __future__ import annotations

from tests.faults.fault import HASTY, hanging, in_test

FAULTS = [
    in_test(
        "thread_left_behind",
        "a thread that is no daemon keeps the process for ever",
        "import threading, time\ndef test_fault(): threading.Thread(target=time.sleep, args=(600,), name='left-over').start()",
        "passed",
        plan=HASTY,
        warnings=("did not exit",),
        where={"warm test": {"warnings": ("left-over",)}},
        covers=("thread-left",),
    ),
    in_test(
        "thread_that_goes_on_printing",
        "a daemon thread that prints and raises while pytest ends",
        """
        import threading
        def chatter():
            while True: print("still here")
        def test_fault(): threading.Thread(target=chatter, daemon=True).start()
        """,
        "passed",
    ),
    in_test(
        "thread_that_raises",
        "an exception in a thread is a warning to pytest",
        """
        import threading
        def fails(): raise ValueError("in a thread")
        def test_fault():
            thread = threading.Thread(target=fails)
            thread.start()
            thread.join()
        """,
        "passed",
    ),
    in_test(
        "subprocess_left_behind",
        "a child that nobody waits for",
        "import subprocess\ndef test_fault(): subprocess.Popen(['sleep', '600'])",
        "passed",
        covers=("children-left",),
    ),
    in_test(
        "multiprocessing_left_behind",
        "a process of multiprocessing is joined at the exit: for ever",
        """
        import multiprocessing, time
        def test_fault(): multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()
        """,
        "passed",
        plan=HASTY,
        covers=("children-left",),
    ),
    in_test(
        "fifty_children",
        "more children than anybody expects, each ignoring SIGTERM",
        """
        import os, signal, time
        def test_fault():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for _ in range(50):
                if os.fork() == 0:
                    time.sleep(600)
                    os._exit(0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        """,
        "passed",
        covers=("children-left",),
    ),
    in_test(
        "daemon",
        "a grandchild that has left its group, its session and its parents",
        """
        import os, time
        def test_fault():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            os.wait()
        """,
        "passed",
        warnings=("left behind",),
        covers=("daemon",),
    ),
    in_test(
        "daemon_that_hides",
        "the same with another name, no environment and no open files",
        """
        import os, subprocess, sys
        HIDES = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
        def test_fault(): subprocess.run([sys.executable, "-c", HIDES], env={}, cwd="/")
        """,
        "passed",
        warnings=("left behind",),
        covers=("daemon",),
    ),
    in_test(
        "daemons_child_of_a_death",
        "a test that daemonises and then takes its process down",
        """
        import os, subprocess
        def test_fault():
            subprocess.Popen(["setsid", "-f", "sleep", "600"]).wait()
            os._exit(0)
        """,
        says="exited with 0",
        covers=("daemon",),
    ),
    in_test(
        "output_held_open",
        "a grandchild holds the output open, and its parent dies",
        """
        import os, subprocess
        def test_fault():
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            os._exit(0)
        """,
        says="exited with 0",
        covers=("output-held",),
    ),
    in_test(
        "output_held_open_without_capture",
        "a child writes to the output for ever",
        "import subprocess\ndef test_fault(): subprocess.Popen(['sh', '-c', 'while :; do echo x; sleep 0.1; done'])",
        "passed",
        phase="pytest_args: [-s]",
        covers=("output-held",),
    ),
    in_test(
        "stopped_child",
        "a child that is stopped answers no signal but SIGKILL",
        """
        import os, signal, subprocess
        def test_fault(): os.kill(subprocess.Popen(["sleep", "600"]).pid, signal.SIGSTOP)
        """,
        "passed",
    ),
    in_test(
        "zombie",
        "a child that has ended and that nobody waits for",
        "import os\ndef test_fault():\n    if os.fork() == 0: os._exit(3)",
        "passed",
    ),
    in_test(
        "helpers_of_multiprocessing",
        "multiprocessing's own servers stay: a tracker of resources",
        """
        import multiprocessing, os
        def test_fault():
            process = multiprocessing.get_context("spawn").Process(target=os.getpid)
            process.start()
            process.join()
        """,
        "passed",
    ),
    in_test(
        "leaves_its_group",
        "a test moves its process into a group of its own, or into nobody's",
        "import os\ndef test_fault():\n    if os.fork() == 0:\n        os.setpgid(0, 0)\n        import time; time.sleep(600)",
        "passed",
    ),
    hanging(
        "hang_with_children",
        "a hang whose children have left the group",
        """
        import subprocess, time
        def test_fault():
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            subprocess.Popen(["setsid", "-f", "sleep", "600"]).wait()
            time.sleep(600)
        """,
        covers=("daemon",),
    ),
    hanging(
        "hang_that_respawns",
        "a child that starts another one when it is terminated",
        """
        import subprocess, time
        def test_fault():
            subprocess.Popen(["sh", "-c", "trap 'setsid -f sleep 600' TERM; while :; do sleep 0.05; done"])
            time.sleep(600)
        """,
        covers=("daemon",),
    ),
]

"""Faults around the runner: signals to it, its own death, its directory, its disk, its output, its clock."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

from tests.faults.fault import AFTER, BEFORE, HASTY, INNOCENT, PATIENT, Fault, in_test
from tests.support.projects import MARK, SOURCE, Finished, Project, Running, survivors, wait_until

WAITS = """
    import pathlib, time
    def test_before(): pass
    def test_fault():
        pathlib.Path("waiting").touch()
        time.sleep(600)
    def test_after(): pass
"""
STUBBORN = WAITS.replace("import pathlib, time", "import pathlib, signal, time").replace(
    "def test_fault():", "def test_fault():\n        for n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)"
)
CUT_SHORT = {"test_before": "passed", "test_fault": "not_run", "test_after": "not_run"}


def signalled(*numbers: int) -> Callable[[Project], Finished]:
    """The runner gets these signals while a test waits, each as soon as it has taken in the one before."""

    def drive(project: Project) -> Finished:
        running = project.start("run").until("waiting")
        for count, number in enumerate(numbers, 1):
            running.signal(number)
            wait_until(lambda count=count: interruptions(running) >= count or running.process.poll() is not None)
        return running.wait()

    return drive


def interruptions(running: Running) -> int:
    """How many signals the journal of the run has."""
    return journal_of(running.project).count('"interrupted"')


def killed(project: Project) -> Finished:
    """The runner is killed while a test waits; what remains is what `report` makes of it."""
    running = project.start("run").until("waiting")
    wait_until(lambda: journal_of(project).count("test_started") == 2)
    running.signal(signal.SIGKILL)
    assert running.process.wait() == -signal.SIGKILL
    wait_until(lambda: survivors(running.mark) == [])
    return reported(project, running)


def killed_by_a_test(project: Project) -> Finished:
    """The same, but a test does it."""
    running = project.start("run")
    assert running.process.wait() == -signal.SIGKILL
    wait_until(lambda: survivors(running.mark) == [])
    return reported(project, running)


def journal_of(project: Project) -> str:
    """What the newest run has written."""
    newest = project.newest()
    path = newest / "journal.jsonl" if newest is not None else None
    return path.read_text(encoding="utf-8") if path is not None and path.exists() else ""


def reported(project: Project, running: Running) -> Finished:
    """The run as the command `report` shows it, written as XML where a run leaves its own."""
    newest = project.newest()
    assert newest is not None
    done = project.start("report", newest.name, "--exit-code", "--junit", str(newest / "junit.xml")).wait()
    return Finished(done.code, done.output, newest, running.mark)


def in_shell(line: str) -> Callable[[Project], Finished]:
    """A line of shell in which ``"$@"`` is the runner, whose status it writes to a file where that is not its own."""

    def drive(project: Project) -> Finished:
        mark = secrets.token_hex(8)
        runner = [sys.executable, "-m", "async_test_runner", "run", "--launcher", project.launcher]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", MARK: mark}
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(project.root.with_name("TMPDIR"))}
        command = ["/bin/sh", "-c", line, "sh", *runner]
        done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, timeout=90)
        newest = project.newest()
        status = newest / "exit" if newest is not None else None
        code = int(status.read_text()) if status is not None and status.exists() else done.returncode
        return Finished(code, done.stdout + done.stderr, newest, mark)

    return drive


TO_FILE = 'echo $? > "$(ls -d .async-test-run/runs/2* | tail -1)/exit"'


def two_at_once(project: Project) -> Finished:
    """Two runs in one directory; both must be whole."""
    first = project.start("run")
    second = project.start("run")
    codes = [first.wait().code, second.wait().code]
    runs = sorted((project.root / ".async-test-run" / "runs").glob("2*"))
    assert len(runs) == 2
    results = [
        Finished(code, "", run, running.mark) for code, run, running in zip(codes, runs, (first, second), strict=True)
    ]
    return results[0].check(1) and results[1]


def on_a_full_disk(project: Project) -> None:
    """The run directory lies on a tiny file system of its own; where none can be mounted, files may not grow."""
    (project.root / ".async-test-run").mkdir()
    mount = 'mount -t tmpfs -o size=400k none .async-test-run && exec "$@"'
    private = subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    line = f"exec unshare -m sh -c {shlex.quote(mount)} sh" if private else "ulimit -f 100; exec"
    done = in_shell(f'{line} "$@"')(project)
    assert done.code == 4, done.output
    assert "cannot write the journal" in done.output
    cases = list(ElementTree.parse(project.root / "junit.xml").iter("testcase"))
    names = [case.get("name") for case in cases if "test_many" in str(case.get("name"))]
    assert len(names) == len(set(names)) == 40, done.output
    assert survivors(done.mark) == []


FAULTS = [
    *(
        Fault(
            name=name,
            why=why,
            files={"test_fault.py": tests},
            plan=plan,
            drive=signalled(*numbers),
            code=code,
            expect=CUT_SHORT,
            says={"test_after": said},
            leaves=("waiting",),
            covers=covers,
        )
        for name, why, tests, plan, numbers, code, said, covers in [
            ("sigterm", "the CI service cancels the job", WAITS, PATIENT, [15], 143, "SIGTERM", ("sigterm",)),
            ("sighup", "the terminal goes away", WAITS, PATIENT, [1], 129, "SIGHUP", ()),
            ("ctrl_c", "Ctrl-C", WAITS, PATIENT, [2], 130, "SIGINT", ("ctrl-c",)),
            (
                "ctrl_c_twice",
                "Ctrl-C, and again, and a stubborn test",
                STUBBORN,
                PATIENT,
                [2, 2],
                130,
                "SIGINT",
                ("ctrl-c",),
            ),
            (
                "sigterm_to_a_stubborn_test",
                "SIGTERM, which the test ignores",
                STUBBORN,
                HASTY,
                [15],
                143,
                "SIGTERM",
                ("sigterm",),
            ),
            (
                "sigint_then_sigterm",
                "two different signals: the first one decides",
                STUBBORN,
                PATIENT,
                [2, 15],
                130,
                "SIGINT",
                (),
            ),
        ]
    ),
    Fault(
        name="runner_killed",
        why="the runner is killed with SIGKILL: its processes end, and what it knew is reported",
        files={"test_fault.py": WAITS},
        drive=killed,
        expect=CUT_SHORT,
        leaves=("waiting",),
        covers=("runner-killed",),
    ),
    Fault(
        name="runner_killed_by_a_test",
        why="a test kills the parent of its parent, and that is the runner",
        files={
            "test_fault.py": """
                import os, pathlib, signal, time
                def test_before(): pass
                def test_fault():
                    (journal,) = pathlib.Path(".async-test-run").glob("runs/2*/journal.jsonl")
                    while journal.read_text().count("test_started") < 2: time.sleep(0.01)
                    parent = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text()
                    os.kill(int(parent.rpartition(")")[2].split()[1]), signal.SIGKILL)
                    time.sleep(600)
                def test_after(): pass
            """
        },
        drive=killed_by_a_test,
        launchers=("exec",),
        expect=CUT_SHORT,
        covers=("kills-parent", "runner-killed"),
    ),
    in_test(
        "run_directory_deleted",
        "a test deletes the run directory",
        "import shutil\ndef test_fault(): shutil.rmtree('.async-test-run')",
        "passed",
        code=1,
        problems=("somebody has changed the journal",),
        covers=("run-directory",),
    ),
    in_test(
        "run_directory_spoiled",
        "a test puts a file where the runner wants to make directories",
        """
        import pathlib, shutil
        def test_fault():
            (processes,) = pathlib.Path(".async-test-run").glob("runs/2*/processes")
            shutil.rmtree(processes)
            processes.write_text("mine")
        """,
        "passed",
        where={"exec test": {"code": 4, "expect": {**CUT_SHORT, "test_fault": "passed"}, "problems": ("cannot",)}},
        covers=("run-directory",),
    ),
    in_test(
        "reports_led_astray",
        "a test puts a link where the runner writes its reports: nothing is written to where it leads",
        """
        import pathlib
        def test_fault():
            (run,) = pathlib.Path(".async-test-run").glob("runs/2*")
            pathlib.Path("elsewhere").mkdir()
            (run / "phases").symlink_to(pathlib.Path("elsewhere").absolute())
        """,
        "passed",
        leaves=("elsewhere",),
        covers=("run-directory",),
    ),
    Fault(
        name="disk_full",
        why="the disk takes no more: the run ends, and what fits elsewhere is written",
        files={
            "test_fault.py": """
                import pytest
                @pytest.mark.parametrize("n", range(40))
                def test_many(n): print("x" * 20000)
            """
        },
        plan=PATIENT + "reports: {junit: junit.xml}\n",
        drive=on_a_full_disk,
        code=4,
        leaves=("junit.xml",),
        covers=("disk-full",),
    ),
    Fault(
        name="two_runs",
        why="two runs in one directory at the same time",
        files={"test_fault.py": f"{BEFORE}def test_fault(): assert False\n{AFTER}"},
        drive=two_at_once,
        expect={**INNOCENT, "test_fault": "failed"},
        covers=("two-runs",),
    ),
    *(
        Fault(
            name=name,
            why=why,
            files={"test_fault.py": f"{BEFORE}def test_fault(): assert False, 'x' * 100000\n{AFTER}"},
            drive=in_shell(f'"$@" {redirection}; {TO_FILE}'),
            expect={**INNOCENT, "test_fault": "failed"},
            covers=covers,
        )
        for name, why, redirection, covers in [
            ("stdout_closed", "a run whose standard streams are closed", ">&- 2>&- <&-", ("stdout-closed",)),
            ("stdout_full", "a run whose output goes to a full device", "> /dev/full 2>&1", ("stdout-closed",)),
        ]
    ),
    Fault(
        name="stdout_broken_pipe",
        why="the reader of the output goes away at once",
        files={"test_fault.py": f"{BEFORE}def test_fault(): assert False, 'x' * 100000\n{AFTER}"},
        drive=in_shell(f'{{ "$@"; {TO_FILE}; }} | head -c 1'),
        expect={**INNOCENT, "test_fault": "failed"},
        covers=("broken-pipe",),
    ),
    Fault(
        name="poor_terminal",
        why="no terminal, no HOME, no locale, no colour",
        files={"test_fault.py": f"{BEFORE}def test_fault(): assert 'ä' == '\\u2028'\n{AFTER}"},
        drive=in_shell('exec env -u HOME -u PYTHONIOENCODING TERM=dumb NO_COLOR=1 LANG=C LC_ALL=C PYTHONUTF8=0 "$@"'),
        expect={**INNOCENT, "test_fault": "failed"},
        covers=("poor-terminal",),
    ),
    in_test(
        "clock_steps_back",
        "the system's clock steps back by a day: what the runner and pytest see of it",
        """
        import time
        def test_fault():
            now = time.time
            time.time = lambda: now() - 86400.0
        """,
        "passed",
        covers=("clock-back",),
    ),
]

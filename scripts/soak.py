#!/usr/bin/env python3
"""Run after run with faults and kills at random: is any outcome lost, any red run green, anything left alive or stuck?

    python scripts/soak.py --runs 300 --minutes 60          # a new seed, which is printed
    python scripts/soak.py --seed 7 --first 31 --runs 1     # one run of a seed again

Each run has a small project whose tests pass, fail, die, hang, start daemons, kill their parents; its launcher,
isolation and workers are drawn too, and whether SIGCHLD is blocked. While it goes on, one or two things of
`disturbing` happen to it: a process is killed or stopped, files of facts get stray bytes or are FIFOs, the runner is
told to end. A run that did not come to its end is resumed, perhaps under fire again. What the tests themselves wrote
down is then held against what the journal says, and its times against the deadlines. Exit 1 if anything was found.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from disturbing import DISTURBANCES, MARK, NOBODY, SEAL, TRUNCATION, busy, marked, strike  # noqa: E402
from lateness import Deadlines, late  # noqa: E402

from async_test_runner.model.errors import ChangedJournalError  # noqa: E402
from async_test_runner.model.result import RunResult  # noqa: E402
from async_test_runner.model.vocabulary import Outcome  # noqa: E402
from async_test_runner.record import journal, verdict  # noqa: E402
from async_test_runner.record.fold import fold  # noqa: E402

STUCK = 240.0  # seconds after which a run counts as stuck; the machine may be busy
GONE = 2.0  # seconds in which nothing may be left of a run that has ended
_HINDERED = 4  # the exit code of a run whose collection was killed, say: it can be resumed
PATIENCE = 10.0  # how long what is left is waited for, to tell the slow from the orphaned

HEAD = """
import os, signal, subprocess, sys, threading, time
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))

def note(text):
    fd = os.open(os.path.join(HERE, "notes.txt"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)

@pytest.fixture(autouse=True)
def noted(request):
    note(f"begin {request.node.name}")
    time.sleep(PACE)
    yield

DAEMON = '''
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
fd = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(fd, (str(os.getpid()) + "\\\\n").encode())
time.sleep(600)
'''
"""

# kind -> what the test does, and how it may end when nobody else interferes
KINDS: dict[str, tuple[str, set[Outcome]]] = {
    "passes": ("pass", {Outcome.PASSED}),
    "fails": ("assert 0", {Outcome.FAILED}),
    "exits": ("os._exit(0)", {Outcome.CRASHED}),
    "dies": ("os.kill(os.getpid(), signal.SIGSEGV)", {Outcome.CRASHED}),
    "hangs": ("time.sleep(600)", {Outcome.TIMED_OUT}),
    "deaf": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True:\n        try: time.sleep(600)\n"
        "        except BaseException: pass",
        {Outcome.TIMED_OUT},
    ),
    "daemon": (
        "path = os.path.join(HERE, 'daemons.txt')\n"
        "    subprocess.run([sys.executable, '-c', DAEMON.format(path=path)], env={}, stdin=-3, stdout=-3, stderr=-3)",
        {Outcome.PASSED},
    ),
    "thread": ("threading.Thread(target=time.sleep, args=(600,)).start()", {Outcome.PASSED}),
    "parent": ("os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)", {Outcome.CRASHED}),
    "interrupts": ("raise KeyboardInterrupt", {Outcome.CRASHED}),
    "skips": ("pytest.skip('not here')", {Outcome.SKIPPED}),
}
WEIGHTS = {"passes": 12, "fails": 2, "daemon": 2, "thread": 1, "skips": 1, "hangs": 0.5, "deaf": 0.25}
GREEN = {"passes", "daemon", "thread", "skips"}
SUSPECT = {Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.ERROR}  # what an innocent test may be when others interfere
DEADLINES = Deadlines(test_timeout=6.0, grace=1.0, leak_timeout=3.0, collect_timeout=30.0)
LONGEST_PAUSE = 3.0  # seconds that a runner which was stopped stays so
BLOCKED = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})\n"
NICE = 10
LOOPS = 4
HARMLESS = "SIGCHLD blocked"  # in the runner itself: it changes nothing for any test


@dataclass
class Tally:
    """What has been seen so far."""

    runs: int = 0
    tests: int = 0
    faults: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    refused: int = 0  # to be read or resumed, for its journal was cut off behind its seal
    lost: list[str] = field(default_factory=list)
    false_green: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)  # seconds until nothing was left, where that took more than GONE
    worst: float = 0.0

    @property
    def found(self) -> list[str]:
        return self.lost + self.false_green + self.orphans + self.stuck + self.broken + self.overdue

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {what}" for what, count in sorted(self.kills.items()))
        slow = f" ({len(self.slow)} after more than {GONE:g} s)" if self.slow else ""
        return (
            f"{self.runs} runs, {self.tests} tests, {self.faults} faults, disturbed: {kills or 'none'}, "
            f"{self.resumed} resumed, {self.refused} rightly refused: "
            f"{len(self.lost)} lost, {len(self.false_green)} false greens, {len(self.orphans)} orphans, "
            f"{len(self.stuck)} stuck, {len(self.broken)} broken, "
            f"{len(self.overdue)} overdue; last process gone after at most {self.worst:.2f} s{slow}"
        )


@dataclass(frozen=True)
class Settings:
    """What may be done to a run."""

    kinds: tuple[str, ...] = DISTURBANCES


# ---------------------------------------------------------------------------------------------------------- a project


def project(rng: random.Random, directory: Path) -> dict[str, str]:
    """Write a project; returns the kind of each test."""
    kinds: dict[str, str] = {}
    names = list(KINDS)
    for number in range(rng.randint(2, 3)):
        lines = [HEAD.replace("PACE", rng.choice(["0.0", "0.02", "0.1"]))]
        for position in range(rng.randint(2, 5)):
            kind = rng.choices(names, [WEIGHTS.get(name, 1) for name in names])[0]
            name = f"test_{kind}_{number}_{position}"
            body = KINDS[kind][0]
            lines.append(f"def {name}():\n    {body}\n    note('end {name}')\n")
            kinds[name] = kind
        (directory / f"test_{number}.py").write_text("\n".join(lines))
    isolation = rng.choice(["phase", "file", "test", "test"])
    launcher = rng.choice(["warm", "warm", "exec"])
    workers = 1 if launcher == "exec" and isolation == "phase" else rng.randint(1, 3)
    retries = rng.choice(["", "", ", retries: {count: 1}"])
    policy = f"isolation: {isolation}, launcher: {launcher}, workers: {workers}{retries}"
    if rng.random() < 0.15:
        (directory / "conftest.py").write_text(BLOCKED)
    limits = (
        f"test_timeout: {DEADLINES.test_timeout}s, grace: {DEADLINES.grace}s, leak_timeout: {DEADLINES.leak_timeout}s"
    )
    (directory / "runner.yaml").write_text(
        f"version: 1\ndefaults: {{{limits}}}\ncollect_timeout: {DEADLINES.collect_timeout}s\nphases:\n"
        f"  - {{name: one, tests: [test_0.py], {policy}}}\n  - {{name: rest, {policy}}}\n"
    )
    return kinds


# --------------------------------------------------------------------------------------------------------------- a run


def one(seed: int, number: int, base: Path, tally: Tally, settings: Settings) -> list[str]:
    """One run, and the resumptions that it takes; what was found is in the tally, and returned."""
    rng = random.Random(f"{seed}-{number}")  # noqa: S311 - it is to be the same again
    directory = base / f"run-{number:04d}"
    directory.mkdir()
    kinds = project(rng, directory)
    before = set(tally.found)
    where = f"seed {seed} run {number}"
    struck: set[str] = set()
    for attempt in range(6):
        journals = list(directory.glob(".async-test-run/runs/2*/journal.jsonl"))
        resumes = any(path.stat().st_size for path in journals)  # or it has died before it had begun
        arguments = ["run", "--resume"] if resumes else ["run"]
        tally.resumed += resumes
        quiet = attempt >= 3  # enough: it may come to its end now
        code, what = launched(rng, directory, arguments, settings if not quiet else None, where, tally)
        struck |= what
        if code is None or (code >= 0 and code != _HINDERED and not what & {"TERM", "INT"}):
            break
    tally.runs += 1
    tally.tests += len(kinds)
    tally.faults += sum(kind not in GREEN - {"daemon", "thread"} for kind in kinds.values())
    if code is not None:
        judge(directory, kinds, code, struck, where, tally)
    return [line for line in tally.found if line not in before]


def launched(
    rng: random.Random, directory: Path, arguments: list[str], settings: Settings | None, where: str, tally: Tally
) -> tuple[int | None, set[str]]:
    """Exit code of the runner (None: it was stuck), and what was done to it; without ``settings`` nothing is."""
    mark = secrets.token_hex(8)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ASYNC_TEST_RUN_"))}
    blocked = settings is not None and rng.random() < 0.1
    with (directory / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "async_test_runner", *arguments],
            cwd=directory,
            env={**clean, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_block if blocked else None,  # noqa: PLW1509 - in the child there is this thread only
        )
    struck = {HARMLESS} if blocked else set()
    for _ in range(rng.choice([1, 1, 2]) if settings is not None else 0):
        struck.add(strike(rng, settings.kinds, process, mark, directory))
    struck -= {NOBODY}
    tally.kills.update(struck)
    what = " and ".join(sorted(struck)) or NOBODY
    code: int | None
    try:
        code = process.wait(STUCK)
    except subprocess.TimeoutExpired:
        tally.stuck.append(f"{where}: no end after {STUCK:g} s ({what})")
        code = None
        process.kill()
        process.wait()
    await_silence(directory, mark, f"{where} ({what})", tally)
    return code, struck


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})


def await_silence(directory: Path, mark: str, where: str, tally: Tally) -> None:
    """Nothing may be left: neither what has the mark, nor the daemons, which have lost it."""
    began = time.monotonic()
    while left := [*marked(mark), *daemons(directory)]:
        if time.monotonic() > began + PATIENCE:
            tally.orphans.append(f"{where}: {len(left)} processes left: {', '.join(map(_command, left))}")
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    took = time.monotonic() - began
    tally.worst = max(tally.worst, took)
    if took > GONE:
        tally.slow.append(took)


def daemons(directory: Path) -> list[int]:
    """The daemons of a project that live: zombies and numbers that are somebody else's now left out."""
    path = directory / "daemons.txt"
    pids = path.read_text().split() if path.exists() else []
    return [int(pid) for pid in pids if "daemons.txt" in _command(int(pid))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:300]
    except OSError:
        return ""


# --------------------------------------------------------------------------------------------------------- the verdict


def judge(directory: Path, kinds: dict[str, str], code: int, struck: set[str], where: str, tally: Tally) -> None:
    """What the journal says against what the tests are, and what they wrote down."""
    run = max((directory / ".async-test-run" / "runs").glob("2*"))
    try:
        events = list(journal.read(run / journal.FILE_NAME))
    except ChangedJournalError as error:
        if TRUNCATION in struck and _is_cut_behind_its_seal(run):
            tally.refused += 1
        else:
            tally.broken.append(f"{where}: {error.message}")
        return
    result = fold(events)
    if verdict.violations(result) or int(verdict.exit_code(result)) != code:
        tally.broken.append(f"{where}: exit code {code}, the journal says {int(verdict.exit_code(result))}")
    if "\nTraceback" in (directory / "output.txt").read_text("utf-8", "replace"):
        tally.broken.append(f"{where}: a traceback in the output")
    judge_tests(result, kinds, struck, ended(directory), where, tally)
    if TRUNCATION in struck and code == 0:
        tally.false_green.append(f"{where}: exit code 0 though its journal was cut off")
    pause = LONGEST_PAUSE if "stop runner" in struck else 0.0
    tally.overdue += [f"{where}: {text} ({', '.join(sorted(struck))})" for text in late(events, DEADLINES, pause)]
    if code == 0 and not set(kinds.values()) <= GREEN:
        tally.false_green.append(f"{where}: exit code 0 with tests that {sorted(set(kinds.values()) - GREEN)}")


def _is_cut_behind_its_seal(run: Path) -> bool:
    """Whether the run was over when its journal was cut off: nobody is left to restore it, and it is to be refused."""
    seal, cut = (run / name for name in (SEAL, journal.FILE_NAME))
    return seal.exists() and seal.stat().st_mtime_ns <= cut.stat().st_mtime_ns


def judge_tests(
    result: RunResult, kinds: dict[str, str], struck: set[str], ended: set[str], where: str, tally: Tally
) -> None:
    """Every test has the outcome that it must have, and one that passed came to its end."""
    reported = {test.id.partition("::")[2]: test for test in result.tests()}
    disturbed = bool(struck - {HARMLESS}) or "parent" in kinds.values()
    for name, kind in kinds.items():
        test = reported.get(name)
        if test is None or test.outcome is Outcome.NOT_RUN:
            tally.lost.append(f"{where}: {name} has no outcome: {test.reason if test else 'not in the report'}")
            continue
        allowed = KINDS[kind][1] | (SUSPECT if disturbed else set())
        if test.outcome is Outcome.PASSED and (kind not in GREEN or name not in ended):
            tally.false_green.append(f"{where}: {name} is said to have passed")
        elif test.outcome not in allowed:
            tally.broken.append(f"{where}: {name} {test.outcome.value}: {_why(test.attempts[-1].details)}")


def _why(details: tuple[object, ...]) -> str:
    return str(getattr(details[0], "message", ""))[:200] if details else ""


def ended(directory: Path) -> set[str]:
    """The tests that say of themselves that they came to their end."""
    path = directory / "notes.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.removeprefix("end ") for line in lines if line.startswith("end ")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first run of the seed")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--minutes", type=float, default=90.0, help="no run is begun after that")
    parser.add_argument("--keep", action="store_true", help="keep the directories of runs in which something was found")
    parser.add_argument("--load", action="store_true", help=f"with {LOOPS} busy loops beside it, and nice -n {NICE}")
    parser.add_argument("--truncate", action="store_true", help="cut journals off, too")
    options = parser.parse_args()
    with busy(LOOPS) if options.load else contextlib.nullcontext():
        if options.load:
            os.nice(NICE)
        return soak(options)


def soak(options: argparse.Namespace) -> int:
    """All runs; the exit code."""
    tally = Tally()
    settings = Settings((*DISTURBANCES, *([TRUNCATION] * 3 if options.truncate else [])))
    base = Path(tempfile.mkdtemp(prefix="soak-"))
    began = time.monotonic()
    print(f"seed {options.seed}, in {base}", flush=True)
    for number in range(options.first, options.first + options.runs):
        if time.monotonic() > began + 60 * options.minutes:
            print("out of time", flush=True)
            break
        found = one(options.seed, number, base, tally, settings)
        for line in found:
            print(f"FOUND {line}", flush=True)
        if not (found and options.keep):
            shutil.rmtree(base / f"run-{number:04d}", ignore_errors=True)
        if tally.runs % 10 == 0:
            print(f"{time.monotonic() - began:.0f} s: {tally}", flush=True)
    print(f"seed {options.seed}: {tally}, in {time.monotonic() - began:.0f} s", flush=True)
    if not (options.keep and tally.found):
        shutil.rmtree(base, ignore_errors=True)
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())

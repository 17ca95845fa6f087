"""Runs the faults of tests/faults beside other runners, and writes down what each of them makes of them.

    python scripts/fault_matrix.py                       all of it; makes an environment with the others from the index
    python scripts/fault_matrix.py --only exit_0 hang    some faults
    python scripts/fault_matrix.py --write               and puts the table into tests/faults/README.md

Every fault that is a matter of the tests themselves, and the signals that end a run, in a directory of its own. These
count: a false green (exit 0 although the run was broken), lost tests (collected, and not in the JUnit XML), a hang (not
ended within the time; then ended as a CI service does it, with SIGTERM and SIGKILL), orphans (what is left running).

The others run with what they have against hangs; plain pytest and pytest-xdist have nothing without pytest-timeout.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import platform
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.fault import Fault  # noqa: E402
from tests.faults.faults_catalogue import FAULTS  # noqa: E402
from tests.support.projects import MARK, Project, survivors  # noqa: E402

README = ROOT / "tests" / "faults" / "README.md"
BEGIN, END = "<!-- beside others -->", "<!-- end of beside others -->"
SIGNALS = {"sigterm": signal.SIGTERM, "ctrl_c": signal.SIGINT, "runner_killed": signal.SIGKILL}
TOO_LONG = {
    "many_tests",
    "long_ids",
}  # a process for each of 20 000 tests, or a command line of 2.4 MB: not for everybody
KILLS_PARENT = {"kills_parent"}  # there a shell stands between us and the runner, as it does in CI
PATIENCE = {True: 20.0, False: 60.0}  # seconds, for a fault that only a deadline ends, and for any other
GRACE = 5.0  # seconds between SIGTERM and SIGKILL
SETTLED = 2.0  # seconds that processes may take to follow a runner that was killed


@dataclass(frozen=True)
class Peer:
    """A runner: its distribution, the plugins that it is, and its arguments."""

    name: str
    plugins: tuple[str, ...]
    arguments: tuple[str, ...]


PEERS = (
    Peer("pytest", (), ()),
    Peer("pytest-xdist", ("xdist.plugin",), ("-n", "2")),
    Peer("pytest-isolated", ("pytest_isolated.plugin",), ("--isolated", "--isolated-timeout=5")),
    Peer("pytest-lanes", ("pytest_lanes.plugin",), ("--lane-def=all=.",)),
)
OURS = "async-test-run"
DISTRIBUTIONS = ("pytest", "pytest-xdist", "pytest-isolated", "pytest-lanes", "pytest-asyncio")


@dataclass(frozen=True)
class Verdict:
    """What a runner made of a fault. ``status`` is None for one that had to be ended."""

    status: int | None
    lost: int
    orphans: int
    false_green: bool

    @property
    def shown(self) -> str:
        """A cell of the table: nothing to say is a dash."""
        words = [
            "**false green**" if self.false_green else "",
            f"{self.lost} lost" if self.lost else "",
            "hangs" if self.status is None else "",
            f"{self.orphans} orphan{'s' if self.orphans > 1 else ''}" if self.orphans else "",
        ]
        return ", ".join(word for word in words if word) or "–"


def judge(fault: Fault, status: int | None, reported: set[str], orphans: int) -> Verdict:
    """From what was left of a run; ``reported`` holds the names of the tests in its XML."""
    names = {id.rpartition("::")[2] if "[" not in id else id for id in fault.expect}
    return Verdict(status, len(names - reported), orphans, status == 0 and must_be_red(fault))


def must_be_red(fault: Fault) -> bool:
    """Whether, however it is run, a test of it is red or a file cannot be collected.

    What else a run may be red for (a process that ends with 7 after all has passed) is a matter of opinion.
    """
    variants = [fault.under(*combination) for combination in fault.combinations()]
    return all(each.collect_errors or not set(each.expect.values()) <= {"passed", "skipped"} for each in variants)


def reported(path: Path) -> set[str]:
    """Names of the testcases in a JUnit XML; none where there is none, or where it is broken."""
    try:
        return {str(case.get("name")) for case in ElementTree.parse(path).iter("testcase")}  # noqa: S314 - of our own tests
    except (OSError, ElementTree.ParseError):
        return set()


def faults(only: Sequence[str]) -> list[Fault]:
    """Those that another runner can be given: tests, and the signals that end a run."""
    shared = [
        fault for fault in FAULTS if fault.name not in TOO_LONG and (fault.drive is None or fault.name in SIGNALS)
    ]
    return [fault for fault in shared if not only or fault.name in only]


# ------------------------------------------------------------------------------------------------------------- running


def run(fault: Fault, argv: Sequence[str], plugins: Sequence[str], junit: str) -> Verdict:
    """One runner over one fault, in a directory of its own."""
    mark = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as directory:
        project, temporary = Path(directory) / "project", Path(directory) / "TMPDIR"
        project.mkdir()
        temporary.mkdir()
        fault.write(Project(project), "test")
        asyncio = ["pytest_asyncio.plugin"] if "pytest_asyncio" in fault.files.get("pytest.ini", "") else []
        env = {
            "PATH": os.environ["PATH"],
            "HOME": directory,
            "TMPDIR": str(temporary),
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": ",".join([*plugins, *(asyncio if plugins else [])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            MARK: mark,
        }
        if not env["PYTEST_PLUGINS"]:
            del env["PYTEST_PLUGINS"]
        if fault.name in KILLS_PARENT:
            argv = ["sh", "-c", '"$@"; exit $?', "sh", *argv]
        with (Path(directory) / "output").open("wb") as output:
            child = subprocess.Popen(
                argv,
                cwd=project,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        number = SIGNALS.get(fault.name)
        if number is not None:
            _when((project / "waiting").exists, 60.0)
            child.send_signal(number)
        status = _ended(child, PATIENCE[fault.hasty or number is not None])
        _when(lambda: not survivors(mark), SETTLED)
        left = survivors(mark)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return judge(fault, status, reported(project / junit), len(left))


def _ended(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The status; None if it had to be ended, which is done as a CI service does it."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
        child.kill()
        child.wait()
        return None


def _when(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def everybody(fault: Fault, python: str) -> dict[str, Verdict]:
    """All runners over one fault, one after the other."""
    ours = [sys.executable, "-m", "async_test_runner", "run", "--no-color", "--junit", "out.xml"]
    found = {OURS: run(fault, ours, (), "out.xml")}
    if fault.name == "runner_killed":  # what remains is shown by another command, from the journal
        found[OURS] = Verdict(found[OURS].status, 0, found[OURS].orphans, False)
    for peer in PEERS:
        argv = [python, "-m", "pytest", ".", "--junitxml=out.xml", *peer.arguments]
        found[peer.name] = run(fault, argv, peer.plugins, "out.xml")
    return found


# ----------------------------------------------------------------------------------------------------------- the table


def summary(rows: dict[str, dict[str, Verdict]]) -> Iterator[str]:
    """How many faults each runner comes off badly in, by what it does."""
    yield f"| of {len(rows)} faults | false green | tests lost | hangs | leaves processes |"
    yield "|---|---|---|---|---|"
    for name in (OURS, *(peer.name for peer in PEERS)):
        verdicts = [row[name] for row in rows.values()]
        counts = (
            sum(verdict.false_green for verdict in verdicts),
            sum(bool(verdict.lost) for verdict in verdicts),
            sum(verdict.status is None for verdict in verdicts),
            sum(bool(verdict.orphans) for verdict in verdicts),
        )
        yield f"| {name} | {' | '.join(map(str, counts))} |"


def table(rows: dict[str, dict[str, Verdict]], why: dict[str, str]) -> Iterator[str]:
    """A row for each fault."""
    names = (OURS, *(peer.name for peer in PEERS))
    yield f"| fault | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for fault, row in rows.items():
        yield f"| `{fault}`: {why[fault]} | {' | '.join(row[name].shown for name in names)} |"


def document(rows: dict[str, dict[str, Verdict]], versions: str) -> str:
    """All that stands between the two marks of the README."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parts = [
        f"`python scripts/fault_matrix.py --write`, {today}, {versions}.",
        "",
        "Our own runner ran with `isolation: test`, pytest-isolated with `--isolated --isolated-timeout=5`,",
        "pytest-xdist with `-n 2`, and pytest-lanes with one lane.",
        "*Lost* are tests that were collected and are not in the JUnit XML.",
        f"A run *hangs* if it has not ended after {PATIENCE[False]:.0f} s. Where a fault is a matter of time, after "
        f"{PATIENCE[True]:.0f} s.",
        "Then come SIGTERM and SIGKILL, as from a CI service.",
        "A dash means none of these.",
        "Nobody was given pytest-timeout. After `runner_killed` our own results are those that `report` shows.",
        "",
        *summary(rows),
        "",
        *table(rows, {fault.name: fault.why for fault in FAULTS}),
    ]
    return "\n".join(parts)


def put(text: str, into: Path) -> None:
    """Replace what stands between the two marks."""
    before, _, rest = into.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    into.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


# -------------------------------------------------------------------------------------------------------- surroundings


def environment(directory: Path) -> str:
    """A Python with the others in it, made when it is not there."""
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *DISTRIBUTIONS], check=True)
    return str(python)


def versions_of(python: str) -> str:
    """What was measured, on what."""
    listed = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^(\S+)\s+(\S+)$", listed, re.MULTILINE))
    names = ", ".join(f"{name} {found[name]}" for name in DISTRIBUTIONS)
    return f"Python {platform.python_version()}, Linux, {names}"


def main(argv: Sequence[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="fault_matrix.py", description="The fault matrix beside other runners.")
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT", help="only these faults")
    parser.add_argument("--jobs", type=int, default=2, help="faults at the same time (default: 2)")
    parser.add_argument(
        "--venv", type=Path, default=ROOT / "build" / "fault-matrix", help="where the others are installed"
    )
    parser.add_argument("--write", action="store_true", help=f"put the table into {README.relative_to(ROOT)}")
    options = parser.parse_args(argv)
    python = environment(options.venv.resolve())
    chosen = faults(options.only)
    with ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda fault: everybody(fault, python), chosen)
        rows = {}
        for fault, row in zip(chosen, results, strict=True):
            rows[fault.name] = row
            print(fault.name, *(f"{name}: {verdict.shown}" for name, verdict in row.items()), sep="  ", flush=True)
    text = document(rows, versions_of(python))
    print(text)
    if options.write:
        put(text, README)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

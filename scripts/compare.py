"""Compare the runner with plain pytest, test by test: do both know the same tests, with the same outcomes?

    python scripts/compare.py --plan runner.yaml
    python scripts/compare.py --cwd ~/src/aiosqlite --isolation file --python ~/src/aiosqlite/.venv/bin/python
    python scripts/compare.py --plan runner.yaml --run .async-test-run/runs/20261120T071500.000Z-ab12cd -- -m "not slow"

Plain pytest runs once, in one process, with a plugin of a few lines that writes down every node id and what pytest
reports of it. The runner's side is read from its journal, without any code of the runner; its summary, its exit code
and its journal must agree. Whatever follows ``--`` goes to pytest on both sides.

Exits 0 if nothing differs, 1 if something does, 2 for a bad command line, 4 when one side left nothing to compare.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).resolve().parent / "async_test_runner.py"
SHOWN = 50  # differences that are printed, each with one line of what was said
RED = frozenset({"failed", "error", "timed_out", "crashed", "not_run"})

# Loaded by plain pytest with -p. It takes every trace of itself out of the environment, as the runner's plugin does:
# suites that start pytest themselves must see the same on both sides.
PLUGIN_NAME = "plain_pytest_recorder"
PLUGIN = """
import json
import os

_record = os.environ.pop("PLAIN_PYTEST_RECORD")
_open, _write, _close, _getpid = os.open, os.write, os.close, os.getpid  # tests replace these, and close descriptors
_pid = _getpid()
_path = os.environ.pop("PLAIN_PYTEST_PYTHONPATH", None)
if _path is None:
    os.environ.pop("PYTHONPATH", None)
else:
    os.environ["PYTHONPATH"] = _path


def _say(**fact):
    if _getpid() == _pid:  # a fork that a test leaves behind is none of ours
        fd = _open(_record, os.O_WRONLY | os.O_APPEND)
        _write(fd, json.dumps(fact, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\\n")
        _close(fd)


def pytest_collection_finish(session):
    _say(kind="collected", ids=[item.nodeid for item in session.items])


def pytest_collectreport(report):
    if report.failed:
        _say(kind="collect_error", id=report.nodeid)


def pytest_runtest_logstart(nodeid):
    _say(kind="started", id=nodeid)


def pytest_runtest_logreport(report):
    subtest = type(report).__name__ in ("SubtestReport", "SubTestReport")
    message = getattr(getattr(report.longrepr, "reprcrash", None), "message", "") if report.failed else ""
    _say(
        kind="report",
        id=report.nodeid,
        when=report.when,
        outcome=report.outcome,
        wasxfail=hasattr(report, "wasxfail"),
        subtest=subtest,
        message=str(message)[:400],
    )


def pytest_sessionfinish(exitstatus):
    _say(kind="finished", status=int(exitstatus))
"""


@dataclass
class Side:
    """What one of the two said: the outcome of every test, and which files could not be collected."""

    name: str
    outcomes: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    collect_errors: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)  # what contradicts itself on this side alone
    status: int | None = None
    wall: float = 0.0

    def line(self) -> str:
        """How many tests with which outcome."""
        counts = Counter(self.outcomes.values())
        words = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
        errors = f", {len(self.collect_errors)} files not collected" if self.collect_errors else ""
        took = f" in {self.wall:.1f}s" if self.wall else ""
        return f"{self.name + ':':<14}{len(self.outcomes)} tests: {words or 'none'}{errors}{took} (exit {self.status})"


# ----------------------------------------------------------------------------------------------------- plain pytest


def plain_outcome(reports: Sequence[Mapping[str, Any]]) -> str:
    """One outcome for the reports of one test, by the words of pytest's own summary.

    A failed call is a failure, whatever the teardown does; what fails outside the call is an error.
    """
    result = ""
    for report in reports:
        if report["outcome"] == "failed":
            if report["when"] == "call":
                return "failed"
            result = "error"
        elif report["subtest"] or result == "error":
            continue
        elif report["wasxfail"]:
            result = "xfailed" if report["outcome"] == "skipped" else "xpassed"
        elif report["outcome"] == "skipped":
            result = "skipped"
        elif report["when"] == "call" and not result:
            result = "passed"
    return result or "not_run"


def read_plain(lines: Sequence[str]) -> Side:
    """The facts of the recorder. A test that was collected and of which nothing is known did not run."""
    side = Side("plain pytest")
    reports: dict[str, list[Mapping[str, Any]]] = {}
    started: Counter[str] = Counter()
    for fact in json_lines(lines):
        match fact["kind"]:
            case "collected":
                reports.update((id, []) for id in fact["ids"])
            case "collect_error":
                side.collect_errors.add(fact["id"])
            case "started":
                started[fact["id"]] += 1
            case "report" if started[fact["id"]] <= 1:  # of a test that is collected twice the first execution counts
                reports.setdefault(fact["id"], []).append(fact)
                if fact["message"]:
                    side.messages.setdefault(fact["id"], fact["message"])
            case "finished":
                side.status = fact["status"]
    side.outcomes = {id: plain_outcome(found) for id, found in reports.items()}
    if side.status is None:
        side.wrong.append("pytest died before its session had finished")
    return side


def run_plain(options: argparse.Namespace, directory: Path) -> Side:
    """Plain pytest, one process; its output goes to a file that is shown when there is nothing to compare."""
    (directory / f"{PLUGIN_NAME}.py").write_text(PLUGIN, encoding="utf-8")
    record, log = directory / "record.jsonl", directory / "pytest.log"
    record.write_bytes(b"")  # one that was kept from before would be read as well
    env = dict(os.environ)
    before = env.get("PYTHONPATH")
    if before is not None:
        env["PLAIN_PYTEST_PYTHONPATH"] = before
    env["PYTHONPATH"] = os.pathsep.join([str(directory), *([before] if before else [])])
    env["PLAIN_PYTEST_RECORD"] = str(record)
    argv = [options.python, "-m", "pytest", "-p", PLUGIN_NAME, "--color=no", *options.plain_args, *options.pytest_args]
    status, wall = timed(argv, options.cwd, env, log, options.timeout)
    side = read_plain(record.read_text(encoding="utf-8").splitlines())
    side.wall = wall
    if side.status != status:
        side.wrong.append(f"pytest said {side.status} and its process ended with {status}")
    if not side.outcomes and not side.collect_errors:
        raise NothingToCompareError(f"plain pytest ran no tests (exit {status}):\n{tail(log)}")
    return side


# ------------------------------------------------------------------------------------------------------- the runner


def read_runner(run: Path, phases: Sequence[str] = ()) -> Side:
    """The outcomes in a run's journal, of these phases (none: of all); its summary must say the same."""
    side = Side("runner")
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    last: dict[str, int] = {}
    for event in json_lines((run / "journal.jsonl").read_text(encoding="utf-8").splitlines()):
        if phases and event.get("phase", phases[0]) not in phases:
            continue
        match event["kind"]:
            case "collected":
                side.collect_errors = {error["id"] for error in event.get("errors", ())}
            case "phase_planned":
                for id, *_ in event["tests"]:
                    if id in side.outcomes:
                        side.wrong.append(f"planned in two phases: {id}")
                    side.outcomes[id] = "not_run"
            case "test_finished" if event.get("attempt", 1) > last.get(event["id"], 0):
                if event["id"] not in side.outcomes:
                    side.wrong.append(f"finished without being planned: {event['id']}")
                last[event["id"]] = event.get("attempt", 1)
                side.outcomes[event["id"]] = event["outcome"]
                message = next((detail["message"] for detail in event.get("details", ())), "")
                side.messages[event["id"]] = message
            case "run_finished":
                side.status, side.wall = event["exit_code"], event["wall"]
    if not phases:
        side.wrong += contradictions(side, summary)
    return side


def contradictions(side: Side, summary: Mapping[str, Any]) -> list[str]:
    """Where the journal, the summary and the exit code of one run do not say the same."""
    found = []
    counts = Counter(side.outcomes.values())
    said = {
        name: count
        for name, count in summary["counts"].items()
        if count and name not in ("tests", "flaky", "order_dependent")
    }
    if dict(counts) != said or summary["counts"]["tests"] != len(side.outcomes):
        found.append(f"the journal counts {dict(counts)}, the summary {said}")
    if summary["exit_code"] != side.status:
        found.append(f"the journal ends with exit code {side.status}, the summary says {summary['exit_code']}")
    is_red = bool(RED & counts.keys() or side.collect_errors)
    if is_red and side.status == 0:
        found.append("exit code 0, although not everything passed")
    if side.status == 0 and not side.outcomes:
        found.append("exit code 0 without a single test")
    if not is_red and side.status == 1:
        found.append("exit code 1, although nothing failed")
    return found


def run_runner(options: argparse.Namespace, directory: Path) -> Side:
    """The runner, with its run directory apart from the suite's own."""
    log = directory / "runner.log"
    env = dict(os.environ)
    if options.python != sys.executable:
        env["VIRTUAL_ENV"] = str(Path(options.python).parent.parent)
    with plan_of(options) as plan:
        argv = [sys.executable, str(RUNNER), "run", "-c", str(plan), "--run-dir", str(directory / "run"), "--no-color"]
        status, _ = timed([*argv, "--", *options.pytest_args], options.cwd, env, log, options.timeout)
    runs = sorted((directory / "run" / "runs").glob("*/summary.json"))
    if not runs:
        raise NothingToCompareError(f"the runner left no summary (exit {status}):\n{tail(log)}")
    side = read_runner(runs[-1].parent)
    if side.status != status:
        side.wrong.append(f"the runner's journal says {side.status} and its process ended with {status}")
    return side


@contextlib.contextmanager
def plan_of(options: argparse.Namespace) -> Iterator[Path]:
    """The plan that was named; or one with a single phase, next to the suite for as long as it runs."""
    if options.plan is not None:
        yield options.plan
        return
    plan = options.cwd / f".compare-{os.getpid()}.yaml"
    phase = {"name": "all", "isolation": options.isolation, "workers": options.workers}
    if options.launcher is not None:
        phase["launcher"] = options.launcher
    defaults = {"python": options.python, "timeout": options.timeout}
    document = {"version": 1, "defaults": defaults, "phases": [phase]}
    plan.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    try:
        yield plan
    finally:
        plan.unlink()


# --------------------------------------------------------------------------------------------------- the comparison


def differences(plain: Side, runner: Side) -> list[str]:
    """One line for everything that is not the same; none if nothing differs."""
    found = [f"{side.name}: {text}" for side in (plain, runner) for text in side.wrong]
    found += [
        f"not collected by plain pytest only: {id}" for id in sorted(plain.collect_errors - runner.collect_errors)
    ]
    found += [f"not collected by the runner only: {id}" for id in sorted(runner.collect_errors - plain.collect_errors)]
    for id in dict.fromkeys([*plain.outcomes, *runner.outcomes]):
        ours, theirs = runner.outcomes.get(id, "unknown"), plain.outcomes.get(id, "unknown")
        if ours != theirs:
            said = runner.messages.get(id) or plain.messages.get(id) or ""
            found.append(f"{id}: plain {theirs}, runner {ours}{': ' + first_line(said) if said else ''}")
    return found


def report(plain: Side, runner: Side) -> int:
    """Print what there is to say; returns the exit code."""
    found = differences(plain, runner)
    print(plain.line())
    print(runner.line())
    for difference in found[:SHOWN]:
        print(f"  {visible(difference)}")
    if len(found) > SHOWN:
        print(f"  … and {len(found) - SHOWN} more")
    same = sum(runner.outcomes.get(id) == outcome for id, outcome in plain.outcomes.items())
    print(f"compared: {same} tests are the same, {len(found)} differences")
    if not plain.outcomes and not runner.outcomes:
        print("there is nothing to compare: neither side knows a test")
        return 4
    return 1 if found else 0


# ------------------------------------------------------------------------------------------------------------ helpers


class NothingToCompareError(Exception):
    """One side did not come far enough; the text says why."""


def json_lines(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects of JSON Lines; a last line that was torn off says nothing."""
    for line in lines:
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                yield value


def timed(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path, timeout: float
) -> tuple[int | None, float]:
    """Exit status, None when it took too long, and seconds."""
    began = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return child.wait(timeout), time.monotonic() - began
        except subprocess.TimeoutExpired:
            return None, time.monotonic() - began
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # whatever it has left behind goes too
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def tail(log: Path, lines: int = 30) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def first_line(text: str) -> str:
    """The first line of a message, at most 160 characters of it."""
    return text.strip().split("\n")[0][:160]


def visible(text: str) -> str:
    """Test names and messages are anybody's: nothing in them reaches the terminal as a control sequence."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line; paths are made absolute."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Compare the runner with plain pytest, test by test.",
        epilog="exit codes: 0, 1, 2, 4",
    )
    parser.add_argument("--plan", type=Path, help="the plan; without it, one phase with --isolation and --workers")
    parser.add_argument("--cwd", type=Path, help="where both run (default: the plan's directory, else this one)")
    parser.add_argument("--python", default=sys.executable, help="the suite's interpreter (default: this one)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="a finished run's directory, instead of a new run")
    parser.add_argument("--phases", nargs="+", default=[], metavar="PHASE", help="of a finished run, only these")
    parser.add_argument("--isolation", default="phase", choices=["phase", "file", "class", "test", "clean"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--launcher", choices=["warm", "exec"], help="default: the runner's own")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for each side (default: 1800)")
    parser.add_argument(
        "--plain-arg", dest="plain_args", action="append", default=[], metavar="ARG", help="for plain pytest only"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and records here")
    own, pytest_args = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    options = parser.parse_args(own)
    options.pytest_args = list(pytest_args)
    if options.plan is not None:
        options.plan = options.plan.resolve()
        if not options.plan.is_file():
            parser.error(f"no plan {options.plan}")
    options.cwd = (options.cwd or (options.plan.parent if options.plan else Path.cwd())).resolve()
    # a virtual environment is known by the path of its link: what that points to is another interpreter
    options.python = os.path.abspath(shutil.which(options.python) or options.python)  # noqa: PTH100
    return options


def main(argv: Sequence[str]) -> int:
    """Run both sides and compare."""
    options = parse(argv)
    with contextlib.ExitStack() as stack:
        if options.keep is not None:
            directory = options.keep.resolve()
            directory.mkdir(parents=True, exist_ok=True)
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        try:
            plain = run_plain(options, directory)
            runner = (
                read_runner(options.run, options.phases) if options.run is not None else run_runner(options, directory)
            )
        except NothingToCompareError as nothing:
            print(nothing)
            return 4
    return report(plain, runner)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

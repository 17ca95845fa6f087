"""Breaks the engine room on purpose, one place at a time, and says whether the tests notice.

    python scripts/mutation.py                   all mutations of scripts/mutations.py
    python scripts/mutation.py --only journal    those whose names hold this
    python scripts/mutation.py --jobs 2

Each mutation is made in a copy of the work tree, where the tests that must notice run within a time limit, after a
run of the same tests unbroken: tests that fail anyway notice nothing. A mutation whose old text is not there exactly
once is an error, for the code has moved on; so is one whose tests do not run. Exits 0 if all are noticed, 1 if not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Literal

from mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 240.0  # seconds for the tests of one mutation: what hangs is noticed
TESTS_FAILED, INTERRUPTED = 1, 2  # pytest's exit codes; the second one when a file cannot be imported

Verdict = Literal["noticed", "survived", "error"]


def mutated(mutation: Mutation, text: str) -> str:
    """The text with the mutation in it; ``ValueError`` if that cannot be."""
    found = text.count(mutation.old)
    if found != 1:
        raise ValueError(f"{mutation.path} holds the old text {found} times")
    changed = text.replace(mutation.old, mutation.new)
    compile(changed, mutation.path, "exec")
    return changed


def judge(status: int | None) -> Verdict:
    """What the status of the tests says; None when they had to be ended."""
    if status is None or status in (TESTS_FAILED, INTERRUPTED) or status < 0:
        return "noticed"
    return "survived" if status == 0 else "error"


def copy_tree(target: Path) -> None:
    """The work tree as it is: what git knows, and what is new."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run_tests(tree: Path, tests: Sequence[str]) -> int | None:
    """Exit status of pytest over these tests in a copy, None if it took too long."""
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tree / ".tests.log").open("wb") as log:
        child = subprocess.Popen(argv, cwd=tree, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            return child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def try_out(mutation: Mutation, tree: Path) -> tuple[Verdict, str]:
    """Break the copy, run the tests, mend it."""
    path = tree / mutation.path
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(mutated(mutation, text), encoding="utf-8")
    except (ValueError, SyntaxError) as error:
        return "error", str(error)
    try:
        status = run_tests(tree, mutation.tests)
    finally:
        path.write_text(text, encoding="utf-8")
    verdict = judge(status)
    return verdict, "took too long" if status is None else f"pytest ended with {status}" if verdict == "error" else ""


def unbroken(tree: Path, mutations: Sequence[Mutation]) -> list[str]:
    """Tests that fail although nothing is broken."""
    tests = sorted({test for mutation in mutations for test in mutation.tests})
    return [test for test in tests if run_tests(tree, [test]) != 0]


def main(argv: Sequence[str]) -> int:
    """Try all, print each verdict as it comes."""
    parser = argparse.ArgumentParser(prog="mutation.py", description="Do the tests notice when the engine is broken?")
    parser.add_argument("--only", default="", metavar="TEXT", help="mutations whose names hold this")
    parser.add_argument("--jobs", type=int, default=1, help="at the same time, each in a copy of its own (default: 1)")
    parser.add_argument("--skip-unbroken", action="store_true", help="do not run the tests unbroken first")
    options = parser.parse_args(argv)
    chosen = [mutation for mutation in MUTATIONS if options.only in mutation.name]
    began, counts = time.monotonic(), {"noticed": 0, "survived": 0, "error": 0}
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        trees: Queue[Path] = Queue()
        for number in range(options.jobs):
            tree = Path(directory) / str(number)
            copy_tree(tree)
            trees.put(tree)

        def in_a_tree(mutation: Mutation) -> tuple[Mutation, Verdict, str]:
            tree = trees.get()
            try:
                return mutation, *try_out(mutation, tree)
            finally:
                trees.put(tree)

        if not options.skip_unbroken:
            failing = unbroken(Path(directory) / "0", chosen)
            if failing:
                print("these fail although nothing is broken:", *failing, sep="\n  ")
                return 2
        with ThreadPoolExecutor(options.jobs) as pool:
            for mutation, verdict, why in pool.map(in_a_tree, chosen):
                counts[verdict] += 1
                print(f"{verdict:8}  {mutation.name}{f': {why}' if why else ''}", flush=True)
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{len(chosen)} mutations: {shown}; {time.monotonic() - began:.0f} s")
    return 2 if counts["error"] else 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

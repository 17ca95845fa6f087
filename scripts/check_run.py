"""Look through a finished run for what its verdict forgives: skipped tests, and files that skipped themselves.

    python scripts/check_run.py .async-test-run/runs/20261120T071500.000Z-ab12cd
    python scripts/check_run.py --totals .async-test-run/runs/20261120T071500.000Z-ab12cd

Exits 1 if something was skipped that this machine should have run; the reasons that are accepted are below. With
``ALLOW_SKIPS`` in the environment skips are shown only. ``--totals`` prints the counts in one line.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# A reason to skip that no machine for this build can take away.
ACCEPTED = re.compile(
    r"\b(the superuser|only on (Windows|macOS)|needs Python 3\.\d+|Python 3\.\d+ (or|and) (newer|older))\b"
)


def skipped(events: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Id and reason of everything that skipped, in the order of the journal; a retried test counts as it ended."""
    files: list[tuple[str, str]] = []
    tests: dict[str, str | None] = {}
    for event in events:
        if event["kind"] == "collected":
            files += [(skip["id"], skip["text"]) for skip in event.get("skips", ())]
        elif event["kind"] == "test_finished":
            reason = next((detail["message"] for detail in event.get("details", ())), "without a reason")
            tests[event["id"]] = reason if event["outcome"] == "skipped" else None
    return [*files, *((id, reason) for id, reason in tests.items() if reason is not None)]


def totals(counts: dict[str, int]) -> str:
    """``tests: 812 passed, 0 failed, 3 skipped``: every test is in one of the three."""
    bad = sum(counts[name] for name in ("failed", "error", "timed_out", "crashed", "not_run"))
    good = counts["passed"] + counts["xpassed"]
    return f"tests: {good} passed, {bad} failed, {counts['skipped'] + counts['xfailed']} skipped"


def visible(text: str) -> str:
    """Reasons and ids are anybody's: nothing in them reaches the terminal as a control sequence."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def check(run: Path, *, allowed: bool) -> int:
    """Print every skip; returns the exit code."""
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    found = skipped([json.loads(line) for line in lines])
    wrong = [(id, reason) for id, reason in found if not ACCEPTED.search(reason)]
    for id, reason in wrong:
        print(visible(f"  skipped here, though it should run: {id}: {reason}"))
    print(f"skipped: {len(found)} in all, {len(wrong)} that should run on this machine")
    return 1 if wrong and not allowed else 0


def main(argv: Sequence[str]) -> int:
    """Check a run, or print its totals."""
    if len(argv) == 2 and argv[0] == "--totals":
        print(totals(json.loads((Path(argv[1]) / "summary.json").read_text(encoding="utf-8"))["counts"]))
        return 0
    if len(argv) != 1 or not (Path(argv[0]) / "journal.jsonl").is_file():
        print("usage: check_run.py [--totals] RUN_DIRECTORY", file=sys.stderr)
        return 2
    return check(Path(argv[0]), allowed=bool(os.environ.get("ALLOW_SKIPS")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

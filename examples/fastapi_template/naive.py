"""What happens without phases: ``python naive.py`` runs the whole suite in one pytest process, and shows the damage.

Exits 0 only if that conflicted (or hung) *and* every test that failed passes in a process of its own, so that the way
of running is to blame and not the tests. ``DATABASE_URL`` selects the database, as everywhere in this example.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=short")
HANGS_AFTER = 180.0  # seconds; the suite takes 5

# What pytest's report says -> what it means.
CAUSES = {
    "is bound to a different event loop": "the application's semaphore belongs to the event loop of an earlier test",
    "assert 429 ==": "the application's rate limiter still counts the logins of earlier tests",
}


def run_pytest(*arguments: str) -> tuple[int | None, str]:
    """pytest's exit status, None when it hung, and what it wrote."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            [*PYTEST, *arguments],
            cwd=HERE,
            env=os.environ | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANGS_AFTER,
            check=False,
        )
    except subprocess.TimeoutExpired as hung:
        output = hung.stdout or b""
        return None, output if isinstance(output, str) else output.decode(errors="replace")
    return done.returncode, done.stdout


def failed_tests(output: str) -> list[str]:
    """The node ids in pytest's short summary."""
    found = re.findall(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", output, flags=re.MULTILINE)
    return list(dict.fromkeys(found))


def causes(output: str) -> list[str]:
    return [meaning for text, meaning in CAUSES.items() if text in output]


def totals(output: str) -> str:
    found = re.search(r"^.*\b\d+ (?:failed|error).* in \d.*$", output, flags=re.MULTILINE)
    return found.group() if found else "no summary"


def red_alone(tests: Sequence[str]) -> list[str]:
    return [test for test in tests if run_pytest(test)[0] != 0]


def main() -> int:
    print("one process for all tests: python -m pytest tests")
    status, output = run_pytest("-rfE", "tests")
    if status is None:
        print(f"  hung: no end after {HANGS_AFTER:.0f} seconds, in\n{output[-2000:]}")
        return 0
    failed = failed_tests(output)
    if status != 1 or not failed:
        print(f"  no conflict: pytest ended with {status}\n{output[-2000:]}")
        return 1
    print(f"  {totals(output)}")
    for test in failed:
        print(f"    {test}")
    found = causes(output)
    for meaning in found:
        print(f"  because {meaning}")
    print(f"the same {len(failed)} tests, a process for each:")
    still_red = red_alone(failed)
    print(f"  {len(failed) - len(still_red)} passed, {len(still_red)} failed")
    return 0 if found and not still_red else 1


if __name__ == "__main__":
    sys.exit(main())

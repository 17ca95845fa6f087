"""What the soak does to runs: files of facts and journals that are not what they were."""

from __future__ import annotations

import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

import disturbing  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="FIFOs, and /proc")]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run with one file of facts."""
    directory = tmp_path / ".async-test-run" / "runs" / "20261120T071500.000Z-ab12cd"
    (directory / "processes" / "p" / "0001").mkdir(parents=True)
    (directory / "processes" / "p" / "0001" / "events.main.jsonl").write_text("{}\n")
    (directory / disturbing.JOURNAL).write_text('{"kind":"collected"}\n')
    return directory


def struck(what: str, directory: Path) -> str:
    """What is done to a run whose runner sleeps."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        return str(disturbing.strike(random.Random(1), (what,), process, "nobody", directory))
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbing, "_WINDOW", 0.2)


def test_stray_bytes_are_appended(run: Path, tmp_path: Path) -> None:
    assert struck("stray bytes", tmp_path) == "stray bytes"
    assert len((run / "processes/p/0001/events.main.jsonl").read_bytes()) > 3


@pytest.mark.parametrize(("what", "fifos"), [("fifo beside", 1), ("fifo in place", 1)])
def test_fifos_are_made(run: Path, tmp_path: Path, what: str, fifos: int) -> None:
    assert struck(what, tmp_path) == what
    made = [path for path in (run / "processes/p/0001").iterdir() if stat.S_ISFIFO(path.stat().st_mode)]
    assert len(made) == fifos
    assert (run / "processes/p/0001/events.main.jsonl").is_fifo() == (what == "fifo in place")


def test_a_journal_loses_its_end(run: Path, tmp_path: Path) -> None:
    assert struck(disturbing.TRUNCATION, tmp_path) == disturbing.TRUNCATION
    assert (run / disturbing.JOURNAL).stat().st_size < 21


@pytest.mark.parametrize("what", ["nursery", "stop worker", "host at once"])
def test_a_disturbance_of_nobody_is_none(run: Path, tmp_path: Path, what: str) -> None:
    assert struck(what, tmp_path) == disturbing.NOBODY


def test_the_runner_that_is_stopped_goes_on_by_itself(run: Path, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "print('gone on')"], stdout=subprocess.PIPE)
    disturbing._stop_for_a_while(process, 0.0)
    assert process.communicate(timeout=60)[0] == b"gone on\n"

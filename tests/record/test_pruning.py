"""Old runs make room for new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from async_test_runner.record.events import Event, Interrupted, RunFinished, encode
from async_test_runner.record.pruning import prune
from tests.support.events import RUN

END = 1_000_000.0


def finished(code: int = 0) -> RunFinished:
    return RunFinished(at=END, mono=1.0, exit_code=code, wall=1.0)


class Runs:
    """A directory of runs, the oldest first."""

    def __init__(self, root: Path) -> None:
        self.path = root / "runs"
        self._count = 0

    def add(self, *events: Event) -> Path:
        self._count += 1
        directory = self.path / f"20261120T0000{self._count:02d}.000Z-000000"
        (directory / "processes" / "all" / "0001").mkdir(parents=True)
        (directory / "processes" / "all" / "0001" / "output.log").touch()
        (directory / "journal.seal").touch()
        (directory / "junit.xml").touch()
        (directory / "journal.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in (RUN, *events)))
        for path in directory.rglob("*"):
            os.utime(path, (END, END))
        return directory

    def kept(self, keep: int | None) -> list[Path]:
        prune(self.path, keep)
        return sorted(self.path.iterdir())


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_the_newest_runs_that_have_come_to_their_end_are_kept(runs: Runs) -> None:
    made = [runs.add(finished(code)) for code in (0, 1, 5, 0)]
    assert runs.kept(None) == made
    assert runs.kept(4) == made
    assert runs.kept(2) == made[2:]


@pytest.mark.parametrize(
    "events",
    [
        (),  # it goes on, or was killed
        (Interrupted(at=END, mono=1.0, signal=2), finished(130)),
        (finished(4),),  # a report could not be written
        (finished(3),),
    ],
)
def test_what_somebody_may_want_to_resume_is_kept_and_does_not_count(runs: Runs, events: tuple[Event, ...]) -> None:
    old, gone, newest = runs.add(*events), runs.add(finished()), runs.add(finished())
    assert runs.kept(1) == [old, newest]
    assert not gone.exists()


@pytest.mark.parametrize("place", ["notes.txt", "processes/all/0001/core"])
def test_a_run_to_which_somebody_has_added_something_is_kept_whole(runs: Runs, place: str) -> None:
    old = runs.add(finished())
    (old / place).touch()
    runs.add(finished())
    assert len(runs.kept(1)) == 2
    assert (old / "junit.xml").exists()


def test_what_is_no_run_and_what_only_links_to_one_is_not_touched(runs: Runs, tmp_path: Path) -> None:
    elsewhere = runs.add(finished()).rename(tmp_path / "elsewhere")
    (runs.path / "20261120T000000.000Z-ffffff").symlink_to(elsewhere)
    (runs.path / "notes").mkdir()
    runs.add(finished())
    assert len(runs.kept(1)) == 3
    assert (elsewhere / "junit.xml").exists()


def test_a_link_in_a_run_is_removed_and_what_it_names_is_not(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept").touch()
    old = runs.add(finished())
    (old / "processes" / "link").symlink_to(tmp_path / "data")
    for path in (old / "processes" / "link", old / "processes"):
        os.utime(path, (END, END), follow_symlinks=False)
    runs.add(finished())
    assert len(runs.kept(1)) == 1
    assert (tmp_path / "data" / "kept").exists()


def test_a_run_whose_journal_cannot_be_read_is_kept(runs: Runs) -> None:
    old = runs.add(finished())
    (old / "journal.jsonl").write_bytes(b"{")
    os.utime(old / "journal.jsonl", (END, END))
    runs.add(finished())
    assert len(runs.kept(1)) == 2


def test_where_there_are_no_runs_nothing_is_to_be_done(tmp_path: Path) -> None:
    prune(tmp_path / "runs", 1)

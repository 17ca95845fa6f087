"""The journal on disk: what was written survives, what is damaged is passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.record.events import Warned
from async_test_runner.record.journal import JournalWriter, read
from tests.support.projects import SOURCE


def warned(message: str) -> Warned:
    return Warned(at=1.0, mono=2.0, message=message)


def written(path: Path, *messages: str) -> None:
    writer = JournalWriter(path)
    for message in messages:
        writer.write(warned(message))
    writer.close()


def messages(path: Path) -> list[str]:
    return [event.message for event in read(path) if isinstance(event, Warned)]


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    written(tmp_path / "j", "one", "zwei\n", "\udcff")
    assert messages(tmp_path / "j") == ["one", "zwei\n", "\\udcff"]


def test_a_writer_appends(tmp_path: Path) -> None:
    written(tmp_path / "j", "one")
    written(tmp_path / "j", "two")
    assert messages(tmp_path / "j") == ["one", "two"]


def test_every_event_is_on_disk_at_once(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(warned("one"))
    assert messages(tmp_path / "j") == ["one"]
    writer.close()


@pytest.mark.parametrize("now", ["gone", "another"])
def test_a_journal_that_was_deleted_is_written_again(tmp_path: Path, now: str) -> None:
    path = tmp_path / "run" / "j"
    path.parent.mkdir()
    writer = JournalWriter(path)
    writer.write(warned("one"))
    path.unlink()
    if now == "gone":
        path.parent.rmdir()
    else:
        written(path, "of somebody else")
    writer.write(warned("two"))
    writer.restore()
    writer.close()
    assert messages(path) == ["one", "two"]


def test_a_journal_that_is_in_its_place_is_left_alone(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(warned("one"))
    before = (tmp_path / "j").stat()
    writer.restore()
    writer.close()
    assert os.path.samestat(before, (tmp_path / "j").stat())


@pytest.mark.parametrize(
    "damage",
    [
        b'{"kind":"warned","at":1',
        b"\x00" * 100,
        b"\xff\xfe",
        b'{"kind":"warned","at":1,"mono":1,"message":"\xff"}',
        b"7",
    ],
)
def test_damaged_lines_cost_nothing_but_themselves(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    written(path, "one")
    with path.open("ab") as file:
        file.write(damage + b"\n")
    written(path, "two")
    with path.open("ab") as file:
        file.write(damage)
    assert messages(path) == ["one", "two"]


def test_a_journal_cut_at_any_byte_is_read_up_to_there(tmp_path: Path) -> None:
    written(tmp_path / "j", "one", "two")
    data = (tmp_path / "j").read_bytes()
    for length in range(len(data) + 1):
        (tmp_path / "cut").write_bytes(data[:length])
        assert messages(tmp_path / "cut") == ["one", "two"][: (data[:length] + b"\n").count(b'"}\n')]


@pytest.mark.processes
def test_a_killed_writer_leaves_what_it_wrote(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from async_test_runner.record.journal import JournalWriter\n"
        "from async_test_runner.record.events import Warned\n"
        "writer = JournalWriter(Path(sys.argv[1]))\n"
        "for n in range(100): writer.write(Warned(at=1.0, mono=1.0, message=str(n)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "j")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SOURCE)}, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert messages(tmp_path / "j") == [str(n) for n in range(100)]


def test_a_disk_that_takes_nothing_is_infrastructure_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    writer = JournalWriter(tmp_path / "j")
    monkeypatch.setattr(os, "write", lambda fd, data: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InfrastructureError, match="No space left on device") as caught:
        writer.write(warned("one"))
    assert "--run-dir" in caught.value.hint
    writer.close()


def test_a_short_write_is_continued(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    writer, write = JournalWriter(tmp_path / "j"), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    writer.write(warned("a message of some length"))
    writer.close()
    assert messages(tmp_path / "j") == ["a message of some length"]


def test_a_journal_that_cannot_be_opened_is_infrastructure(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot write the journal"):
        JournalWriter(tmp_path / "missing" / "j")
    with pytest.raises(InfrastructureError, match="cannot read the journal"):
        list(read(tmp_path / "j"))

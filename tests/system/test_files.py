"""Files that are replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.system.files import opened, replaced, text_of


def test_a_whole_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.xml"
    for text in (b"one", b"two"):
        with replaced(path) as file:
            file.write(text)
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.xml"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_that_was_not_finished_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replaced(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.xml"]


def test_a_place_that_cannot_be_written_is_infrastructure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "file" / "report.xml", tmp_path / "directory"):
        with pytest.raises(InfrastructureError, match="cannot write"), replaced(path) as file:
            file.write(b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["directory", "file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_what_is_no_regular_file_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    with pytest.raises(OSError, match="no regular file"):
        text_of(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="no regular file"):
        opened(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.close(reader)
    path.unlink()
    path.write_bytes(b"said\xff")
    assert text_of(path) == "said\ufffd"

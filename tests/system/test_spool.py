"""Files that grow without end."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from async_test_runner.system import spool

MB = 1 << 20
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux gives back the middle of a file")


def taken(path: Path) -> int:
    return path.stat().st_blocks * 512


def big(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.write(b"a" * (size // 2) + b"b" * (size // 2))
        file.flush()
        os.fsync(file.fileno())
    return path


@linux
def test_the_middle_of_a_file_is_given_back_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = big(tmp_path / "log", 40 * MB)
    with path.open("ab") as writer:
        assert spool.thin(path, MB)
        assert taken(path) <= 3 * MB
        writer.write(b"end")
    data = path.read_bytes()
    assert len(data) == 40 * MB + 3
    assert data[:MB] == b"a" * MB
    assert data[-MB:] == b"b" * (MB - 3) + b"end"
    assert not spool.thin(path, MB)


@linux
def test_the_file_behind_a_descriptor_is_reached_although_it_has_no_name() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"x" * (40 * MB))
        os.fsync(file.fileno())
        status = os.fstat(file.fileno())
        path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        assert not spool.thin(path, MB, (status.st_dev, status.st_ino + 1))
        assert spool.thin(path, MB, (status.st_dev, status.st_ino))
        assert os.fstat(file.fileno()).st_size == 40 * MB
        assert os.fstat(file.fileno()).st_blocks * 512 <= 3 * MB


def test_a_file_of_ordinary_size_stays_as_it_is(tmp_path: Path) -> None:
    path = big(tmp_path / "log", 10 * MB)
    assert not spool.thin(path, MB)
    spool.shorten(path, MB)
    assert path.stat().st_size == 10 * MB


def test_a_file_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    assert not spool.thin(tmp_path / "none", MB)
    spool.shorten(tmp_path / "none", MB)
    assert list(tmp_path.iterdir()) == []


def test_a_complete_file_has_a_word_in_the_place_of_its_middle(tmp_path: Path) -> None:
    path = big(tmp_path / "log", 40 * MB)
    spool.shorten(path, MB)
    word = f"\n… {38 * MB} bytes left out …\n".encode()
    assert path.read_bytes() == b"a" * MB + word + b"b" * MB

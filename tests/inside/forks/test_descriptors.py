"""Files that the project opened while it was collected, before and after a fork."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from async_test_run_inside.forks import descriptors

from tests.support.forks import in_a_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def run_directory(tmp_path: Path) -> str:
    (tmp_path / "run").mkdir()
    return str(tmp_path / "run")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[IO[Any]]:
    (tmp_path / "data").write_bytes(b"0123456789")
    with (tmp_path / "data").open("rb", buffering=0) as file:
        file.seek(4)
        yield file


def shared(run_directory: str, own: frozenset[int] = frozenset()) -> set[int]:
    return {fd for fd, _ in descriptors.shared(run_directory, own)}


def test_files_that_are_read_or_written_at_a_position_are_shared(
    tmp_path: Path, run_directory: str, data: IO[Any]
) -> None:
    with (
        (tmp_path / "out").open("w") as out,
        (tmp_path / "log").open("a") as log,
        (tmp_path / "both").open("a+") as both,
    ):
        found = shared(run_directory)
        assert {data.fileno(), out.fileno(), both.fileno()} <= found
        assert log.fileno() not in found  # whoever appends has no position


def test_what_is_ours_and_what_somebody_else_looks_after_is_left_out(run_directory: str, data: IO[Any]) -> None:
    with (Path(run_directory) / "events.jsonl").open("w") as ours:
        assert ours.fileno() not in shared(run_directory)
    assert data.fileno() not in shared(run_directory, frozenset({data.fileno()}))


def test_pipes_and_the_standard_streams_are_no_files(run_directory: str) -> None:
    reading, writing = os.pipe()
    try:
        assert not {0, 1, 2, reading, writing} & shared(run_directory)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.processes
def test_a_fork_goes_on_reading_where_the_process_was_and_moves_nobody_else(run_directory: str, data: IO[Any]) -> None:
    def fork() -> bytes:
        descriptors.separate(descriptors.shared(run_directory, frozenset()))
        return os.read(data.fileno(), 3)

    assert in_a_fork(fork) == b"456"
    assert os.read(data.fileno(), 2) == b"45"


@pytest.mark.processes
def test_what_forks_write_to_one_file_stands_there_one_after_another(tmp_path: Path, run_directory: str) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as out:
        out.write(b"parent ")

        def fork(text: bytes) -> None:
            descriptors.separate(descriptors.shared(run_directory, frozenset()))
            out.write(text)

        in_a_fork(lambda: fork(b"one "))
        in_a_fork(lambda: fork(b"two "))
    assert (tmp_path / "out").read_bytes() == b"parent one two "


def test_a_descriptor_that_is_closed_meanwhile_is_passed_over(run_directory: str, data: IO[Any]) -> None:
    (entry,) = [found for found in descriptors.shared(run_directory, frozenset()) if found[0] == data.fileno()]
    gone = os.dup(data.fileno())
    os.close(gone)
    descriptors.separate([(gone, entry[1]), entry])
    assert os.read(data.fileno(), 1) == b"4"


def test_nothing_waits_in_a_buffer_before_a_fork(tmp_path: Path, run_directory: str) -> None:
    with (tmp_path / "out").open("w") as out:
        out.write("waits")
        assert (tmp_path / "out").read_text() == ""
        descriptors.flush_all(run_directory)
        assert (tmp_path / "out").read_text() == "waits"

"""Descriptors that a test leaves open."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from async_test_run_inside.leaks import descriptors
from async_test_run_inside.leaks.descriptors import Descriptors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def opened() -> Iterator[list[int]]:
    """Descriptors that are closed at the end."""
    fds: list[int] = []
    yield fds
    for fd in fds:
        os.close(fd)


def test_a_file_and_a_socket_are_named_and_told_once(tmp_path: Path, opened: list[int]) -> None:
    known = Descriptors("/nowhere")
    assert not known.differs()
    opened.append(os.open(tmp_path / "data.txt", os.O_CREAT | os.O_WRONLY))
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert known.differs()
        file, end = known.news(places={server.fileno(): "test_a.py:1 in test"})
        port = server.getsockname()[1]
        assert file.what == f"{tmp_path}/data.txt (descriptor {opened[0]})"
        assert end.what == f"TCP socket 127.0.0.1:{port} (descriptor {server.fileno()})"
        assert end.where == "test_a.py:1 in test"
        assert known.news() == []
        assert not known.differs()
        assert not end.gone()
    assert end.gone()
    assert not file.gone()


def test_what_took_the_place_of_another_is_found_when_the_number_differs(tmp_path: Path, opened: list[int]) -> None:
    first = os.open(tmp_path / "one", os.O_CREAT)
    known = Descriptors("/nowhere")
    os.close(first)
    opened += [os.open(tmp_path / name, os.O_CREAT) for name in ("two", "three")]
    assert [Path(leak.what.partition(" ")[0]).name for leak in known.news()] == ["two", "three"]


def test_our_own_files_and_the_streams_of_log_handlers_are_no_leaks(tmp_path: Path, opened: list[int]) -> None:
    handler = logging.FileHandler(tmp_path / "app.log", delay=True)
    logging.getLogger("a.late.log").addHandler(handler)
    known = Descriptors(str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    opened.append(os.open(tmp_path / "run" / "events.jsonl", os.O_CREAT))
    logging.getLogger("a.late.log").warning("x")
    assert known.differs()
    assert known.news() == []
    logging.getLogger("a.late.log").removeHandler(handler)
    handler.close()


def test_a_system_that_does_not_count_them_is_asked_for_the_free_ones(
    monkeypatch: pytest.MonkeyPatch, opened: list[int]
) -> None:
    monkeypatch.setattr(descriptors, "_counter", lambda: descriptors._lowest_free)
    known = Descriptors("/nowhere")
    assert not known.differs()
    kept = os.dup(0)
    opened.append(os.dup(0))
    os.close(kept)  # the lowest is free again: it is the second one that is not
    assert known.differs()


def test_the_counter_survives_a_test_that_closes_it(tmp_path: Path, opened: list[int]) -> None:
    known = Descriptors("/nowhere")
    assert isinstance(known._look, descriptors._Counter)
    os.close(known._look._fd)
    opened.append(os.open(tmp_path / "data.txt", os.O_CREAT))
    known.differs()
    assert len(known.news()) == 1


def test_a_fork_counts_its_own(tmp_path: Path) -> None:
    known = Descriptors("/nowhere")
    pid = os.fork()
    if pid == 0:
        known.renew()
        os.open(tmp_path / "data.txt", os.O_CREAT)
        os._exit(0 if known.differs() and len(known.news()) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

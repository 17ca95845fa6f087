"""What is said of a failure that comes from a port which another process of the run holds."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from async_test_run_inside.session import ports

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

HOLDER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
input()
"""


@pytest.fixture
def sibling() -> Iterator[tuple[int, int]]:
    """Process and port of another process that is not below this one: it is a child of a child that is."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate("\n")


def test_a_port_that_another_process_of_the_run_holds_is_named_with_the_remedy(
    sibling: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, port = sibling
    runner = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as the other child of the runner sees it
    said = ports.hint(f"OSError: [Errno 98] ('127.0.0.1', {port}): Address already in use", runner, parallel=False)
    assert said.startswith(f"port {port} is held by process {pid}, which belongs to this run")
    assert "workers: 1" in said
    unnamed = ports.hint("OSError: [Errno 98] Address already in use", runner, parallel=False)
    assert re.search(rf"listen on .*\b{port}\b", unnamed)


def test_a_port_that_a_child_of_the_test_holds_is_nobody_elses(sibling: tuple[int, int]) -> None:
    text = f"[Errno 98] error while attempting to bind on address ('127.0.0.1', {sibling[1]}): address already in use"
    assert ports.hint(text, os.getpid(), parallel=False) == ""


def test_a_port_that_nobody_holds_any_more_may_have_been_lost_to_a_parallel_test() -> None:
    text = "OSError: [Errno 98] Address already in use"
    with socket.create_server(("127.0.0.1", 0)):  # of this process itself
        assert ports.hint(text, os.getpid(), parallel=False) == ""
        assert "may have had the address" in ports.hint(text, os.getpid(), parallel=True)


def test_other_failures_are_left_alone() -> None:
    assert ports.hint("assert 98 == 8000", os.getpid(), parallel=True) == ""

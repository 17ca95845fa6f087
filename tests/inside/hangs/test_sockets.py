"""Sockets and their peers."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from async_test_run_inside.hangs import sockets

TCP = """\
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000
   1: 0100007F:9C40 0100007F:1538 01 00000000:00000005 00:00000000 00000000     0        0 12 1 0000000000000000
   2: 0100007F:9C41 0100007F:1538 08 00000000:00000000 00:00000000 00000000     0        0 13 1 0000000000000000
   damaged
"""
UNIX = """\
0000000000000000: 00000002 00000000 00010000 0001 01 21 /tmp/a socket
0000000000000000: 00000003 00000000 00000000 0001 03 22 /tmp/\x1b[2Jb
0000000000000000: 00000003 00000000 00000000 0001 03 23
"""


def test_the_rows_of_tcp_are_read() -> None:
    assert dict(sockets.internet("tcp", TCP.splitlines(), {11, 12})) == {
        11: "tcp 127.0.0.1:5432, listening",
        12: "tcp 127.0.0.1:40000 -> 127.0.0.1:5432, established, 5 bytes unread",
    }


@pytest.mark.skipif(sys.byteorder == "big", reason="written down on a little one")
def test_addresses_of_both_kinds_are_read() -> None:
    assert sockets.address("0100007F:1538") == "127.0.0.1:5432"
    assert sockets.address("00000000000000000000000001000000:0050") == "[::1]:80"


def test_the_rows_of_unix_sockets_are_read_and_made_safe() -> None:
    assert dict(sockets.unix(UNIX.splitlines(), {21, 22, 23})) == {
        21: "unix /tmp/a socket, listening",
        22: "unix /tmp/\\x1b[2Jb, connected",
    }


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc")
def test_the_sockets_of_this_process_are_found_with_their_peers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            lines = sockets.described()
            own = client.getsockname()[1]
    assert any(f"tcp 127.0.0.1:{port}, listening" in line for line in lines)
    assert any(f"tcp 127.0.0.1:{own} -> 127.0.0.1:{port}, established" in line for line in lines)

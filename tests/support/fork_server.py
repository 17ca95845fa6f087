"""Starts the runner by a fork of a process that has imported it: an end-to-end test need not import it anew.

The fork becomes what ``python -m async_test_runner`` would be in the same directory and environment. Two things differ:
`/proc` shows the command line and the environment of the server, so the fork carries its mark as its name too; and what
Python reads from the environment at its start (``PYTHON…``, ``LC_…``) is the server's. Tests of these start it afresh.
"""

from __future__ import annotations

import json
import os
import pkgutil
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL

SOURCE = Path(__file__).parents[2]
_READ_AT_START = ("PYTHON", "LC_", "LANG")
_MESSAGE = 1 << 20  # bytes; an environment is a few thousand
_NAME = 15  # characters of a process name that Linux keeps


class Forked:
    """A runner that the server has started: as much of ``subprocess.Popen`` as tests need."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The status, negative for a signal; ``subprocess.TimeoutExpired`` after so many seconds without one."""
        if self.returncode is None:
            if not select.select([self._descriptor], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("the runner", timeout or 0.0)
            self.returncode = self._server.status(self.pid)
            os.close(self._descriptor)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing happens where it has ended: until its status is asked for, its number belongs to nobody else."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(SIGKILL)


class ForkServer:
    """The tests' end of a server, which ends with this object, or with the process that has made it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), "async_test_runner"],
                cwd=SOURCE,
                env=dict(env),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def start(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: int, mark: str) -> Forked:
        """``async-test-run ARGUMENTS``, its output to this descriptor, ``mark`` the name that all its forks have."""
        request = {"start": list(arguments), "cwd": str(cwd), "env": dict(env), "name": mark[:_NAME]}
        socket.send_fds(self._channel, [json.dumps(request).encode()], [output])
        return Forked(self, self._answer())

    def status(self, pid: int) -> int:
        """Of one that has ended."""
        self._channel.send(json.dumps({"status": pid}).encode())
        return self._answer()

    def close(self) -> None:
        self._channel.close()
        self._process.wait()

    def _answer(self) -> int:
        answer = self._channel.recv(_MESSAGE)
        assert answer, "the server that starts runners is gone; its message is above"
        return int(answer)


def is_possible(env: Mapping[str, str]) -> bool:
    """Whether a fork can have this environment: nothing in it is read at Python's start."""
    return sys.platform == "linux" and not any(name.startswith(_READ_AT_START) for name in env)


def has_name(process: Path, mark: str) -> bool:
    """Whether the process with this directory below ``/proc`` is a fork of a runner that was started with the mark."""
    return (process / "comm").read_text(errors="replace").rstrip("\n") == mark[:_NAME]


# ---------------------------------------------------------------------------------------------------------- the server


def _serve(channel: socket.socket) -> bool:
    """Start and tell, until the tests have gone. Returns True in a child, which is to become the runner."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, _MESSAGE, 1)
        if not message:
            return False
        request = json.loads(message)
        if "status" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["status"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                channel.close()
                _become(request, *descriptors)
                return True
            for descriptor in descriptors:
                os.close(descriptor)
        channel.send(str(answer).encode())


def _become(request: dict[str, object], output: int) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(str(request["cwd"]))
    Path("/proc/self/comm").write_text(str(request["name"]))
    environment, arguments = request["env"], request["start"]
    assert isinstance(environment, dict) and isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["async-test-run", *arguments]


def _import_everything() -> None:
    """What the commands import, and what they import when they need it."""
    import async_test_runner

    for module in pkgutil.walk_packages(async_test_runner.__path__, "async_test_runner."):
        if not module.name.endswith("__main__") and ".inside" not in module.name and ".kit" not in module.name:
            __import__(module.name)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as tests:
        _import_everything()
        is_the_runner = _serve(tests)
    if is_the_runner:
        from async_test_runner.cli import main

        main()

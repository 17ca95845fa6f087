"""Two processes of a run that need one fixed port: named, with the remedy, and not left to hang."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project

pytestmark = pytest.mark.processes


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("launcher", ["warm", "exec"])
def test_the_one_that_fails_says_who_holds_the_port(tmp_path: Path, port: int, launcher: str) -> None:
    project = Project(tmp_path, launcher)
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    project.write(
        "test_a.py",
        f"""
        import pathlib, socket, time
        def until(name):
            while not pathlib.Path(name).exists(): time.sleep(0.01)
        def test_holds():
            with socket.create_server(("127.0.0.1", {port})):
                pathlib.Path("holding").touch()
                until("lost")
                time.sleep(1)  # the other process looks for who holds the port
        def test_loses():
            until("holding")
            try: socket.create_server(("127.0.0.1", {port}))
            finally: pathlib.Path("lost").touch()
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_holds") is Outcome.PASSED
    assert "Address already in use" in run.text("test_loses")
    assert f"port {port} is held by process" in run.text("test_loses")
    (case,) = [case for case in run.cases()["all"] if case.get("name") == "test_loses"]
    assert "workers: 1" in "".join(case.itertext())


def test_the_one_that_waits_for_ever_says_so_at_its_deadline(tmp_path: Path, port: int) -> None:
    project = Project(tmp_path, "warm")
    project.plan("phases: [{name: all, isolation: test, workers: 2, test_timeout: 3s}]")
    project.write(
        "test_a.py",
        f"""
        import pathlib, socket, sys, time
        def until(name):
            while not pathlib.Path(name).exists(): time.sleep(0.01)
        def test_holds():
            with socket.create_server(("127.0.0.1", {port})):
                pathlib.Path("holding").touch()
                time.sleep(600)
        def test_waits():
            until("holding")
            sys.stderr.write("[Errno 98] error while attempting to bind on address ('127.0.0.1', {port})\\n")
            time.sleep(600)  # for a server that never comes up
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_waits") is Outcome.TIMED_OUT
    assert "tests that need one fixed port cannot run at the same time" in run.text("test_waits")

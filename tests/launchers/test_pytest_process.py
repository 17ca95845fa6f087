"""A pytest process: its environment, its directory, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from async_test_run_inside.session import running

from async_test_runner.contract.settings import Settings
from async_test_runner.launchers import pytest_process
from async_test_runner.launchers.pytest_process import PytestSession, environment
from async_test_runner.launchers.tail import Tail
from async_test_runner.model.errors import InfrastructureError


@pytest.mark.parametrize("before", [None, "", "/mine"])
def test_the_package_inside_comes_first_and_the_users_path_is_kept(before: str | None) -> None:
    env = environment({} if before is None else {"PYTHONPATH": before}, Path("/s.json"), 7)
    assert env["PYTHONPATH"].split(os.pathsep)[0] == str(pytest_process.INSIDE)
    assert env.get(pytest_process.PYTHONPATH) == before
    assert env[pytest_process.SETTINGS] == "/s.json"
    assert "" not in env["PYTHONPATH"].split(os.pathsep)  # the working directory: nobody asked for it


@pytest.mark.parametrize(
    ("theirs", "expected", "kept"),
    [(None, "7", ""), ("", "7", ""), ("random", "7", "random"), ("0", "0", None), ("42", "42", None)],
)
def test_hashes_are_those_of_the_run_unless_the_user_has_chosen(
    theirs: str | None, expected: str, kept: str | None
) -> None:
    env = environment({} if theirs is None else {"PYTHONHASHSEED": theirs}, Path("/s.json"), 7)
    assert (env["PYTHONHASHSEED"], env.get(pytest_process.HASHSEED)) == (expected, kept)


def start(directory: Path) -> PytestSession:
    async def main() -> PytestSession:
        session = await pytest_process.start(
            ["--version"],
            python=sys.executable,
            cwd=directory.parent,
            directory=directory,
            settings=Settings(mode="run", runner=1, at_end="", without=(), testrun_uid="r", seed=1, tests=("\udcff",)),
            env={},
            on_exit=lambda: None,
            names=[],
        )
        await session.wait()
        return session

    return asyncio.run(main())


@pytest.mark.processes
def test_a_session_has_a_directory_with_its_settings(tmp_path: Path) -> None:
    session = start(tmp_path / "deep" / "0001")
    settings = json.loads((tmp_path / "deep" / "0001" / "settings.json").read_text())
    assert settings["tests"] == ["\udcff"]
    assert session.status == 0
    assert session.log.read_text().startswith("pytest ")


def test_a_directory_that_cannot_be_made_is_infrastructure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError, match="cannot write"):
        start(tmp_path / "file" / "0001")


class Child:
    """A process that is none."""

    pid = 1
    status = 0


def session(directory: Path) -> PytestSession:
    return PytestSession(Child(), directory, Tail(directory, []))  # type: ignore[arg-type]


def test_last_words_are_the_end_of_the_log_without_pytests_banner(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text(
        "=== test session starts ===\nplatform\ncollected 2 items\n\na.py .Fatal error\n"
    )
    assert session(tmp_path).last_words() == "a.py .Fatal error"


def test_last_words_of_a_crash_are_its_stack(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_text('collected 2 items\n.Fatal Python error: Aborted\n\n  File "/p/test_a.py", line 3 in test_a\nF\n')
    assert session(tmp_path).last_words() == 'Fatal Python error: Aborted\n\n  File "/p/test_a.py", line 3 in test_a'


def test_a_long_log_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_bytes(b"x" * 100_000 + b"\xff the end")
    words = session(tmp_path).last_words()
    assert len(words) < 5000
    assert words.startswith("… the last of ")
    assert words.endswith("\ufffd the end")


def test_a_session_is_told_to_stop_by_a_file_of_the_name_that_it_looks_for(tmp_path: Path) -> None:
    session(tmp_path).stop_soon()
    assert (tmp_path / running.STOP).exists()


def test_no_files_are_no_words(tmp_path: Path) -> None:
    assert session(tmp_path).last_words() == ""
    assert session(tmp_path).dumped() == ""


def test_stacks_are_those_that_were_written_since_they_were_asked_for(tmp_path: Path) -> None:
    dump = tmp_path / "dump-main.txt"
    dump.write_text("of an earlier test\n")
    it = session(tmp_path)
    it.ask_in_c(os.getpid(), 0)
    assert it.dumped() == ""
    with dump.open("a") as file:
        file.write("Current thread\n")
    assert it.dumped() == "Current thread"


def test_the_note_says_what_is_asked_and_which_test_is_late(tmp_path: Path) -> None:
    session(tmp_path).ask("overdue", "a", "late", os.getpid(), 0)
    note = json.loads((tmp_path / f"ask-{os.getpid()}.json").read_text())
    assert note == {"why": "overdue", "id": "a", "message": "late"}

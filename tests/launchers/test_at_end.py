"""Commands that processes of a run have left for its end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from async_test_runner.launchers import at_end
from tests.support.projects import Project

pytestmark = pytest.mark.processes


def leave(directory: Path, code: str, **environment: str) -> None:
    directory.mkdir(parents=True)
    command = [sys.executable, "-c", code]
    text = json.dumps({"command": command, "environment": environment})
    (directory / "thing.json").write_text(text, encoding="utf-8")


def run(run_dir: Path) -> list[str]:
    return asyncio.run(at_end.run(run_dir, run_dir, os.environ))


def test_a_command_runs_with_its_environment(tmp_path: Path) -> None:
    leave(tmp_path / "at-end", "import os; open('done', 'w').write(os.environ['WORD'])", WORD="tidy")
    assert run(tmp_path) == []
    assert (tmp_path / "done").read_text() == "tidy"


def test_a_command_that_fails_is_a_warning_with_its_words(tmp_path: Path) -> None:
    leave(tmp_path / "at-end", "raise SystemExit('no server')")
    (warning,) = run(tmp_path)
    assert "ended with 1: no server" in warning


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"command": 1, "environment": {}}'])
def test_a_file_that_says_nothing_is_a_warning(text: str, tmp_path: Path) -> None:
    (tmp_path / "at-end").mkdir()
    (tmp_path / "at-end" / "thing.json").write_text(text, encoding="utf-8")
    (warning,) = run(tmp_path)
    assert "says nothing that could be run" in warning


def test_a_fifo_in_the_place_of_a_command_or_of_its_log_is_a_warning(tmp_path: Path) -> None:
    leave(tmp_path / "at-end", "")
    os.mkfifo(tmp_path / "at-end" / "thing.log")
    os.mkfifo(tmp_path / "at-end" / "a.json")
    first, second = run(tmp_path)
    assert "a.json" in first
    assert "could not be run: cannot start" in second


def test_a_plugin_in_a_test_process_learns_where_to_leave_a_command(project: Project) -> None:
    project.plan("phases:\n  - name: all\n    isolation: test\n")
    project.write(
        "test_it.py",
        """
        import json, os, pathlib, sys

        def test_leaves_a_command():
            asked = sys.modules["async_test_run_inside.plugin"].asked()
            assert os.getpid() != asked["runner"]
            directory = pathlib.Path(asked["at_end"])
            directory.mkdir(exist_ok=True)
            command = [sys.executable, "-c", "open('tidied', 'w')"]
            (directory / "x.json").write_text(json.dumps({"command": command, "environment": {}}))
        """,
    )
    project.run().check(0)
    assert (project.root / "tidied").exists()

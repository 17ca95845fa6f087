"""Whose line it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from async_test_run_inside.hangs import stacks


@pytest.mark.parametrize(
    ("file", "own"),
    [
        (__file__, True),
        ("/work/app/models.py", True),
        (os.__file__, False),
        ("/x/lib/python3.12/site-packages/httpx/_client.py", False),
        ("/usr/lib/python3/dist-packages/x.py", False),
        (stacks.__file__, False),
        ("<string>", False),
        ("asyncpg/protocol/protocol.pyx", False),
    ],
)
def test_what_is_installed_is_not_the_projects_own(file: str, own: bool) -> None:
    assert stacks.is_own(file) is own


def test_a_place_shows_its_line_and_its_path_from_the_root() -> None:
    place = stacks.place(sys._getframe(), str(Path(__file__).parent))
    assert place.file == Path(__file__).name
    assert place.code.startswith("place = stacks.place(")
    assert place.own


def test_a_deep_stack_keeps_its_innermost_frames() -> None:
    def deeper(depth: int) -> int:
        return deeper(depth - 1) if depth else len(stacks.frames(sys._getframe()))

    assert deeper(300) == 120


def test_a_source_that_cannot_be_read_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> str:
        raise OSError

    monkeypatch.setattr("linecache.getline", refuse)
    assert stacks.source("/nowhere.py", 1) == ""

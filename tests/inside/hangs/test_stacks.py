"""Whose line it is."""

from __future__ import annotations

import asyncio.base_events
import functools
import os
import selectors
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from async_test_run_inside.hangs import stacks
from async_test_run_inside.hangs.bounds import Look


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
    place = stacks.place(sys._getframe(), Look(str(Path(__file__).parent)))
    assert place.file == Path(__file__).name
    assert place.code.startswith("place = stacks.place(")
    assert place.own


def test_a_deep_stack_keeps_both_ends() -> None:
    look = Look()

    def deeper(depth: int) -> list[FrameType]:
        return deeper(depth - 1) if depth else stacks.frames(sys._getframe(), look)

    frames = deeper(300)
    assert len(frames) == stacks.DEEP
    assert frames[-1].f_code is deeper.__code__
    assert frames[0].f_back is None
    assert len(look.cut) == 1
    assert look.cut[0].endswith("deep: its middle was left out")


def test_a_source_that_cannot_be_read_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> str:
        raise OSError

    monkeypatch.setattr("linecache.getlines", refuse)
    assert stacks.source("/nowhere.py", 1, Look()) == ""
    assert stacks.source("<generated>", 1, Look()) == ""


@pytest.mark.parametrize(
    ("file", "machinery"),
    [
        (stacks.__file__, True),
        (str(Path(stacks.__file__).parents[3] / "kit" / "plugin.py"), True),
        (asyncio.base_events.__file__, True),
        (selectors.__file__, True),
        (threading.__file__, False),
        ("/venv/lib/python3.12/site-packages/_pytest/runner.py", True),
        ("/venv/lib/python3.12/site-packages/pluggy/_callers.py", True),
        ("/venv/lib/python3.12/site-packages/redis/asyncio/client.py", False),
        ("/home/me/pytest/tests/test_a.py", False),
    ],
)
def test_what_runs_tests_is_told_from_what_tests_use(file: str, machinery: bool) -> None:
    assert stacks.is_machinery(file) is machinery


def test_the_lines_of_a_doctest_are_the_projects() -> None:
    assert stacks.is_own("<doctest pkg.module.f[1]>")


def test_of_a_deep_stack_a_line_of_the_projects_is_kept_wherever_it_is(tmp_path: Path) -> None:
    library = tmp_path / "site-packages" / "deep.py"
    library.parent.mkdir()
    library.write_text("def deeper(depth, then):\n    return deeper(depth - 1, then) if depth else then()\n")
    namespace: dict[str, Any] = {}
    exec(compile(library.read_text(), str(library), "exec"), namespace)

    def of_the_projects() -> list[FrameType]:
        return namespace["deeper"](150, lambda: stacks.frames(sys._getframe(1), Look()))  # type: ignore[no-any-return]

    frames = namespace["deeper"](150, of_the_projects)
    assert len(frames) == stacks.DEEP + 1
    assert [frame for frame in frames[-stacks.DEEP :] if frame.f_code is of_the_projects.__code__]


def test_so_many_threads_are_looked_at_with_the_main_one_among_them() -> None:
    go_on = threading.Event()
    threads = [threading.Thread(target=go_on.wait) for _ in range(200)]
    for thread in threads:
        thread.start()
    look = Look(seconds=3600)
    found = list(stacks.threads(sys._getframe(), look))
    go_on.set()
    for thread in threads:
        thread.join()
    assert found[0][0] == threading.main_thread().ident
    assert look.looked["threads"] == len(found) == 150
    assert look.cut[0].startswith("only 150 of 20")


def test_no_more_than_so_many_files_are_read_nor_one_that_is_large_or_no_file(tmp_path: Path) -> None:
    look = Look(seconds=3600)
    for number in range(300):
        path = tmp_path / f"m{number}.py"
        path.write_text("x = 1\n")
        assert stacks.source(str(path), 1, look) == ("x = 1" if number < 200 else "")
    assert look.looked["files"] == 200
    assert look.cut == ("the text of only 200 files was read",)
    large, pipe = tmp_path / "large.py", tmp_path / "pipe.py"
    large.write_text("x = 1\n" * 400_000)
    os.mkfifo(pipe)
    assert stacks.source(str(large), 1, Look()) == stacks.source(str(pipe), 1, Look()) == ""


def test_a_definition_is_where_its_def_stands() -> None:
    @functools.cache
    @functools.cache
    def decorated() -> None:
        pass

    place = stacks.definition(decorated.__wrapped__.__wrapped__.__code__, Look())  # type: ignore[attr-defined]
    assert place.code == "def decorated() -> None:"

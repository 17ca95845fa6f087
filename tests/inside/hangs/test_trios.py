"""Tasks of trio, and of anyio on top of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.hangs import stacks, trios
from async_test_run_inside.hangs.bounds import Look

from tests.inside.hangs.scene import asked_during

trio: Any = pytest.importorskip("trio")


def test_the_tree_of_a_run_is_followed_down_to_the_line(tmp_path: Path) -> None:
    scopes: list[Any] = []
    tokens: list[Any] = []

    async def child() -> None:
        await trio.sleep(3600)

    async def main() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        async with trio.open_nursery() as nursery:
            scopes.append(nursery.cancel_scope)
            nursery.start_soon(child)

    def end() -> None:
        tokens[0].run_sync_soon(scopes[0].cancel)

    said = asked_during(tmp_path, lambda: trio.run(main), end, until="-> sleeps for 3600 s")
    assert "in test_the_tree_of_a_run_is_followed_down_to_the_line.<locals>.child" in said.likely
    assert "await trio.sleep(3600)" in said.likely
    assert "(sleeps for 3600 s)" in said.likely
    assert "waits for 1 tasks of its nursery" in said.text


def test_a_lock_of_trios_is_named(tmp_path: Path) -> None:
    held: list[Any] = []

    async def main() -> None:
        lock = trio.Lock()
        with trio.CancelScope() as scope:
            held.extend((trio.lowlevel.current_trio_token(), scope))
            await lock.acquire()  # passes through a checkpoint, where it is already said to wait for the lock
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lock.acquire)

    said = asked_during(
        tmp_path,
        lambda: trio.run(main),
        lambda: held[0].run_sync_soon(held[1].cancel),
        until="-> waits for a trio.Lock",
    )
    assert "waits for a" in said.text


def test_without_a_run_there_are_no_tasks() -> None:
    assert trios.described([stacks.frames(sys._getframe(), Look())], 0, 1, Look()) == ()


def test_where_trio_is_not_imported_nobody_imports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trio")
    assert trios.described([], 0, 1, Look()) == ()
    assert "trio" not in sys.modules

"""Collecting for the commands that run nothing: what pytest writes is gone afterwards, and signals end it in order."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from ..contract.surroundings import Surroundings
from ..model.errors import RunnerError
from ..model.inventory import Inventory
from ..model.plan import Plan
from ..run import collection
from ..run.interrupting import signals_to
from ..suite.assignment import Narrowing


def inventory(
    plan: Plan, narrowing: Narrowing, environ: Mapping[str, str], pytest_args: tuple[str, ...] = ()
) -> Inventory:
    """One collection for the plan, without a run directory. ``click.exceptions.Exit(128 + n)`` for signal n."""
    with tempfile.TemporaryDirectory(prefix="async-test-run-", ignore_cleanup_errors=True) as directory, _Busy():
        return asyncio.run(
            _collect(plan, narrowing, collection.surroundings(plan, Path(directory), environ, pytest_args))
        )


async def _collect(plan: Plan, narrowing: Narrowing, around: Surroundings) -> Inventory:
    received: list[int] = []
    task = asyncio.create_task(collection.collect(plan, narrowing, around))

    def on_signal(number: int) -> None:
        received.append(number)
        task.cancel()

    with signals_to(on_signal):
        try:
            return await task
        except (RunnerError, asyncio.CancelledError):
            await asyncio.sleep(0)  # Ctrl-C ends the probe of the interpreter too: its handler comes after the error
            if received:
                click.echo("interrupted", err=True)
                raise click.exceptions.Exit(128 + received[0]) from None
            raise


class _Busy:
    """Says on a terminal what takes so long, and takes it back."""

    def __enter__(self) -> None:
        self._shown = sys.stderr.isatty()
        if self._shown:
            sys.stderr.write("collecting…")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

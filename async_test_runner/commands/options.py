"""Options that several commands share: defined once, so that they mean the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..model.errors import UsageError
from ..words.durations import parse_duration

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

if TYPE_CHECKING:
    _ParamType = click.ParamType[float]
else:
    _ParamType = click.ParamType  # not generic before Click 8.4


class DurationType(_ParamType):
    """A duration on the command line; the value is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of a text; numbers pass."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = DurationType()

config: Decorator = click.option(
    "-c",
    "--config",
    "plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The plan. Without it, runner.yaml is looked for in this directory and upwards.",
)
markers: Decorator = click.option(
    "-m", "--markers", default="", metavar="EXPR", help="Only tests for which this marker expression is true."
)
keyword: Decorator = click.option(
    "-k", "--keyword", default="", metavar="EXPR", help="Only tests for which this keyword expression is true."
)
files: Decorator = click.option(
    "--files", multiple=True, metavar="PATH…", help="Only tests in these files or directories (one or more)."
)
tests: Decorator = click.option(
    "-t", "--test", "tests", multiple=True, metavar="NODEID", help="Only the test with exactly this id (repeatable)."
)
run_dir: Decorator = click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep runs here instead of .async-test-run next to the plan.",
)
color: Decorator = click.option("--color/--no-color", default=None, help="Colours; by default where a terminal is.")
timeout: Decorator = click.option(
    "--timeout", type=DURATION, metavar="T", help="Deadline of the whole run, such as 90s, 10m or 1h30m."
)


def here() -> Path:
    """The working directory. ``UsageError`` when somebody has deleted it."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the working directory does not exist any more", hint="cd to one that does") from error


def absolute(files: tuple[str, ...]) -> tuple[str, ...]:
    """Files as the caller means them: from where he stands, not from the plan."""
    return tuple(os.path.abspath(file) for file in files)  # noqa: PTH100 - links stay as they are


AFTER_DASHES = "async-test-run: arguments after --"


def narrowing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The plan, and what is asked for out of it: the same for `run` and `plan`."""
    phases: Decorator = click.argument("phases", nargs=-1, metavar="[PHASE]... [-- PYTEST_ARGS...]")
    for decorator in (keyword, markers, tests, files, config, phases):  # the last one stands first in the help
        function = decorator(function)
    return function


class ManyFiles(click.Command):
    """Lets ``--files`` take several values, as pre-commit passes them: ``--files a.py b.py -q``.

    What follows ``--`` is kept apart, in ``ctx.meta``: Click itself would mix it with the arguments before it.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before, after = split_dashes(args)
        ctx.meta[AFTER_DASHES] = tuple(after)
        return super().parse_args(ctx, spread(before, "--files"))


def split_dashes(args: list[str]) -> tuple[list[str], list[str]]:
    """What is before the first ``--``, and what is after it."""
    if "--" not in args:
        return args, []
    position = args.index("--")
    return args[:position], args[position + 1 :]


def spread(args: list[str], option: str) -> list[str]:
    """``--files a b -q`` as ``--files a --files b -q``.

    ``click.UsageError`` for the option without a value: an empty list of files must not mean all of them.
    """
    result: list[str] = []
    collecting = False
    for arg, following in zip(args, [*args, "-"][1:], strict=True):
        if arg == option:
            collecting = True
            if following.startswith("-"):
                raise click.BadOptionUsage(
                    option, f"{option} needs a file or directory; without {option} all tests run"
                )
        elif collecting and not arg.startswith("-"):
            result += [option, arg]
        else:
            collecting = False
            result.append(arg)
    return result

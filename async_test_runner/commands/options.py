"""Options that several commands share: defined once, so that they mean the same everywhere."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..model.errors import RunnerError, UsageError
from ..plan import reading as plans
from ..plan.arguments import unobeyed
from ..record import runs
from ..record.events import Asked
from ..reports.formats import FORMATS
from ..reports.formats.format import Format
from ..suite.workers import processors
from ..words.durations import parse_duration
from ..words.wording import closest
from . import foreign

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


class WorkersType(click.IntRange):
    """An upper limit of workers; ``auto`` is the number of processors, as for pytest-xdist."""

    name = "workers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        return processors() if value == "auto" else int(super().convert(value, param, ctx))


config: Decorator = click.option(
    "-c",
    "--config",
    "plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The plan. Without it, runner.yaml is searched in this directory and upwards.",
)
run_dir: Decorator = click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep runs here instead of .async-test-run next to the plan.",
)
color: Decorator = click.option(
    "--color/--no-color", default=None, help="Use colours, or not. By default only on a terminal."
)

report_chars: Decorator = click.option(
    "-r",
    "report_chars",
    metavar="CHARS",
    help="Show why tests were skipped (s), failed as expected (x) or passed unexpectedly (X), and which passed (p, P). "
    "a: all but those that passed, A: all.",
)
durations: Decorator = click.option(
    "--durations",
    "slowest",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many slow tests to list at the end, 0 all. Without it, 10 or what pytest is told.",
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


def _existing(files: tuple[str, ...]) -> tuple[str, ...]:
    """``UsageError`` for one that is not there; globs are matched with the collected tests."""
    for file in files:
        if not os.path.lexists(file) and not any(letter in file for letter in "*?["):
            raise UsageError(f"--files: there is no {file}", hint=_instead_of(file))
    return files


def place(word: str) -> str:
    """What a word means as a path or id, seen from here: absolute. Empty where it can only be the name of a phase."""
    file, separator, name = word.partition("::")
    if separator or "/" in file or file.endswith(".py") or set(file) & set("*?") or os.path.lexists(file):
        return f"{absolute((file,))[0]}{separator}{name}"
    return ""


def _instead_of(file: str) -> str:
    if "::" in file:
        return "a test is named by its id: --test NODEID"
    directory, name = os.path.split(file)
    near = closest(name, os.listdir(directory) if os.path.isdir(directory) else ())  # noqa: PTH208, PTH112
    return f"did you mean {near}?" if near else "name a file or directory from where you stand"


def phase_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The phases that a shell may offer: those of the plan that would run, but for those that are named already."""
    try:
        plan = plans.load(context.params.get("plan") or runs.find_plan(here()))
    except RunnerError:
        return []
    named = context.params.get("phases") or ()
    return [phase.name for phase in plan.phases if phase.name.startswith(incomplete) and phase.name not in named]


AFTER_DASHES = "async-test-run: arguments after --"


# Options that the journal records, by their field of `Asked`: what is said of one stands here and nowhere else.
ASKED: dict[str, Decorator] = {
    "phases": click.argument(
        "phases", nargs=-1, metavar="[PHASE | PATH | ID]... [-- PYTEST_ARGS...]", shell_complete=phase_names
    ),
    "files": click.option(
        "--files", multiple=True, metavar="PATH…", help="Only tests in these files or directories (one or more)."
    ),
    "tests": click.option(
        "-t",
        "--test",
        "tests",
        multiple=True,
        metavar="NODEID",
        help="Only the test with exactly this id (repeatable).",
    ),
    "markers": click.option(
        "-m", "--markers", default="", metavar="EXPR", help="Only tests for which this marker expression is true."
    ),
    "keyword": click.option(
        "-k", "--keyword", default="", metavar="EXPR", help="Only tests for which this keyword expression is true."
    ),
    "failed": click.option(
        "--failed", "--lf", "--last-failed", "failed", is_flag=True, help="Only tests that were red in the last run."
    ),
    "workers": click.option(
        "-n",
        "-j",
        "--workers",
        type=WorkersType(min=1),
        metavar="N",
        help="At most N workers in any phase; auto is the number of processors.",
    ),
    "max_failures": click.option(
        "--max-failures",
        "--maxfail",
        "max_failures",
        type=click.IntRange(min=0),
        metavar="N",
        help="Stop a phase after N failures. 0 never stops.",
    ),
    "run_timeout": click.option(
        "--timeout",
        "run_timeout",
        type=DURATION,
        metavar="T",
        help="Deadline of the whole run, such as 90s, 10m or 1h30m.",
    ),
    "launcher": click.option(
        "--launcher",
        type=click.Choice(["auto", "exec", "warm"]),
        help="How all phases make their processes. It overrides the plan.",
    ),
}
# Options that say what others of `ASKED`, or arguments of pytest, say too: people bring them along.
FAMILIAR: dict[str, Decorator] = {
    "exitfirst": click.option("-x", "--exitfirst", is_flag=True, help="Stop a phase after its first failure."),
    "tb": click.option(
        "--tb",
        type=click.Choice(["auto", "long", "short", "line", "native", "no"]),
        help="How pytest shows the traceback of a failure.",
    ),
}
NARROWING = ("phases", "files", "tests", "markers", "keyword", "failed")


def asking(*names: str) -> Decorator:
    """Give a command these options of `ASKED`, or all; it is called with their values as one ``asked``.

    All of them come with the reports' own options, with which a command says where they are written.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            values = {name: given.pop(name) for name in names or ASKED}
            values["places"] = tuple(map(place, values["phases"])) if "phases" in values else ()
            values["files"] = _existing(absolute(values["files"]))
            if not names:
                values["reports"] = reports_of(given)
            values["pytest_args"] = click.get_current_context().meta[AFTER_DASHES]
            _check_pytest_args(values["pytest_args"])
            if not names:
                _take_familiar(values, **{name: given.pop(name) for name in FAMILIAR})
            return function(asked=Asked(**values), **given)

        result: Callable[..., Any] = command
        if not names:
            result = reports(result)
            for name in reversed(FAMILIAR):
                result = FAMILIAR[name](result)
        for name in reversed(names or tuple(ASKED)):  # the last one stands first in the help
            result = ASKED[name](result)
        return result

    return decorate


def _take_familiar(values: dict[str, Any], *, exitfirst: bool, tb: str | None) -> None:
    """What stands after the dashes comes last, and wins."""
    if exitfirst:
        values["max_failures"] = 1
    if tb is not None:
        values["pytest_args"] = (f"--tb={tb}", *values["pytest_args"])


def _check_pytest_args(arguments: tuple[str, ...]) -> None:
    problems = unobeyed(arguments)
    if problems:
        raise UsageError("\n".join(f"after --: {problem}" for problem in problems))


def reports(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each format that has one; see `reports_of`."""
    for format in reversed(FORMATS.values()):
        if format.flag:
            function = _report_option(format)(function)
    return function


def _report_option(format: Format) -> Decorator:
    if format.always:
        text = f"Write {format.title} to this file instead of where the plan says."
        return click.option(format.flag, _parameter(format), type=click.Path(path_type=Path), metavar="FILE", help=text)
    return click.option(
        format.flag,
        _parameter(format),
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[FILE]",
        callback=functools.partial(_ending, format),
        help=f"Write {format.title}, to FILE or where the plan says, and to the run directory.",
    )


def _ending(format: Format, _context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value and not value.endswith(format.ending):
        raise click.BadParameter(f"{value!r} does not end in {format.ending}; put what is no file before {format.flag}")
    return value


def reports_of(given: dict[str, Any]) -> dict[str, str]:
    """By format: the absolute path that the command line names; empty where it asks for one without a place.

    The options' values are taken out of ``given``.
    """
    paths = {format.key: given.pop(_parameter(format)) for format in FORMATS.values() if format.flag}
    return {key: str(Path(path).absolute()) if path != "" else "" for key, path in paths.items() if path is not None}


def _parameter(format: Format) -> str:
    return f"report_{format.key}"


class ManyFiles(click.Command):
    """Lets ``--files`` take several values, as pre-commit passes them: ``--files a.py b.py -q``.

    What follows ``--`` is kept apart, in ``ctx.meta``: Click itself would mix it with the arguments before it.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before, after = split_dashes(args)
        ctx.meta[AFTER_DASHES] = tuple(after)
        if ctx.resilient_parsing:  # a shell asks what may follow: a value may be missing still
            return super().parse_args(ctx, before)
        try:
            return super().parse_args(ctx, spread(before, "--files"))
        except click.NoSuchOption as error:
            advice = foreign.instead(error.option_name)
            if not advice:
                raise
            raise click.UsageError(f"there is no option {error.option_name} here; {advice}", ctx) from error


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

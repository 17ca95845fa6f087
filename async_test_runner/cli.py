"""The command line: finds the command, maps errors to messages and exit codes. ``--help`` imports nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import __version__
from .commands import COMMANDS, load
from .model.errors import ExitCode, RunnerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_EPILOG = """\b
Examples:
  async-test-run                     run the plan runner.yaml of this directory
  async-test-run plan                show what would run, without running anything
  async-test-run init                write a runner.yaml for this project
  async-test-run -k login -q         options without a command are those of run
  async-test-run run async-db        run one phase
  async-test-run tests/test_a.py     run one file, directory or test
  async-test-run report              show the last run again

\b
Exit codes:
  0 all passed · 1 tests failed, timed out or crashed · 2 usage or invalid plan
  3 a bug in the runner · 4 infrastructure · 5 nothing selected · 130/143/129 interrupted"""


class _Commands(click.Group):
    """Loads a command's module only when it is called; options without a command are those of ``run``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        return load(cmd_name) if entry is not None else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the registry's own words: a command's module is not imported for its short help."""
        rows = [(name, COMMANDS[name].short_help) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if (not args and not ctx.resilient_parsing) or _is_of_run(args, shell=ctx.resilient_parsing):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A bare word is a command or a place, and never a phase: a misspelt command must not start a run."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(_unknown_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, from the registry; where an option begins, those of ``run`` too."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=COMMANDS[name].short_help) for name in names]
        if incomplete.startswith("-"):
            found += load("run").shell_complete(ctx, incomplete)
            found += [item for item in click.Command.shell_complete(self, ctx, incomplete) if item.value != "--help"]
        return found


def _is_of_run(args: list[str], *, shell: bool) -> bool:
    """Whether a command line begins with an option that is not of the runner as a whole, or with a path or id."""
    if not args or args[0].startswith("-"):
        return bool(args) and args[0] not in ("--help", "-h", "--version")
    return args[0] not in COMMANDS and not shell and _is_place(args[0])


def _is_place(word: str) -> bool:
    from .commands.options import place

    return bool(place(word))


def _unknown_command(name: str) -> str:
    from .words.wording import did_you_mean, quoted

    near = did_you_mean(name, COMMANDS) or f"commands are {', '.join(sorted(COMMANDS))}."
    return f"no command is called {quoted(name)}; {near} A phase is run with: async-test-run run PHASE"


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="async-test-run")
def group() -> None:
    """Run a pytest suite in phases: each with its isolation, workers and deadlines; one verdict, one JUnit XML.

    Without a command, `run` is meant: `async-test-run -q` is `async-test-run run -q`.
    """


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script: never returns."""
    _fill_standard_streams()
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def _fill_standard_streams() -> None:
    """Where the caller has closed a stream: prints need a place, and no other file may get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open as long as we live


def run(argv: list[str]) -> int:
    """Run one command line; returns the exit code. Every expected error is one message and a hint on stderr."""
    try:
        result = group.main(args=argv, prog_name="async-test-run", standalone_mode=False)
        return int(result or 0)
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except click.exceptions.Abort:
        click.echo("aborted", err=True)
        return int(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except RunnerError as error:
        _show(error)
        return int(error.exit_code)
    except BrokenPipeError:
        return int(ExitCode.INFRASTRUCTURE)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the one place where a bug of ours becomes exit code 3
        _show_bug()
        return int(ExitCode.INTERNAL)


def _show(error: RunnerError) -> None:
    click.echo(shown(error), err=True)


def shown(error: RunnerError) -> str:
    """The message and the hint of an error, safe to print: both may quote what others wrote."""
    from .reports.wording.text import block

    text = block(f"async-test-run: {error.message}")
    return f"{text}\n{block(f'  {error.hint}')}" if error.hint else text


def _show_bug() -> None:
    import traceback

    traceback.print_exc()
    click.echo("async-test-run: this is a bug in the runner; please report it with the traceback above", err=True)

"""The commands, one file each; this registry is all that ``--help`` reads of them."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """A command's module and its line in the overview."""

    module: str
    short_help: str


COMMANDS: dict[str, Entry] = {
    "help": Entry("help", "Show a page of the documentation."),
    "init": Entry("init", "Write a runner.yaml that assigns every test of this project."),
    "merge": Entry("merge", "Merge JUnit XML files of any producer into one."),
    "plan": Entry("plan", "Show which phase takes which test, without running anything."),
    "report": Entry("report", "Show a recorded run again, even one that was killed."),
    "run": Entry("run", "Run the plan (the default)."),
    "schema": Entry("schema", "Print the JSON Schema of the plan."),
}


def load(name: str) -> click.Command:
    """Import a command's module; each has its ``command``."""
    module = importlib.import_module(f".{COMMANDS[name].module}", __name__)
    command: click.Command = module.command
    return command

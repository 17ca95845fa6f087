"""The README says what the code does: its plan is a plan, its commands and flags exist, its reference is current."""

from __future__ import annotations

import re
from pathlib import Path

import click
import yaml

from async_test_runner.commands import COMMANDS, load
from async_test_runner.model.errors import ExitCode
from async_test_runner.plan import reading

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_OURS = {"--maxfail", "--junitxml", "--lf", "--cov", "--cov-report", "--cov-fail-under", "--hook-type"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def flags_of_all_commands() -> set[str]:
    commands = [load(name) for name in COMMANDS]
    options = [option for command in commands for option in command.params if isinstance(option, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)} | {"--help", "--version"}


def test_the_plan_in_the_readme_is_a_plan() -> None:
    plans = [block for block in blocks("yaml") if block.startswith("version:")]

    parsed = [reading.parse(text, ROOT / "runner.yaml") for text in plans]

    assert [[phase.name for phase in each.phases] for each in parsed] == [["sync", "async", "async-db"]]


def test_the_other_yaml_blocks_are_yaml() -> None:
    others = [block for block in blocks("yaml") if not block.startswith("version:")]

    assert len(others) >= 3
    assert all(isinstance(yaml.safe_load(block), dict) for block in others)


def test_every_flag_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))

    assert named - NOT_OURS <= flags_of_all_commands()


def test_every_command_stands_in_the_table() -> None:
    table = README[README.index("## Commands") : README.index("## In CI")]

    assert all(f"`{name}" in table for name in COMMANDS)


def test_every_exit_code_is_explained() -> None:
    text = README[README.index("Exit codes:") : README.index("## In CI")]

    assert {int(code) for code in re.findall(r"\*\*(\d+)\*\*", text)} == {int(code) for code in ExitCode}


def test_the_reference_of_the_plan_is_the_field_table() -> None:
    found = re.search(r"<!-- plan reference -->\n(.*?)<!-- end of plan reference -->", README, re.DOTALL)

    assert found is not None
    assert found[1].strip() == reading.reference().strip()

"""README.md and docs/ say what the code does: plans are plans, flags exist, every command is there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from async_test_runner.commands import COMMANDS, load
from async_test_runner.plan import pytest_options
from async_test_runner.plan import reading as plan

from .test_architecture import ROOMS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "design"),
]
NOT_OURS = {  # those of pytest and its plugins, of pre-commit, pipx and uv, and those of scripts/
    *pytest_options.OPTIONS,
    *("--allow-unix-socket", "--benchmark-json", "--check", "--cucumberjson", "--disable-socket", "--fail-fast"),
    *("--force-regen", "--forked", "--from", "--hook-type", "--html", "--include", "--inline-snapshot", "--load"),
    *("--json-report", "--picture", "--record-mode", "--report-log", "--snapshot-no-cleanup", "--snapshot-update"),
    "--truncate",
}
LONGEST_README = 160  # lines: with its picture it is read in five minutes


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def flags_of_all_commands() -> set[str]:
    commands = [load(name) for name in COMMANDS]
    options = [option for command in commands for option in command.params if isinstance(option, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)} | {"--help", "--version"}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST_README


def test_the_plan_in_the_readme_is_a_plan() -> None:
    plans = [block for block in blocks("yaml") if block.startswith("version:")]

    parsed = [plan.parse(text, ROOT / "runner.yaml") for text in plans]

    assert [[phase.name for phase in each.phases] for each in parsed] == [["sync", "async", "async-db"]]


def test_the_other_yaml_blocks_are_yaml() -> None:
    others = [block for block in blocks("yaml") if not block.startswith("version:")]

    assert len(others) == 1
    assert all(yaml.safe_load(block) for block in others)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_flag_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text(encoding="utf-8")))

    assert named - NOT_OURS <= flags_of_all_commands()


def test_every_command_has_its_section() -> None:
    reference = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")

    assert re.findall(r"^## (\w+)$", reference, re.MULTILINE) == sorted(COMMANDS)


def test_the_table_of_rooms_is_the_one_that_is_checked() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `([\w/]+)/` \|", text[text.index("## Rooms") : text.index("Two houses")], re.MULTILINE)

    assert rooms == [room.replace(".", "/") for room in ROOMS if room]

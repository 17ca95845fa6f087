"""Flags that people know from elsewhere: what to write here is said, and it exists."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from async_test_runner import cli
from async_test_runner.commands import COMMANDS, load
from async_test_runner.commands.foreign import FOREIGN, instead
from async_test_runner.plan.fields import PHASE, TOP


def flags(name: str) -> set[str]:
    options = [option for option in load(name).params if isinstance(option, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--ff"], "there is no option --ff here; write --failed, which runs the tests that were red"),
        (["--fail-fast"], "there is no option --fail-fast here; write -x, or --max-failures N"),
        (["-xvs"], "there is no option -s here; a failure shows"),
        (["run", "--jobs", "4"], "there is no option --jobs here; write -n N as an upper limit"),
        (["run", "--numprocesses=4"], "there is no option --numprocesses here; write -n N"),
        (["--no-capture"], "there is no option --no-capture here; a failure shows what its test printed"),
        (["-s"], "there is no option -s here; a failure shows"),
        (["--retries", "2"], "there is no option --retries here; write `retries: N` in a phase of the plan"),
        (["--pdb"], "there is no option --pdb here; debug one test with python -m pytest --pdb ID"),
        (["--slowest=3"], "there is no option --slowest here; write --durations N"),
        (["--showlocals"], "there is no option --showlocals here; write it after --, for pytest"),
        (["--shard", "1/4"], "there is no option --shard here; there are no shards"),
        (["--watch"], "there is no option --watch here; nothing is watched"),
        (["plan", "--collect-only"], "there is no option --collect-only here; write async-test-run plan -v"),
    ],
)
def test_a_flag_of_another_runner_is_refused_with_what_to_write_here(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(argv) == 2
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_a_misspelt_flag_of_ours_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--max-failure", "1"]) == 2
    assert "--max-failures" in capsys.readouterr().err
    assert instead("--max-failure") == ""


def test_no_flag_of_ours_is_called_foreign() -> None:
    assert set(FOREIGN) & (flags("run") & flags("plan")) == set()
    assert set(FOREIGN) & flags("run") == set()


def test_what_is_written_instead_is_there() -> None:
    """Flags of ours, commands, topics of the help and keys of the plan: an advice that leads nowhere is none."""
    ours = set().union(*map(flags, COMMANDS))
    keys = set(PHASE.by_key) | set(TOP.by_key)
    for flag, advice in FOREIGN.items():
        before_pytest = re.split(r" -- |python -m pytest", advice)[0]
        assert set(re.findall(r"(?<!\w)--[a-z][\w-]*", before_pytest)) <= ours, flag
        assert set(re.findall(r"async-test-run ([a-z]+)", advice)) <= set(COMMANDS), flag
        assert set(re.findall(r"`(\w+)", advice)) <= keys, flag
        for topic in re.findall(r"async-test-run help (\w+)", advice):
            assert CliRunner().invoke(load("help"), [topic]).exit_code == 0, flag

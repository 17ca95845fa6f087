"""The command line as a whole: what a word on it means, what an error costs, how little ``--help`` loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from async_test_runner import __version__, cli, commands
from async_test_runner.model.errors import InfrastructureError, InternalError, PlanError, RunnerError, UsageError

_HEAVY = {
    "asyncio", "concurrent", "email", "importlib.metadata", "json", "msgspec", "pytest", "rich", "socket", "sqlite3",
    "subprocess", "tempfile", "tomllib", "xml", "yaml",
}  # fmt: skip


def loaded_by(*argv: str) -> set[str]:
    """The modules that a command line has loaded when it ends."""
    program = (
        "import json, sys\n"
        "before = set(sys.modules)\n"  # an environment's own .pth files are nobody's command
        "from async_test_runner import cli\n"
        f"assert cli.run({list(argv)!r}) == 0\n"
        "print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


def answering(monkeypatch: pytest.MonkeyPatch, behaviour: Callable[[], object]) -> None:
    """Put a command in the place of ``run``."""

    @click.command("run")
    def fake() -> object:
        return behaviour()

    monkeypatch.setattr(cli, "load", lambda name: fake)


def raising(error: BaseException) -> Callable[[], object]:
    def behaviour() -> object:
        raise error

    return behaviour


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["--version"]])
def test_the_overview_loads_click_and_nothing_of_weight(argv: list[str]) -> None:
    modules = loaded_by(*argv)
    assert {name for name in _HEAVY if name in modules} == set()
    ours = {name for name in modules if name.startswith("async_test_runner")}
    assert ours == {f"async_test_runner{name}" for name in ("", ".cli", ".commands", ".model", ".model.errors")}


def test_a_bare_call_runs_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda: 7)
    assert cli.run([]) == 7


def test_options_without_a_command_belong_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []

    @click.command("run", context_settings={"ignore_unknown_options": True})
    @click.argument("args", nargs=-1)
    def fake(args: tuple[str, ...]) -> None:
        seen.append(args)

    names: list[str] = []
    monkeypatch.setattr(cli, "load", lambda name: names.append(name) or fake)
    assert cli.run(["-q", "--anything"]) == 0
    assert seen == [("-q", "--anything")]
    assert set(names) == {"run"}


@pytest.mark.parametrize(
    ("word", "command"),
    [("tests", "run"), ("./plan", "run"), ("a.py::test", "run"), ("test_*.py", "run"), ("plan", "plan")],
)
def test_a_place_without_a_command_is_run_and_a_command_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("tests", "plan"):
        (tmp_path / name).mkdir()
    names: list[str] = []
    fake = click.Command(command, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    monkeypatch.setattr(cli, "load", lambda name: names.append(name) or fake)
    assert cli.run([word, "-q"]) == 0
    assert set(names) == {command}


def test_a_word_that_is_no_command_starts_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["pln"]) == 2
    said = capsys.readouterr().err
    assert 'no command is called "pln"; did you mean "plan"?' in said
    assert "async-test-run run PHASE" in said


def test_an_unknown_word_without_a_near_command_shows_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["\x1b[31mxyzzy"]) == 2
    said = capsys.readouterr().err
    assert "commands are help, init, merge, plan, report, run, schema. A phase" in said
    assert "\x1b" not in said


def test_an_unknown_option_names_the_nearest_and_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--fils", "a.py"]) == 2
    said = capsys.readouterr().err
    assert "--files" in said
    assert "async-test-run run --help" in said


@pytest.mark.parametrize("name", sorted(commands.COMMANDS))
def test_the_help_of_a_command_has_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Example" in help_text
    assert f"\n    async-test-run {'' if name == 'run' else name}" in help_text


@pytest.mark.parametrize("name", sorted(commands.COMMANDS))
def test_a_command_has_the_name_of_its_entry(name: str) -> None:
    assert commands.load(name).name in (name, "command")
    assert commands.COMMANDS[name].short_help.endswith(".")


def test_the_overview_lists_commands_in_order_with_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    help_text = capsys.readouterr().out
    positions = [help_text.index(entry.short_help) for _, entry in sorted(commands.COMMANDS.items())]
    assert positions == sorted(positions)
    assert "Examples:" in help_text
    assert "5 nothing selected" in help_text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"async-test-run, version {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a flag"), 2),
        (PlanError(["runner.yaml:1:1: plan: is empty"]), 2),
        (InternalError("a broken invariant"), 3),
        (RunnerError("anything else"), 3),
        (ZeroDivisionError("a bug"), 3),
        (InfrastructureError("a full disk"), 4),
        (BrokenPipeError(), 4),
        (click.UsageError("an option"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Exit(143), 143),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_way_to_end_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, raising(error))
    assert cli.run([]) == code
    said = capsys.readouterr().err
    assert ("Traceback" in said) is (code == 3 and not isinstance(error, RunnerError))


def test_an_expected_error_is_a_message_and_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, raising(UsageError("a file \x1b[2J", hint="try another")))
    assert cli.run([]) == 2
    assert capsys.readouterr().err == "async-test-run: a file \\x1b[2J\n  try another\n"


def test_a_bug_asks_for_a_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, raising(ZeroDivisionError()))
    cli.run([])
    assert "this is a bug in the runner" in capsys.readouterr().err


def test_main_ends_the_process_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda: 5)
    monkeypatch.setattr(sys, "argv", ["async-test-run"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 5


# -------------------------------------------------------------------------------------------------------- completion


def completions(args: list[str], incomplete: str) -> list[str]:
    """What a shell offers for a word, after these."""
    asked = ShellComplete(cli.group, {}, "async-test-run", "_ASYNC_TEST_RUN_COMPLETE")
    return [item.value for item in asked.get_completions(args, incomplete)]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runner.yaml").write_text("version: 1\nphases: [{name: sync, markers: a}, {name: async}]\n")
    (tmp_path / "other.yaml").write_text("version: 1\nphases: [{name: smoke}]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("args", "incomplete", "offered"),
    [
        ([], "", sorted(commands.COMMANDS)),
        ([], "r", ["report", "run"]),
        ([], "pl", ["plan"]),
        ([], "nosuch", []),
        (["run"], "", ["sync", "async"]),
        (["run", "sync"], "", ["async"]),
        (["plan", "-v"], "a", ["async"]),
        (["run", "-c", "other.yaml"], "", ["smoke"]),
        (["run", "-c", "nowhere.yaml"], "", []),
        (["-q"], "s", ["sync"]),
        (["run", "--launcher"], "w", ["warm"]),
        (["run", "--ma"], "", ["sync", "async"]),
        (["run"], "--ma", ["--markers", "--max-failures", "--maxfail"]),
        ([], "--ma", ["--markers", "--max-failures", "--maxfail"]),
        ([], "--ver", ["--verbose", "--version"]),
        (["nosuch"], "x", []),
    ],
)
def test_a_shell_completes_commands_options_and_phases(
    args: list[str], incomplete: str, offered: list[str], plan: Path
) -> None:
    assert completions(args, incomplete) == offered


def test_files_are_completed_by_the_shell(plan: Path) -> None:
    assert completions(["run", "-c"], "") == [""]  # the answer that leaves it to the shell
    assert completions(["run", "--files"], "tests/") == []


@pytest.mark.parametrize(("word", "offered"), [("pl", ["plain,plan"]), ("", None)])
def test_the_command_answers_a_shell(word: str, offered: list[str] | None, tmp_path: Path) -> None:
    program = "import sys; sys.argv[0] = 'async-test-run'; from async_test_runner.__main__ import main; main()"
    asked = {"_ASYNC_TEST_RUN_COMPLETE": "bash_complete", "COMP_WORDS": f"async-test-run {word}", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr) == (
        offered or [f"plain,{name}" for name in sorted(commands.COMMANDS)],
        "",
    )

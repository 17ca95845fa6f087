"""Options that several commands share, how many values ``--files`` takes, and durations."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from async_test_runner.commands import options
from async_test_runner.commands.options import DURATION
from async_test_runner.model.errors import UsageError
from async_test_runner.record.events import Asked


@click.command(cls=options.ManyFiles)
@click.argument("words", nargs=-1)
@options.ASKED["files"]
@options.ASKED["tests"]
@options.ASKED["markers"]
@click.option("-q", "--quiet", is_flag=True)
@click.pass_context
def echo(
    context: click.Context,
    words: tuple[str, ...],
    files: tuple[str, ...],
    tests: tuple[str, ...],
    markers: str,
    quiet: bool,
) -> None:
    click.echo(repr((words, files, tests, markers, quiet, context.meta[options.AFTER_DASHES])))


def parsed(*argv: str) -> object:
    result = CliRunner().invoke(echo, argv)
    assert result.exit_code == 0, result.output
    return eval(result.output)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), ((), (), (), "", False, ())),
        (("--files", "a.py", "b.py"), ((), ("a.py", "b.py"), (), "", False, ())),
        (("--files", "a.py", "b.py", "-q"), ((), ("a.py", "b.py"), (), "", True, ())),
        (("--files", "a.py", "--files", "b.py"), ((), ("a.py", "b.py"), (), "", False, ())),
        (("--files=a.py", "sync"), (("sync",), ("a.py",), (), "", False, ())),
        (("sync", "--files", "a.py"), (("sync",), ("a.py",), (), "", False, ())),
        (("-t", "a::b", "-t", "a::c"), ((), (), ("a::b", "a::c"), "", False, ())),
        (("sync", "--", "-q", "--files", "x"), (("sync",), (), (), "", False, ("-q", "--files", "x"))),
        (("--files", "a.py", "--", "b.py"), ((), ("a.py",), (), "", False, ("b.py",))),
        (("--", "a", "--", "b"), ((), (), (), "", False, ("a", "--", "b"))),
        (("-m", "not slow", "--files", "a b.py"), ((), ("a b.py",), (), "not slow", False, ())),
    ],
)
def test_what_a_command_line_means(argv: tuple[str, ...], expected: object) -> None:
    assert parsed(*argv) == expected


@pytest.mark.parametrize("argv", [["--files"], ["--files", "-q"], ["--files", "--", "x"], ["--files", "--files", "a"]])
def test_files_without_a_file_is_refused_and_does_not_mean_all(argv: list[str]) -> None:
    result = CliRunner().invoke(echo, argv)
    assert result.exit_code == 2
    assert "--files needs a file or directory" in result.output


def test_a_short_option_value_may_look_like_anything() -> None:
    assert parsed("-t", "tests/test_a.py::test[--]") == ((), (), ("tests/test_a.py::test[--]",), "", False, ())


def test_every_field_that_the_journal_keeps_of_a_command_line_has_one_option() -> None:
    given = {"reports", "pytest_args"}  # of the formats' own options, and of what stands behind the dashes
    given |= {"places", "red", "red_of"}  # what the words of `phases` and `--failed` mean
    assert set(options.ASKED) == set(Asked.__struct_fields__) - given
    flags = [flag for option in _parameters() for flag in [*option.opts, *option.secondary_opts]]
    assert len(flags) == len(set(flags))


def _parameters() -> list[click.Parameter]:
    @click.command()
    @options.asking()
    def asking(asked: Asked) -> None:
        pass

    return asking.params


@click.command(cls=options.ManyFiles)
@options.asking()
def _all(asked: Asked) -> None:
    click.echo(repr((asked.max_failures, asked.workers, asked.pytest_args)))


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        ("", (None, None, ())),
        ("-x", (1, None, ())),
        ("--exitfirst", (1, None, ())),
        ("-x --max-failures 5", (1, None, ())),
        ("--maxfail 3", (3, None, ())),
        ("--maxfail=0", (0, None, ())),
        ("-n 4", (None, 4, ())),
        ("-j4", (None, 4, ())),
        ("-n auto", (None, 7, ())),
        ("--workers auto", (None, 7, ())),
        ("--tb short", (None, None, ("--tb=short",))),
        ("--tb=no -x -- --tb=long", (1, None, ("--tb=no", "--tb=long"))),
    ],
)
def test_flags_that_people_bring_along_mean_what_they_know(
    argv: str, meant: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "processors", lambda: 7)
    result = CliRunner().invoke(_all, argv.split())
    assert result.exit_code == 0, result.output
    assert eval(result.output) == meant


@pytest.mark.parametrize("argv", ["-n 0", "-n many", "--maxfail -1", "--tb=all"])
def test_values_that_mean_nothing_here_are_refused(argv: str) -> None:
    assert CliRunner().invoke(_all, argv.split()).exit_code == 2


@click.command()
@click.option("--timeout", type=DURATION, default=7)
def _command(timeout: float) -> None:
    click.echo(repr(timeout))


@pytest.mark.parametrize(("args", "shown"), [([], "7.0"), (["--timeout", "1m30s"], "90.0")])
def test_the_click_type_hands_over_seconds(args: list[str], shown: str) -> None:
    assert CliRunner().invoke(_command, args).stdout.strip() == shown


def test_the_click_type_answers_a_bad_value_with_our_words() -> None:
    result = CliRunner().invoke(_command, ["--timeout", "10 min"])
    assert result.exit_code == 2
    assert "did you mean 10m?" in result.output


@click.command(cls=options.ManyFiles)
@options.asking("files")
def _asking(asked: Asked) -> None:
    click.echo(repr(asked.files))


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("tests/test_b.py", "did you mean test_a.py?"),
        ("nowhere/test_a.py", "name a file or directory"),
        ("tests/test_a.py::test_one", "--test NODEID"),
    ],
)
def test_a_file_that_is_not_there_is_no_empty_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    error = CliRunner().invoke(_asking, ["--files", file]).exception
    assert isinstance(error, UsageError)
    assert error.message == f"--files: there is no {tmp_path / file}"
    assert hint in error.hint
    assert CliRunner().invoke(_asking, ["--files", "tests/test_a.py", "tests", "tests/*_a.py"]).exit_code == 0


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("sync", ""),
        ("tests", "{here}/tests"),
        ("./sync", "{here}/sync"),
        ("missing.py", "{here}/missing.py"),
        ("tests/../tests/test_a.py::TestA::test[a/../b]", "{here}/tests/test_a.py::TestA::test[a/../b]"),
        ("test_*", "{here}/test_*"),
        ("/elsewhere/test_a.py", "/elsewhere/test_a.py"),
    ],
)
def test_a_word_that_may_be_a_place_is_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    assert options.place(word) == place.format(here=tmp_path)

"""The pages of docs/ in the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from async_test_runner import cli
from async_test_runner.commands import help as help_command

DOCS = Path(__file__).parent.parent.parent / "docs"


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.run(["help", *argv]) == 0
    return capsys.readouterr().out


def test_without_a_topic_every_page_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys).splitlines()
    pages = [path for path in DOCS.rglob("*.md") if path.parent.name != "design" and path.stem != "README"]
    assert sorted(line.split("`")[1] for line in lines if line.startswith("- ")) == sorted(path.stem for path in pages)
    assert "- `leaks`: What tests leave behind, and how to make it fail." in lines


def test_a_page_is_shown_as_it_stands_but_for_comments_and_links(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "flaky")
    assert text.startswith("# Flaky and order-dependent tests\n")
    assert "<!--" not in text
    assert "](" not in text
    assert "`retries` (`help plan`) runs a red test again" in text


def test_a_link_to_what_is_no_topic_is_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "database")
    assert "The testing kit makes a database" in text


@pytest.mark.parametrize(
    ("topic", "first"),
    [
        ("test_timeout", "### `test_timeout`"),
        ("retries.count", "### `retries.count`"),
        ("run_started", "### `run_started`"),
    ],
)
def test_a_key_or_an_event_is_a_topic(capsys: pytest.CaptureFixture[str], topic: str, first: str) -> None:
    lines = shown(capsys, topic).splitlines()
    assert lines[0] == first
    assert [line for line in lines if line.startswith("#")] == [first]


def test_a_key_that_stands_at_two_levels_is_shown_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "resources").count("### `resources`") == 2


def test_an_unknown_topic_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["help", "test-timeout"]) == 2
    said = capsys.readouterr().err
    assert 'there is no topic "test-timeout"; did you mean "test_timeout"' in said
    assert "async-test-run help lists all topics" in said


def test_a_word_that_is_near_nothing_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["help", "xyzzy"]) == 2
    assert "topics are development, figures" in capsys.readouterr().err


def test_on_a_terminal_a_page_is_drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(capsys, "leaks"))
    assert "# Find leaks" not in text
    assert "Find leaks" in text
    assert max(map(len, text.splitlines())) <= 80


def test_an_installation_without_pages_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(help_command, "_PLACES", (tmp_path,))
    assert cli.run(["help"]) == 3
    assert "the pages of the documentation are not installed" in capsys.readouterr().err

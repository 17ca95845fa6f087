"""Text that tests control, in every place of every event, through every view: nothing of it is obeyed."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from async_test_runner import cli
from async_test_runner.model.errors import ExitCode, PlanError, RunnerError, UsageError
from async_test_runner.record.events import Event, RunResumed
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats import junit, summary
from async_test_runner.reports.terminal import final, views
from async_test_runner.reports.wording.text import block
from tests.record.test_events import ONE_OF_EACH
from tests.reports.event_script import Terminal

# What a terminal obeys, what CI services obey, what XML and YAML read as markup, what leaves a directory.
PIECES = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\r",
    "\n",
    "\t",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u200b",
    "\x00",
    "\x08",
    "\x7f",
    "::error::x",
    "::set-output name=a::b",
    "  ::add-mask::x",
    "##vso[task.setvariable variable=a]b",
    "##[error]x",
    "##teamcity[testFailed]",
    "]]>",
    "<!--",
    "</testcase>",
    "&amp;",
    '"',
    "'",
    "[bold]",
    "[/]",
    "../..",
    "/etc/passwd",
    "plain",
    "京",
]
SURROGATE = "\ud800"  # in what we say ourselves of file names; no event from a pytest process can hold one
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=8).map("".join)

_WORDS = {
    "kind",
    "outcome",
    "budget",
    "isolation",
    "stage",
    "when",
    "why",
    "channel",
    "service",
}  # keys whose values are our own
_COMMAND = re.compile(r"^\s*::|##[\w.-]*\[", re.MULTILINE)


def poisoned(value: Any, word: Callable[[str], str], key: str = "") -> Any:
    """The same value with every text in it that is not one of ours replaced."""
    if isinstance(value, str):
        return value if key in _WORDS else word(value)
    if isinstance(value, dict):
        return {
            name if name in value and name.isidentifier() else word(name): poisoned(item, word, name)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [poisoned(item, word, key) for item in value]
    return value


def history(texts: list[str], *, resumed: bool) -> Iterator[Event]:
    """One event of each kind, with hostile text wherever there is text; the same text stays the same."""
    known: dict[str, str] = {}

    def word(text: str) -> str:
        return known.setdefault(text, f"{texts[len(known) % len(texts)]}{text}{texts[(len(known) + 1) % len(texts)]}")

    for event in ONE_OF_EACH:
        if isinstance(event, RunResumed) and not resumed:
            continue
        data = msgspec.to_builtins(event)
        try:
            yield msgspec.convert(poisoned(data, word), type(event))
        except msgspec.ValidationError:  # a word of ours under a key that this test does not know
            yield event


def assert_harmless(text: str, *, color: bool = False) -> None:
    """Nothing in it that a terminal or a CI service would obey."""
    text.encode("utf-8")
    if color:
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    obeyed = {char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}} - {"\n", "\t"}
    assert not obeyed, f"{obeyed!r} in {text!r}"
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    found = _COMMAND.search(text)
    assert found is None, f"{found[0]!r} in {text!r}"


def shown(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


@settings(max_examples=150)
@example(["\x1b[2J"] * 6, -1, False)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.sampled_from([-1, 0, 1, 2]), st.booleans())
def test_no_view_of_a_run_in_progress_obeys(texts: list[str], verbosity: int, live: bool) -> None:
    stream = Terminal() if live else io.StringIO()
    environ = {"TERM": "xterm"}
    view = views.reporter(stream, color=live, verbosity=verbosity, environ=environ, width=100, height=30)
    for event in history(texts, resumed=False):
        view.event(event)
        view.tick(event.mono + 100.0)
    view.close()
    assert_harmless(stream.getvalue().replace("\r", "") if live else stream.getvalue(), color=live)


@settings(max_examples=150)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.sampled_from([-1, 0, 1, 2]), st.booleans())
def test_no_report_of_a_run_obeys(texts: list[str], verbosity: int, resumed: bool) -> None:
    result = fold(history(texts, resumed=resumed))
    places = [("junit", Path("/tmp") / "".join(texts).replace("\0", ""))]
    lines = final.render(result, ExitCode.FAILED, verbosity=verbosity, cwd=Path("/"), places=places)
    assert_harmless(shown(lines))


@settings(max_examples=100)
@given(st.lists(HOSTILE, min_size=1, max_size=6))
def test_reports_for_machines_hold_what_they_say_and_nothing_more(texts: list[str]) -> None:
    result = fold(history(texts, resumed=False))
    xml = b"".join(junit.render(result))
    root = ElementTree.fromstring(xml)
    cases = [case for case in root.iter("testcase") if case.get("name") is not None]
    assert len(cases) >= sum(len(phase.tests) for phase in result.phases)
    assert {child.tag for case in cases for child in case} <= {
        "failure",
        "error",
        "skipped",
        "system-out",
        "system-err",
        "properties",
        "rerunFailure",
        "rerunError",
        "flakyFailure",
        "flakyError",
    }
    assert not set(xml.decode()) & set("\x1b\x9b\r\x00\u2028\u202e")
    document = summary.render(result, 1, cwd=Path("/")).decode()
    assert json.loads(document)["version"]
    assert_harmless(document)


@settings(max_examples=300)
@given(HOSTILE | st.just(SURROGATE))
def test_a_block_of_foreign_lines_keeps_its_lines_and_nothing_else(text: str) -> None:
    assert_harmless(block(text))
    assert block(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("line", ["plain", "  indented", "a::b", "runner.yaml:1:1: phases", "##", "#[x]"])
def test_a_block_leaves_harmless_lines_alone(line: str) -> None:
    assert block(f"{line}\n{line}") == f"{line}\n{line}"


@settings(max_examples=100)
@given(HOSTILE, HOSTILE | st.just(SURROGATE), st.sampled_from([UsageError, RunnerError]))
def test_no_error_message_obeys(message: str, hint: str, kind: type[RunnerError]) -> None:
    assert_harmless(cli.shown(kind(message, hint=hint)))
    assert_harmless(cli.shown(PlanError([message, hint], hint=hint)))

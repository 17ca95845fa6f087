"""The Markdown report: read by a parser of CommonMark, it holds our words and texts of tests as code only."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import RunResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats.markdown import code, fenced, render
from async_test_runner.reports.wording.text import one_line, visible
from tests.reports.test_hostile import HOSTILE, history

from .html_sample import large, small

TEXTS = st.lists(
    st.sampled_from(["`", "``", "```\n", "~~~", "<b>", "@user", "#1", "|", "**", "[a](b)", "\n", " ", "\\", "&amp;"])
    | HOSTILE,
    max_size=6,
).map("".join)


def document(result: RunResult, code: ExitCode = ExitCode.FAILED) -> str:
    return b"".join(render(result, code)).decode()


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for token in MarkdownIt("commonmark").parse(text):
        found += [token, *(token.children or [])]
    return found


def test_the_report_has_the_verdict_the_counts_the_failures_and_the_rest() -> None:
    text = document(small())
    assert text.startswith("## Tests failed: `shop`\n")
    assert "3 failed, 1 timed out, 1 crashed, 1 not run, 2 passed" in text
    assert "10 planned = 10 reported" in text
    assert "### 5 failures" in text
    assert "E         - {'sum': 12}" in text
    assert "- 1 test: `max_failures: 5 tests were red`" in text
    assert "- `tests/test_jobs.py::test_retry`: failed, then passed: flaky" in text
    assert "`tasks: task flush still pending; made at app/queue.py:58 in drain`" in text
    assert "did not come to its end" not in text
    assert "did not come to its end" in document(small(finished=False))
    assert document(small(goes_on=True)).startswith("## Tests goes on")


@given(TEXTS)
def test_a_code_span_is_one_span_with_the_same_text(text: str) -> None:
    children = [token for token in tokens(f"- {code(text)} end") if token.type not in ("inline",) and token.level <= 3]
    spans = [token.content for token in children if token.type == "code_inline"]
    if one_line(text).strip():
        assert spans == [one_line(text)]
    else:
        assert spans == []
    assert not [token for token in children if token.type in ("html_inline", "link_open", "em_open", "strong_open")]


@given(TEXTS)
def test_a_block_is_one_block_with_the_same_text(text: str) -> None:
    (block,) = MarkdownIt("commonmark").parse(fenced(text))
    assert (block.type, block.content) == ("fence", visible(text.strip("\n")) + "\n")


@settings(max_examples=40)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.booleans())
def test_no_text_of_any_event_is_markup(texts: list[str], resumed: bool) -> None:
    for token in tokens(document(fold(history(texts, resumed=resumed)))):
        assert token.type not in ("html_inline", "html_block", "link_open", "image", "table_open"), token.content
        if token.type == "text":
            assert re.fullmatch(r"[\w ,.:;=()-]*", token.content), token.content


@pytest.mark.parametrize("failures", [1, 60, 30_000])
def test_it_is_never_larger_than_a_summary_may_be_and_says_what_it_leaves_out(failures: int) -> None:
    result = large(failures, failures)
    text = document(result)
    assert len(text.encode()) <= 1_000_000
    assert result.counts[Outcome.FAILED] == failures
    shown = text.count("failed: `tests/")
    left = re.search(r"(\d+) entr(y|ies) had no room here", text)
    assert shown + (int(left[1]) if left else 0) == failures
    assert (left is not None) == (failures > 10_000)


def test_long_texts_lose_their_middle() -> None:
    assert "… 6000 characters are left out …" in fenced("x" * 10_000)
    reason = "y" * 5000
    tests = tuple(msgspec.structs.replace(test, reason=reason) for test in small().tests())
    assert reason not in document(small(phases=(msgspec.structs.replace(small().phases[0], tests=tests),)))

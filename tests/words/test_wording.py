from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.words.wording import closest, did_you_mean, listed, printable, quoted, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 🧪", "plain ünïcode 🧪"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202eevil", "\\u202eevil"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters()), st.integers(min_value=2, max_value=80))
def test_shortened_text_is_printable_and_within_its_limit(text: str, limit: int) -> None:
    shown = shortened(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit


def test_shortened_text_shows_that_something_is_missing() -> None:
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
    assert quoted("abc") == '"abc"'


@pytest.mark.parametrize(
    ("word", "found"), [("timout", "timeout"), ("TIMEOUT", "timeout"), ("Grace", "grace"), ("zzz", ""), ("", "")]
)
def test_the_closest_known_word_is_found(word: str, found: str) -> None:
    assert closest(word, ["timeout", "grace"]) == found


def test_did_you_mean_is_empty_when_nothing_is_near() -> None:
    assert did_you_mean("gruce", ["grace"]) == 'did you mean "grace"?'
    assert did_you_mean("x", ["grace"]) == ""


def test_a_word_without_end_is_not_compared() -> None:
    before = time.process_time()
    assert closest("x" * 1_000_000, ["x" * 1_000_000]) == ""
    assert time.process_time() - before < 5


def test_lists_are_cut_with_their_number() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcdef", 4) == "a, b, c, d and 2 more"
    assert listed([]) == ""

"""Durations, read and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.words.durations import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("1.5", 1.5),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h5s", 3605.0),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("0", 0.0),
        ("0s", 0.0),
        ("0.5h", 1800.0),
        ("720h", LONGEST),
    ],
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "s", "-5", "1x", "10m1h", "5s5s", "1:30", "inf", "nan", "1e3", "١s", "1h ", "1.s", ".5s"]
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 90s, 10m, 1h30m or 500ms"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10 minutes", "10m"),
        ("10min", "10m"),
        ("1 hour and 30 minutes", "1h30m"),
        ("90 Seconds", "90s"),
        ("500 millis", "500ms"),
        ("1h 30m", "1h30m"),
        ("5M", "5m"),
    ],
)
def test_near_misses_are_answered_with_our_spelling(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {meant}\\?"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["721h", "2592001", "9" * 39])
def test_more_than_thirty_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 30 days"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1, "1s"),
        (2.5, "2.5s"),
        (60, "1m"),
        (59.9999, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (3661.5, "1h1m1.5s"),
    ],
)
def test_durations_are_shown_as_short_as_they_can_be(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=int(LONGEST) * 1000))
def test_what_is_shown_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=0.0005)

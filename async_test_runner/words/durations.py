"""Durations as people write them: ``90s``, ``10m``, ``1h30m``, ``500ms``; a plain number means seconds."""

from __future__ import annotations

import re

LONGEST = 30 * 24 * 3600.0  # seconds; what lies above is a slip, and some clocks of the system overflow

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
PATTERN = rf"(?:{_NUMBER}|(?=.)(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?)"
_SHAPE = re.compile(
    rf"(?P<plain>{_NUMBER})"
    rf"|(?:(?P<h>{_NUMBER})h)?(?:(?P<m>{_NUMBER})m)?(?:(?P<s>{_NUMBER})s)?(?:(?P<ms>{_NUMBER})ms)?"
)
_SECONDS = {"plain": 1.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_TEXT = 40
_WORDS = (
    (r"milliseconds?|millis?|msecs?", "ms"),
    (r"hours?|hrs?", "h"),
    (r"minutes?|mins?", "m"),
    (r"seconds?|secs?", "s"),
)


def parse_duration(text: str) -> float:
    """Seconds. ``ValueError`` with a finished sentence for what is no duration, negative, or longer than 30 days."""
    seconds = _seconds(text)
    if seconds is None:
        meant = _meant(text)
        raise ValueError(
            "expected a duration such as 90s, 10m, 1h30m or 500ms" + (f"; did you mean {meant}?" if meant else "")
        )
    if seconds > LONGEST:
        raise ValueError("expected a duration of at most 30 days (720h)")
    return seconds


def _seconds(text: str) -> float | None:
    found = _SHAPE.fullmatch(text) if text and len(text) <= _LONGEST_TEXT else None
    if found is None:
        return None
    return sum(float(number) * _SECONDS[unit] for unit, number in found.groupdict().items() if number is not None)


def _meant(text: str) -> str:
    """The near miss in our spelling: ``10 minutes`` -> ``10m``."""
    short = re.sub(r"[\s,]+|and", "", text[:_LONGEST_TEXT].lower())
    for words, unit in _WORDS:
        short = re.sub(rf"(?<=[0-9])(?:{words})(?![a-z])", unit, short)
    return short if short != text and _seconds(short) is not None else ""


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back: ``1h30m``, ``2.5s``, ``500ms``; to the millisecond."""
    milliseconds = round(seconds * 1000)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest / 1000:g}s" if rest else ""]
    return "".join(parts) or "0s"

"""The codec round trip, and what readers pass over."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.result import Section
from async_test_runner.record import events
from async_test_runner.record.events import (
    Event,
    TestFinished,
    Warned,
    decode,
    encode,
)
from tests.support.events import AT, DETAIL, ONE_OF_EACH

PACKAGE = Path(events.__file__).parents[1]


def test_the_table_has_one_event_of_each_kind() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_kind_comes_back_as_it_went(event: Event) -> None:
    line = encode(event)
    assert b"\n" not in line
    assert decode(line) == event
    assert json.loads(line)["kind"] == event.__struct_config__.tag


@given(st.text())
def test_any_text_fits_on_one_line_and_without_surrogates_comes_back(text: str) -> None:
    line = encode(Warned(**AT, message=text))
    assert b"\n" not in line
    event = decode(line)
    assert isinstance(event, Warned)
    assert event.message == text.encode("utf-8", "backslashreplace").decode()


def test_lone_surrogates_are_written_visibly_wherever_they_are() -> None:
    event = msgspec.structs.replace(ONE_OF_EACH[8], id="\udcff", sections=(Section("s", "\ud800"),))  # type: ignore[type-var]
    read = decode(encode(event))
    assert isinstance(read, TestFinished)
    assert (read.id, read.sections[0].content) == ("\\udcff", "\\ud800")
    assert read.details == (DETAIL,)


def test_unknown_kinds_and_unknown_keys_are_passed_over() -> None:
    assert decode(b'{"kind":"from_the_future","at":1,"mono":2}') is None
    assert decode(b'{"kind":"warned","at":1,"mono":2,"message":"m","new":{"deep":[1]}}') == Warned(
        at=1.0, mono=2.0, message="m"
    )


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b'{"kind":"warned","at":1,"mono":2,"mess', b"[]", b"1", b"null", b'{"kind":"warned"}', b"\x00\x01"],
)
def test_a_damaged_line_is_a_decode_error(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_a_line_that_is_no_utf_8_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(b'{"kind":"warned","at":1,"mono":2,"message":"\xff"}')


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for line in (data, b'{"kind":"warned","at":1,"mono":2,"message":"' + data):
        try:
            decode(line)
        except msgspec.DecodeError:
            pass


def test_the_version_is_written_down() -> None:
    assert events.VERSION == 1


KNOW_EVENTS = [path for path in sorted(PACKAGE.rglob("*.py")) if "events import" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", KNOW_EVENTS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_match_over_events_passes_over_a_kind_that_it_does_not_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.match_case) and isinstance(node.pattern, ast.MatchAs) and node.pattern.pattern is None:
            assert ast.unparse(node.body).startswith("assert_never("), f"{path}:{node.pattern.lineno}"

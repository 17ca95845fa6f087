"""The way out of a pytest process survives what tests do to their process."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.wire.facts import Wire, encodable, plain
from async_test_run_inside.wire.messages import Message
from hypothesis import given
from hypothesis import strategies as st


def facts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines() if line]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_each_fact_is_one_line_with_its_time(path: Path) -> None:
    wire = Wire(str(path))
    before = time.monotonic()
    wire.send(Message("started", {"id": "a\n\u2028b", "count": 1}))
    (fact,) = facts(path)
    assert (fact["kind"], fact["id"], fact["count"]) == ("started", "a\n\u2028b", 1)
    assert before <= fact["mono"] <= time.monotonic()
    assert path.read_bytes().isascii()


@pytest.mark.parametrize("endless", [float("inf"), float("-inf"), float("nan")])
def test_a_duration_without_an_end_is_no_lost_fact(path: Path, endless: float) -> None:
    Wire(str(path)).send(Message("finished", {"duration": endless}))
    assert facts(path)[0]["duration"] == 0.0


def test_clocks_that_are_replaced_later_are_not_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(str(path))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    wire.send(Message("x", {}))
    assert facts(path)[0]["at"] > 0 < facts(path)[0]["mono"]


def test_functions_of_os_that_are_replaced_later_are_not_called(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(str(path))
    close = os.close
    with monkeypatch.context() as patch:
        for name in ("write", "getpid", "fstat", "open", "close"):
            patch.setattr(os, name, None)
        wire.send(Message("one", {}))
        close(wire._fd)
        wire.send(Message("two", {}))
    assert [fact["kind"] for fact in facts(path)] == ["one", "two"]


def test_a_descriptor_that_a_test_closed_is_opened_again(path: Path) -> None:
    wire = Wire(str(path))
    wire.send(Message("one", {}))
    os.close(wire._fd)
    wire.send(Message("two", {}))
    assert [fact["kind"] for fact in facts(path)] == ["one", "two"]


def test_a_descriptor_that_is_somebody_elses_now_is_left_alone(path: Path, tmp_path: Path) -> None:
    wire = Wire(str(path))
    with (tmp_path / "other").open("wb") as other:
        os.dup2(other.fileno(), wire._fd)
        wire.send(Message("one", {}))
    assert [fact["kind"] for fact in facts(path)] == ["one"]
    assert (tmp_path / "other").read_bytes() == b""


def test_the_working_directory_does_not_matter(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(str(path))
    os.close(wire._fd)
    monkeypatch.chdir(tmp_path.parent)
    wire.send(Message("one", {}))
    assert len(facts(path)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_fork_is_mute(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(str(path))
    monkeypatch.setattr("async_test_run_inside.wire.facts.getpid", lambda: -1)
    wire.send(Message("from the fork", {}))
    assert facts(path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no fcntl")
def test_low_descriptors_are_left_to_the_tests(path: Path) -> None:
    assert Wire(str(path))._fd >= 200


@given(st.text(alphabet=st.characters()))
def test_plain_text_fits_in_utf_8_and_stays_what_it_was_if_it_did(text: str) -> None:
    made = plain(text)
    made.encode()
    assert made == plain(made)
    if text.isprintable() and text.isascii():
        assert made == text


def test_surrogates_become_visible() -> None:
    assert plain("test_\udcff.py") == "test_\\udcff.py"


def test_every_text_in_a_value_becomes_encodable_and_nothing_else_changes() -> None:
    value = {"\udcff": ["a\udcff", ("ü", 1, None)], "b": {"c": True}}
    assert encodable(value) == {"\\udcff": ["a\\udcff", ("ü", 1, None)], "b": {"c": True}}

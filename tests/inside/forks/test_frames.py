"""How the facts of a worker travel back to its session."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from async_test_run_inside.forks import frames


def unframed(frame: bytes) -> Any:
    head = frames._HEAD
    assert head.unpack_from(frame)[0] == len(frame) - head.size
    return pickle.loads(frame[head.size :])


def test_a_frame_keeps_tuples() -> None:
    data = {"longrepr": ("a.py", 3, "Skipped: why"), "user_properties": []}
    assert unframed(frames.framed("report", 7, data)) == ("report", 7, data)


def test_properties_that_cannot_be_pickled_travel_as_text() -> None:
    class Odd:
        def __reduce__(self) -> Any:
            raise TypeError("no")

        def __str__(self) -> str:
            return "odd"

    frame = frames.framed("report", 0, {"outcome": "passed", "user_properties": [("what", Odd())]})
    assert unframed(frame)[2] == {"outcome": "passed", "user_properties": [("what", "odd")]}


class _Unpicklable:
    def __reduce__(self) -> Any:
        raise TypeError

    def __str__(self) -> str:
        return "odd"


def report(**attributes: Any) -> pytest.TestReport:
    made = pytest.TestReport("a.py::t", ("a.py", 0, "t"), {"t": 1}, "passed", None, "call", [("Captured", "text")], 0.5)
    vars(made).update(attributes)
    return made


@pytest.mark.parametrize("value", [(1, 2), {"a": [None]}, "text"])
def test_a_report_that_passed_keeps_all_its_attributes(pytestconfig: pytest.Config, value: object) -> None:
    sent = report(user_properties=[("what", value)], of_a_plugin=value)
    pending = bytearray(frames.framed("report", 3, frames.packed(pytestconfig, sent)))
    ((kind, position, data),) = frames.complete(pending)
    assert (kind, position, pending) == ("report", 3, bytearray())
    assert vars(frames.unpacked(pytestconfig, data)) == vars(sent)


def test_what_cannot_be_pickled_becomes_text(pytestconfig: pytest.Config) -> None:
    sent = report(user_properties=[("what", _Unpicklable())])
    ((_, _, data),) = frames.complete(bytearray(frames.framed("report", 0, frames.packed(pytestconfig, sent))))
    assert frames.unpacked(pytestconfig, data).user_properties == [("what", "odd")]


def test_facts_wait_until_they_are_whole() -> None:
    sent = frames.framed("start", 1) + frames.framed("finish", 1)
    pending, facts = bytearray(), []
    for position in range(0, len(sent), 7):
        pending += sent[position : position + 7]
        facts += frames.complete(pending)
    assert facts == [("start", 1, None), ("finish", 1, None)]

"""How the facts of a worker travel back to its session."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import pytest
from async_test_run_inside.forks import frames
from hypothesis import given
from hypothesis import strategies as st


def unframed(frame: bytes) -> Any:
    head = frames._HEAD
    assert head.unpack_from(frame)[0] == len(frame) - head.size
    return pickle.loads(frame[head.size :])


def test_a_frame_keeps_tuples() -> None:
    data = {"longrepr": ("a.py", 3, "Skipped: why"), "user_properties": []}
    assert unframed(frames.framed(frames.Reported(7, data))) == ("Reported", 7, data)


def test_properties_that_cannot_be_pickled_travel_as_text() -> None:
    class Odd:
        def __reduce__(self) -> Any:
            raise TypeError("no")

        def __str__(self) -> str:
            return "odd"

    frame = frames.framed(frames.Reported(0, {"outcome": "passed", "user_properties": [("what", Odd())]}))
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
    pending = bytearray(frames.framed(frames.Reported(3, frames.packed(pytestconfig, sent))))
    (fact,) = frames.complete(pending)
    assert isinstance(fact, frames.Reported)
    assert (fact.position, pending) == (3, bytearray())
    assert vars(frames.unpacked(pytestconfig, fact.report)) == vars(sent)


def test_what_cannot_be_pickled_becomes_text(pytestconfig: pytest.Config) -> None:
    sent = report(user_properties=[("what", _Unpicklable())])
    frame = frames.framed(frames.Reported(0, frames.packed(pytestconfig, sent)))
    (fact,) = frames.complete(bytearray(frame))
    assert isinstance(fact, frames.Reported)
    assert frames.unpacked(pytestconfig, fact.report).user_properties == [("what", "odd")]


def test_facts_wait_until_they_are_whole() -> None:
    sent = frames.framed(frames.Began(1)) + frames.framed(frames.Ended(1))
    pending, facts = bytearray(), []
    for position in range(0, len(sent), 7):
        pending += sent[position : position + 7]
        facts += frames.complete(pending)
    assert facts == [frames.Began(1), frames.Ended(1)]
    assert [type(fact) for fact in facts] == [frames.Began, frames.Ended]


@pytest.mark.parametrize("kind", get_args(frames.Fact))
@given(data=st.data())
def test_every_fact_arrives_as_what_it_was(kind: Any, data: st.DataObject) -> None:
    sent = data.draw(st.builds(kind, **{name: _VALUES[name] for name in kind._fields}))
    (fact,) = frames.complete(bytearray(frames.framed(sent)))
    assert (type(fact), fact) == (kind, sent)


_TEXT = st.text(max_size=20)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "position": st.integers(min_value=0),
    "report": st.dictionaries(_TEXT, st.tuples(_TEXT, st.none())),
    "warning": st.dictionaries(_TEXT, _TEXT),
    "what": st.sampled_from(["suite property", "attribute", "property"]),
    "nodeid": _TEXT,
    "name": _TEXT,
    "value": _TEXT,
    "reason": _TEXT,
    "text": _TEXT,
    "names": st.lists(_TEXT),
    "output": st.dictionaries(_TEXT, st.binary()),
}

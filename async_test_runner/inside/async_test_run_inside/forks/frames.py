"""How a worker's news travel to its session: pickled frames, each with its length before it.

Pickled and not JSON, because a report must arrive with its tuples, and both ends are forks of one process.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, get_args

import pytest

_dumps = pickle.dumps  # tests replace them, and forget to put them back
_HEAD = struct.Struct(">Q")  # the length of what follows


class Began(NamedTuple):
    """A test begins; ``position`` is its place among the session's items, here and below."""

    position: int


class Reported(NamedTuple):
    """pytest's report of one stage, `packed`."""

    position: int
    report: dict[str, Any]


class Ended(NamedTuple):
    """A test is over."""

    position: int


class Warned(NamedTuple):
    """The arguments of ``pytest_warning_recorded``."""

    position: int
    warning: dict[str, Any]


class XmlAdded(NamedTuple):
    """What a fixture has added to pytest's XML: to the suite (``nodeid`` is empty), or to a test's element."""

    what: Literal["suite property", "attribute", "property"]
    nodeid: str
    name: str
    value: str


class Stopped(NamedTuple):
    """A plugin wants the session to stop."""

    reason: str


class Retired(NamedTuple):
    """The worker runs nothing after this test: it is not clean any more. What it was ordered to is left."""

    position: int


class Dying(NamedTuple):
    """The worker ends with a test in flight, and says why."""

    reason: str


class Broken(NamedTuple):
    """An exception has ended the worker."""

    text: str


class Imported(NamedTuple):
    """Installed modules that the worker has imported."""

    names: list[str]


class HandedOver(NamedTuple):
    """What plugins in the worker hand over at its end, pickled."""

    output: dict[str, bytes]


Fact = Began | Reported | Ended | Warned | XmlAdded | Stopped | Retired | Dying | Broken | Imported | HandedOver
# By name on the pipe: tests take modules out of ``sys.modules``, and a class that is not there cannot be pickled.
_FACTS: dict[str, Callable[..., Fact]] = {fact.__name__: fact for fact in get_args(Fact)}


def framed(fact: Fact) -> bytes:
    """One fact as bytes. What a test put into its properties may be anything, and becomes text where it must.

    Attributes that a plugin put on a report (``report.item = item``) stay behind where they cannot be pickled.
    """
    name = type(fact).__name__
    try:
        payload = _dumps((name, *fact), pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - whatever an object of a test does
        values = [_portable(value) if isinstance(value, dict) else value for value in fact]
        payload = _dumps((name, *values))
    return _HEAD.pack(len(payload)) + payload


def _portable(data: dict[str, Any]) -> dict[str, Any]:
    if _PLAIN in data:
        return {_PLAIN: _portable(data[_PLAIN])}
    if "user_properties" in data:
        properties = [
            (str(name), value if _can_travel(value) else str(value)) for name, value in data["user_properties"]
        ]
        data = {**data, "user_properties": properties}
    return {name: value for name, value in data.items() if _can_travel(value)}


def _can_travel(value: object) -> bool:
    try:
        _dumps(value)
    except Exception:  # noqa: BLE001 - whatever an object of a test does
        return False
    return True


def complete(pending: bytearray) -> Iterator[Fact]:
    """The facts whose frames are complete; they are taken out of ``pending``."""
    while len(pending) >= _HEAD.size:
        end = _HEAD.size + _HEAD.unpack_from(pending)[0]
        if len(pending) < end:
            return
        name, *values = _Unpickler(io.BytesIO(memoryview(pending)[_HEAD.size : end])).load()
        del pending[:end]
        yield _FACTS[name](*values)


class _Unpickler(pickle.Unpickler):  # of what a fork of us has said
    def find_class(self, module: str, name: str) -> Any:
        """The class; something that stands for it where only the worker could import it."""
        try:
            return super().find_class(module, name)
        except Exception:  # noqa: BLE001 - whatever comes of importing a module of the project
            return type(name, (_Unknown,), {"__module__": module})


class _Unknown:
    def __init__(self, *args: object) -> None:
        pass


def packed(config: pytest.Config, report: pytest.TestReport) -> dict[str, Any]:
    """A report as plain values: its own attributes where they are plain already, pytest's own form elsewhere."""
    if type(report) is pytest.TestReport and report.longrepr is None:
        return {_PLAIN: vars(report)}
    found: dict[str, Any] = config.hook.pytest_report_to_serializable(config=config, report=report)
    return found


def unpacked(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """The report again."""
    attributes = data.get(_PLAIN)
    if attributes is None:
        found: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
        return found
    report = pytest.TestReport.__new__(pytest.TestReport)
    vars(report).update(attributes)
    return report


_PLAIN = "async-test-run:attributes"

"""How a worker's news travel to its session: pickled frames, each with its length before it.

Pickled and not JSON, because a report must arrive with its tuples, and both ends are forks of one process.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Iterator
from typing import Any

import pytest

_dumps = pickle.dumps  # tests replace them, and forget to put them back
_HEAD = struct.Struct(">Q")  # the length of what follows

Fact = tuple[str, int, Any]  # kind, position of the item, what there is to say


def framed(kind: str, position: int, data: Any = None) -> bytes:
    """One fact as bytes. What a test put into its properties may be anything, and becomes text where it must.

    Attributes that a plugin put on a report (``report.item = item``) stay behind where they cannot be pickled.
    """
    try:
        payload = _dumps((kind, position, data), pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - whatever an object of a test does
        payload = _dumps((kind, position, _portable(data)))
    return _HEAD.pack(len(payload)) + payload


def _portable(data: dict[str, Any]) -> dict[str, Any]:
    if _PLAIN in data:
        return {_PLAIN: _portable(data[_PLAIN])}
    properties = [
        (str(name), value if _can_travel(value) else str(value)) for name, value in data.get("user_properties", ())
    ]
    return {name: value for name, value in {**data, "user_properties": properties}.items() if _can_travel(value)}


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
        fact: Fact = _Unpickler(io.BytesIO(memoryview(pending)[_HEAD.size : end])).load()
        del pending[:end]
        yield fact


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

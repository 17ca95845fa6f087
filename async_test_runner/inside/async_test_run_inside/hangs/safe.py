"""Text and attributes of objects that a test may have made: nothing of them is called, what comes out is one line."""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


def text(value: Any, limit: int = 200) -> str:
    """A string on one line, at most ``limit`` characters of it; for anything but a string, the name of its type."""
    if type(value) is not str:
        return f"<{kind(value)}>"
    shown = value[: limit + 1].translate(_CONTROLS)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def kind(value: Any) -> str:
    """The name of an object's type, with its module where that is not obvious."""
    cls = type(value)
    name = text(type.__dict__["__qualname__"].__get__(cls), 100)
    module = type.__dict__["__module__"].__get__(cls)
    plain = ("builtins", "asyncio", "_asyncio")
    if type(module) is not str or module in plain or module.startswith("asyncio."):
        return name
    return f"{text(module, 60)}.{name}"


def fields(value: Any) -> dict[str, Any]:
    """The instance's own dictionary; empty where it has none. No code of the object runs."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:  # noqa: BLE001 - objects without a dictionary, and those that only pretend to be objects
        return {}
    return found if type(found) is dict else {}


def field(value: Any, name: str) -> Any:
    """An attribute out of the instance's own dictionary; None where it has none."""
    return fields(value).get(name)


def slot(value: Any, name: str) -> Any:
    """An attribute that a class of the object's keeps in a slot, or in C; None where it has none."""
    for cls in type.__dict__["__mro__"].__get__(type(value)):
        found = type.__dict__["__dict__"].__get__(cls).get(name)
        if type(found) in (MemberDescriptorType, GetSetDescriptorType):
            try:
                return found.__get__(value)
            except AttributeError:  # it is not set
                return None
    return None


def own(value: Any, name: str) -> Any:
    """An attribute of an object that may be made in Python or in C."""
    found = field(value, name)
    return slot(value, name) if found is None else found


def number(value: Any) -> float | None:
    """A number if it is one, and not something that only behaves like one."""
    return float(value) if type(value) in (int, float) else None


def size(value: Any) -> int:
    """How many items one of Python's own containers has; 0 for anything else."""
    cls = type(value)
    if cls.__module__ in ("builtins", "collections") and cls.__name__ in ("list", "dict", "set", "deque", "tuple"):
        return len(value)
    return 0


def is_kind(value: Any, cls: type) -> bool:
    """`isinstance` that asks the type alone: an object can lie about its ``__class__``."""
    return cls in type.__dict__["__mro__"].__get__(type(value))

"""The values of a test's parameters as one line that is the same in every process that collects the same test.

Objects are shown by what lasts of them: their class, and of values that Python itself makes the value. Nothing of the
project's is called for that, no ``__repr__`` either: it may ask a database.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import PurePath
from types import ModuleType
from typing import Any

_LIMIT = 200  # characters of a line; of a longer one the beginning and a digest
_DEEPEST = 4  # containers in containers
_VALUES = frozenset({int, float, complex, bool, str, bytes, type(None)})
_STANDARD = frozenset(  # by name: who has such a value has imported the module
    {
        *("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta"),
        *("decimal.Decimal", "fractions.Fraction", "uuid.UUID"),
    }
)


def shown(parameters: Mapping[str, Any]) -> str:
    """``name=value, …``, names in their order."""
    line = ", ".join(f"{name}={_shown(value, 0)}" for name, value in parameters.items())
    if len(line) <= _LIMIT:
        return line
    digest = hashlib.sha256(line.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return f"{line[:_LIMIT]}… ({len(line)} characters, {digest})"


def _shown(value: object, depth: int) -> str:
    kind = type(value)
    if kind in _VALUES or f"{kind.__module__}.{kind.__qualname__}" in _STANDARD:
        return repr(value)
    if issubclass(kind, PurePath):
        return f"{kind.__name__}({PurePath.__str__(value)!r})"
    if issubclass(kind, Enum):
        return f"{kind.__qualname__}.{value._name_}"  # type: ignore[attr-defined]
    if kind in _CONTAINERS and depth < _DEEPEST:
        return _CONTAINERS[kind](value, depth + 1)
    if kind is re.Pattern:
        return f"re.compile({value.pattern!r})"  # type: ignore[attr-defined]
    return _named(value)


def _named(value: object) -> str:
    """A class, function or module by its name; of anything else only the class, which may have any value."""
    kind = type(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if kind is ModuleType:
        return str(vars(value).get("__name__", "?"))
    if kind.__module__ == "builtins" and kind.__name__ in _NAMED:
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '?')}"
    return f"<{kind.__module__}.{kind.__qualname__}>"


_NAMED = ("function", "builtin_function_or_method", "method_descriptor", "wrapper_descriptor")


def _items(values: Any, depth: int) -> str:
    return ", ".join(_shown(value, depth) for value in values)


def _sorted(values: Any, depth: int) -> str:
    return ", ".join(sorted(_shown(value, depth) for value in values))


def _pairs(value: Any, depth: int) -> str:
    return ", ".join(f"{_shown(key, depth)}: {_shown(each, depth)}" for key, each in value.items())


_CONTAINERS: dict[type, Callable[[Any, int], str]] = {
    list: lambda value, depth: f"[{_items(value, depth)}]",
    tuple: lambda value, depth: f"({_items(value, depth)})",
    set: lambda value, depth: f"{{{_sorted(value, depth)}}}",
    frozenset: lambda value, depth: f"frozenset({_sorted(value, depth)})",
    dict: lambda value, depth: f"{{{_pairs(value, depth)}}}",
}

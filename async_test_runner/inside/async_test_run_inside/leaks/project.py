"""What tests that share a process can see of each other beyond leaks: the shallow state of the project's own modules.

The rule: what the project's modules hold by name is looked at, one level deep, and nothing behind it. So caches that
only grow are no dirt: an ``lru_cache``, what a library keeps in its own objects, a module that is imported late.

Nothing of an object is called: names, attributes and elements are compared by identity, plain texts and numbers by
value. What stood there is held until the next look, so that an address tells one object from another.
"""

from __future__ import annotations

import enum
import gc
import socket
import sys
import sysconfig
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, count
from operator import is_
from types import ModuleType
from typing import Any

from .found import MACHINERY, Leak
from .state import NOTHING, Watched

_MOST = 1000  # elements of one container that are looked at; of a longer one, their number only
_HEAP_TYPE = 1 << 9  # a class that was made by Python code, whose attributes can be set
_LISTS = (list, deque, bytearray)
_SETS = (set,)
_PLACES = tuple({sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib")})
_PACKAGES = ("/site-packages/", "/dist-packages/", "\\site-packages\\")
# The machinery of pytest and of ours sets these while it runs a stage of a test, and puts them back after it.
_SET_BY_MACHINERY = frozenset({"sys", "warnings", "logging", "threading", "gc", "builtins", "__main__", *MACHINERY})
# As they are now: tests replace them, and forget to put them back.
_recursion, _switch, _gc_enabled, _threshold = (
    sys.getrecursionlimit,
    sys.getswitchinterval,
    gc.isenabled,
    gc.get_threshold,
)
_socket_timeout = socket.getdefaulttimeout


class Change(Leak):
    """A change that only matters to tests that share the process: no leak of its test."""


class Project:
    """All that is looked at, compared with the last time. What changes outside of a stage is asked for apart."""

    def __init__(self) -> None:
        aspects = (Modules(), Names(), Process())
        self._watched = [Watched(aspect) for aspect in aspects]
        self._outer = Watched(WarningFilters())

    def differs(self) -> bool:
        """Whether anything may be different."""
        return any(not watched.is_same(watched.token) for watched in self._watched)

    def news(self) -> list[Leak]:
        """What has changed."""
        changed = (watched for watched in self._watched if not watched.is_same(watched.token))
        return [Change(*leak) for watched in changed for leak in watched.news()]

    def outside(self) -> str:
        """What has changed that pytest itself puts back at the very end of a test; empty for nothing."""
        if self._outer.is_same(self._outer.token):
            return ""
        return next((leak.what for leak in self._outer.news()), "")


class Modules:
    """``sys.modules``: one that is new is no change, unless nobody has imported it."""

    def token(self) -> Any:
        return list(sys.modules.values())

    def is_same(self, token: Any) -> bool:
        modules = sys.modules
        return token is not None and len(modules) == len(token) and all(map(is_, modules.values(), token))

    def read(self) -> dict[Any, Any]:
        return dict(sys.modules)

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        if before is NOTHING:
            return ("", "") if _is_imported(now) else (f"sys.modules: {key} put there", "")
        return f"sys.modules: {key} {'removed' if now is NOTHING else 'replaced'}", ""


def _is_imported(module: Any) -> bool:
    return isinstance(module, ModuleType) and vars(module).get("__spec__") is not None


class Process:
    """Settings of the whole process."""

    def token(self) -> Any:
        return tuple(self.read().values())

    def is_same(self, token: Any) -> bool:
        return bool(token == self.token())

    def read(self) -> dict[Any, Any]:
        return {
            "locale": _locale(),
            "time zone": (*time.tzname, time.timezone),
            "recursion limit": _recursion(),
            "switch interval": _switch(),
            "garbage collection": (_gc_enabled(), *_threshold()),
            "socket timeout": _socket_timeout(),
        }

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        return ("", "") if before == now else (f"{key} changed", "")


def _locale() -> str:
    module = sys.modules.get("_locale")
    return str(module.setlocale(module.LC_ALL)) if module is not None else ""


class WarningFilters:
    """``warnings.filters``. pytest gives every test its own list, so it is asked for when that is gone."""

    def token(self) -> Any:
        return list(warnings.filters)

    def is_same(self, token: Any) -> bool:
        return bool(token == warnings.filters)

    def read(self) -> dict[Any, Any]:
        return {"filters": tuple(map(str, warnings.filters))}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        return "warnings: filters changed", ""


class Names:
    """Names, attributes and elements of what the project's modules hold, and functions of others that it replaces."""

    def __init__(self) -> None:
        self._views: list[Any] = []  # live views, in the order of the scan
        self._patched: list[tuple[Mapping[str, Any], tuple[str, ...]]] = []
        self._counts: list[Any] = []
        self._taken: set[str] = set()  # owners that were there at the last token
        self._owners: dict[str, Any] = {}
        self._fresh: set[str] = set()
        self._modules = -1

    # ------------------------------------------------------------------------------------------------- the cheap look

    def token(self) -> Any:
        self._modules = len(sys.modules)
        self._taken = set(self._owners)
        flat = list(chain.from_iterable(self._views))
        return list(map(len, self._views)), flat, list(_patches(self._patched)), list(map(repr, self._counts))

    def is_same(self, token: Any) -> bool:
        if token is None or len(sys.modules) != self._modules:
            return False
        sizes, flat, patches, counts = token
        try:
            return (
                list(map(len, self._views)) == sizes
                and all(map(is_, chain.from_iterable(self._views), flat))
                and all(map(is_, _patches(self._patched), patches))
                and (not counts or list(map(repr, self._counts)) == counts)
            )
        except KeyError:  # a function has been removed
            return False

    # ------------------------------------------------------------------------------------------------- the close one

    def read(self) -> dict[Any, Any]:
        """All of it, by owner and name."""
        found: dict[Any, Any] = {}
        self._views, self._patched, self._counts = [], [], []
        self._owners = {}
        own = {name: module for name, module in list(sys.modules.items()) if is_own(module)}
        others: dict[str, tuple[str, Any]] = {}
        for name, module in own.items():
            self._read_module(name, module, own, others, found)
        for label, other in others.values():
            self._read_other(label, other, found)
        self._fresh = set(self._owners) - self._taken
        return found

    def _read_module(
        self,
        name: str,
        module: ModuleType,
        own: Mapping[str, ModuleType],
        others: dict[str, tuple[str, Any]],
        found: dict[Any, Any],
    ) -> None:
        self._owners[name] = module
        names = vars(module)
        self._views.append(names.values())
        for key, value in list(names.items()):
            if _is_special(key):
                continue
            found[name, key] = value
            kind = type(value)
            if kind is ModuleType:
                if value.__name__ not in own and value.__name__.partition(".")[0] not in _SET_BY_MACHINERY:
                    others.setdefault(value.__name__, (value.__name__, value))
            elif isinstance(kind, type) and issubclass(kind, type):
                self._read_class(name, value, others, found)
            elif vars(kind).get("__module__") in own:
                self._read_object(f"{name}.{key}", value, found)
            self._read_contents(name, key, value, found)

    def _read_class(self, module: str, cls: Any, others: dict[str, tuple[str, Any]], found: dict[Any, Any]) -> None:
        attributes = vars(cls)
        if attributes.get("__module__") != module:
            home = attributes.get("__module__")
            top = str(home).partition(".")[0]
            if cls.__flags__ & _HEAP_TYPE and top not in _SET_BY_MACHINERY and not is_own(sys.modules.get(str(home))):
                label = f"{home}.{cls.__qualname__}"
                others.setdefault(label, (label, cls))
            return
        label = f"{module}.{cls.__qualname__}"
        if label in self._owners:
            return
        self._owners[label] = cls
        self._views.append(attributes.values())
        for key, value in list(attributes.items()):
            if _is_special(key) or (issubclass(type(cls), enum.EnumMeta) and key.startswith("_")):
                continue
            found[label, key] = value
            self._read_contents(label, key, value, found)

    def _read_object(self, label: str, value: Any, found: dict[Any, Any]) -> None:
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        if type(attributes) is not dict:
            return
        self._owners[label] = value
        self._views.append(attributes.values())
        for key, part in list(attributes.items()):
            if not _is_special(key):
                found[label, key] = part
                self._read_contents(label, key, part, found)

    def _read_contents(self, label: str, key: str, value: Any, found: dict[Any, Any]) -> None:
        kind = type(value)
        if kind is count:
            self._counts.append(value)
            found[label, key, ""] = repr(value)
        elif issubclass(kind, dict):
            keys, values = dict.keys(value), dict.values(value)
            self._view(label, key, found, (keys, values), _items(value) if len(keys) <= _MOST else (len(keys),))
        elif issubclass(kind, (list, deque, bytearray)):
            view = value if kind in _LISTS else _Elements(value, list if issubclass(kind, list) else deque)
            self._view(label, key, found, (view,), tuple(view) if len(view) <= _MOST else (len(view),))
        elif issubclass(kind, set):
            view = value if kind in _SETS else _Elements(value, set)
            self._view(label, key, found, (view,), _elements(view) if len(view) <= _MOST else (len(view),))

    def _view(
        self, label: str, key: str, found: dict[Any, Any], views: Iterable[Any], contents: tuple[Any, ...]
    ) -> None:
        found[label, key, ""] = contents
        for view in views:
            self._views.append(view if len(view) <= _MOST else _Size(view))

    def _read_other(self, label: str, other: Any, found: dict[Any, Any]) -> None:
        """Functions and classes of an installed module or class, which a test may have replaced."""
        parts = vars(other)
        names = tuple(key for key, value in list(parts.items()) if callable(value) and not _is_special(key))
        if label not in self._owners:
            self._owners[label] = other
            self._patched.append((parts, names))
            for key in names:
                found[label, key] = parts[key]

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        label, name, *rest = key
        if label in self._fresh or (before is NOTHING and rest):
            return "", ""  # a module that was imported; a container that came with its name
        if before is NOTHING and self._is_excused(label, name, now):
            return "", ""
        if rest:
            return ("", "") if now is NOTHING else (f"{label}: contents of {name} changed", "")
        how = "added" if before is NOTHING else "removed" if now is NOTHING else "rebound"
        return f"{label}: {name} {how}", ""

    def _is_excused(self, label: str, name: str, now: Any) -> bool:
        """What comes by itself: a module that is imported late, what a class or a module makes when it is asked."""
        owner = self._owners.get(label)
        if isinstance(owner, ModuleType):
            if is_own(owner):
                return isinstance(now, ModuleType) or "__getattr__" in vars(owner)
            return True
        if isinstance(owner, type):
            home = sys.modules.get(str(vars(type(now)).get("__module__")))
            is_of_a_library = home is not None and home.__name__ != "builtins" and not is_own(home)
            return not is_own(sys.modules.get(owner.__module__)) or (is_of_a_library and hasattr(type(now), "__get__"))
        return any(isinstance(vars(base).get(name), cached_property) for base in type(owner).__mro__)


def _patches(patched: Iterable[tuple[Mapping[str, Any], tuple[str, ...]]]) -> Iterator[Any]:
    return chain.from_iterable(map(parts.__getitem__, names) for parts, names in patched)


def _items(value: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Keys and values; in one order where keys are texts, for one that was put back stands at the end."""
    items: list[tuple[Any, Any]] = list(dict.items(value))  # type: ignore[arg-type]
    if all(type(key) is str for key, _ in items):
        items.sort(key=lambda item: item[0])
    return tuple(chain.from_iterable(items))


def _elements(view: Iterable[Any]) -> tuple[Any, ...]:
    found = list(view)
    if {type(element) for element in found} in ({str}, {int}):
        return tuple(sorted(found))
    return tuple(sorted(map(id, found)))


class _Elements:
    """Elements of a container of the project's own class, whose methods are not called."""

    def __init__(self, value: Any, base: Any) -> None:
        self._value, self._base = value, base

    def __len__(self) -> int:
        return int(self._base.__len__(self._value))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._base.__iter__(self._value))


class _Size:
    """Stands for a container that is too long to be looked at: how many elements it has."""

    def __init__(self, view: Any) -> None:
        self._view = view

    def __len__(self) -> int:
        return len(self._view)

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def is_own(module: Any) -> bool:
    """Whether a module is the project's: it has a file, which belongs to no installed package."""
    if not isinstance(module, ModuleType):
        return False
    known = _own.get(id(module))
    if known is not None and known[0] is module:
        return known[1]
    path = vars(module).get("__file__")
    name = str(vars(module).get("__name__")).partition(".")[0]
    found = (
        isinstance(path, str)
        and name not in MACHINERY
        and not path.startswith(_PLACES)
        and not any(part in path for part in _PACKAGES)
    )
    _own[id(module)] = module, found
    return found


_own: dict[int, tuple[ModuleType, bool]] = {}


def _is_special(name: Any) -> bool:
    """Names of the language and of pytest: ``__doc__``, ``@py_builtins``."""
    return (
        type(name) is not str or (name.startswith("__") and name.endswith("__")) or name.startswith(("@", "__pytest"))
    )

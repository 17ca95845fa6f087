"""What a test changed in its process and did not put back: environment, directory, import path, signals, logging, apps.

Each aspect reads itself as a dictionary; two of them are compared key by key, and only when the cheap look has found
that something is different. Values of variables are secrets and never shown.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from operator import attrgetter, is_
from os import getcwd
from typing import Any, Protocol

from .births import Births
from .found import Leak, code_place

NOTHING: Any = object()
_environ = os.environ
# What `signal.getsignal` is made around: it makes no enums, and costs a tenth.
_getsignal: Callable[[int], Any] = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGUSR1") if hasattr(signal, name)
]
_PYTESTS = ("PYTEST_CURRENT_TEST",)


def _variables() -> Any:
    """Without decoding, where that is possible. Asked each time: a host puts another dictionary there for a while."""
    return getattr(_environ, "_data", _environ)


class Aspect(Protocol):
    """One part of the state of a process."""

    def token(self) -> Any:
        """Something that is different after most changes."""

    def is_same(self, token: Any) -> bool:
        """Whether it still holds: asked after every test, so it makes and calls as little as it can."""

    def read(self) -> dict[Any, Any]:
        """All of it."""

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        """What has changed, and where what is there now was made; empty when it is nothing to speak of."""


class State:
    """All aspects, compared with the last time."""

    def __init__(self, apps: Births) -> None:
        aspects = (Environment(), Directory(), ImportPath(), Signals(), Logging(), Overrides(apps))
        self._watched = [Watched(aspect) for aspect in aspects]

    def differs(self) -> bool:
        """Whether any aspect may be different."""
        for watched in self._watched:  # noqa: SIM110 - after every test: a generator would cost as much as the looks
            if not watched.is_same(watched.token):
                return True
        return False

    def news(self) -> list[Leak]:
        """What has changed."""
        return [leak for watched in self._watched if not watched.is_same(watched.token) for leak in watched.news()]


class Watched:
    def __init__(self, aspect: Aspect) -> None:
        self._aspect = aspect
        self.is_same = aspect.is_same
        self._known = aspect.read()
        self.token = self._aspect.token()
        self._told: dict[Any, Any] = {}  # what was there before a change that was told

    def news(self) -> list[Leak]:
        before, self._known = self._known, self._aspect.read()
        self.token = self._aspect.token()
        leaks = []
        for key in [*self._known, *(key for key in before if key not in self._known)]:
            old, new = before.get(key, NOTHING), self._known.get(key, NOTHING)
            if _same(old, new) or self._is_put_back(key, old, new):
                continue
            what, where = self._aspect.described(key, old, new)
            if what:
                leaks.append(Leak("state", what, where, self._undone(key, old, new)))
        return leaks

    def _is_put_back(self, key: Any, old: Any, new: Any) -> bool:
        """A later test that cleans up after an earlier one leaves nothing."""
        if not _same(self._told.setdefault(key, old), new):
            return False
        del self._told[key]
        return True

    def _undone(self, key: Any, old: Any, new: Any) -> Callable[[], bool]:
        """Whether somebody has put it back meanwhile; then that is what later changes are measured by."""

        def gone() -> bool:
            now = self._aspect.read().get(key, NOTHING)
            if _same(now, new):
                return False
            if _same(now, old):
                self._told.pop(key, None)
                self._put(key, old)
            return True

        return gone

    def _put(self, key: Any, value: Any) -> None:
        if value is NOTHING:
            self._known.pop(key, None)
        else:
            self._known[key] = value
        self.token = None  # the next look is a close one


def _same(one: Any, other: Any) -> bool:
    """Texts, numbers and tuples of them are compared; anything else is asked for its identity only."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is tuple:
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) in (str, bytes, int, bool) and bool(one == other)


class Environment:
    """``os.environ``."""

    def token(self) -> Any:
        return dict(_variables())

    def is_same(self, token: Any) -> bool:
        return bool(_variables() == token)

    def read(self) -> dict[Any, Any]:
        return {name: value for name, value in _environ.items() if name not in _PYTESTS}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        how = "set" if before is NOTHING else "removed" if now is NOTHING else "changed"
        return f"environment: {key} {how}", ""


class Directory:
    """The working directory."""

    def token(self) -> Any:
        try:
            return getcwd()
        except OSError:
            return ""

    def is_same(self, token: Any) -> bool:
        try:
            return bool(getcwd() == token)
        except OSError:
            return bool(token == "")

    def read(self) -> dict[Any, Any]:
        return {"cwd": self.token()}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        return f"working directory: {now or 'one that is gone'} instead of {before}", ""


class ImportPath:
    """``sys.path``."""

    def token(self) -> Any:
        return list(sys.path)

    def is_same(self, token: Any) -> bool:
        return bool(sys.path == token)

    def read(self) -> dict[Any, Any]:
        return {str(entry): True for entry in sys.path}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        return f"sys.path: {key} {'added' if before is NOTHING else 'removed'}", ""


class Signals:
    """The handlers of the signals that end, hang up or wake a process."""

    def token(self) -> Any:
        return [_getsignal(number) for number in _SIGNALS]

    def is_same(self, token: Any) -> bool:
        return token is not None and all(map(is_, map(_getsignal, _SIGNALS), token))

    def read(self) -> dict[Any, Any]:
        return {signal.Signals(number).name: _getsignal(number) for number in _SIGNALS}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        names = {0: "the default", 1: "ignored", None: "a handler in C"}
        what = names.get(now, "") if now is None or isinstance(now, int) else f"handled by {code_place(now)}"
        return f"signal handler: {key} is {what}", "" if now is None or isinstance(now, int) else code_place(now)


class Logging:
    """Levels, handlers and switches of the loggers that exist; one that is new is nobody's configuration yet."""

    _look = staticmethod(attrgetter("level", "disabled", "propagate"))

    def __init__(self) -> None:
        self._loggers: list[logging.Logger] = []

    def token(self) -> Any:
        root, loggers = logging.root, self._loggers
        return (
            (root.manager.disable, root.level, len(root.manager.loggerDict)),
            _handlers(root),
            list(map(self._look, loggers)),
            [len(logger.handlers) for logger in loggers],
        )

    def is_same(self, token: Any) -> bool:
        root = logging.root
        if token is None or token[0] != (root.manager.disable, root.level, len(root.manager.loggerDict)):
            return False
        if token[1] != root.handlers and token[1] != _handlers(root):
            return False
        loggers = self._loggers
        looks = list(map(self._look, loggers)) == token[2]
        return bool(looks and [len(each.handlers) for each in loggers] == token[3])

    def read(self) -> dict[Any, Any]:
        manager = logging.root.manager
        self._loggers = [each for each in list(manager.loggerDict.values()) if type(each) is not logging.PlaceHolder]  # type: ignore[misc]
        found: dict[Any, Any] = {("", "disable"): manager.disable}
        for logger in (logging.root, *self._loggers):
            level, disabled, propagate = self._look(logger)
            for what, value in (("level", level), ("disabled", disabled), ("propagate", propagate)):
                found[logger.name, what] = value
            found[logger.name, "handlers"] = tuple(_handlers(logger))
        return found

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        if before is NOTHING or now is NOTHING:
            return "", ""
        name, what = key
        if not name:
            return f"logging: disabled up to level {now}", ""
        if what != "handlers":
            return f"logging: {what} of logger {name} is {now} instead of {before}", ""
        added = [handler for handler in now if all(handler is not old for old in before)]
        lost = [handler for handler in before if all(handler is not new for new in now)]
        parts = [
            f"{type(handler).__qualname__} {how}"
            for how, some in (("added", added), ("removed", lost))
            for handler in some
        ]
        return f"logging: handlers of logger {name}: {', '.join(parts) or 'in another order'}", ""


def _handlers(logger: logging.Logger) -> list[logging.Handler]:
    """Without those that pytest itself puts there for a stage of a test."""
    return [handler for handler in logger.handlers if type(handler).__module__ != "_pytest.logging"]


class Overrides:
    """``dependency_overrides`` of the FastAPI applications that were there before the test."""

    def __init__(self, apps: Births) -> None:
        self._apps = apps

    def token(self) -> Any:
        return [
            (id(app), *[id(part) for pair in _overrides(app).items() for part in pair]) for app in self._apps.living()
        ]

    def is_same(self, token: Any) -> bool:
        return bool(not self._apps.old and not token) or self.token() == token

    def read(self) -> dict[Any, Any]:
        return {(id(app), of): by for app in self._apps.living() for of, by in _overrides(app).items()}

    def described(self, key: Any, before: Any, now: Any) -> tuple[str, str]:
        if now is NOTHING and all(id(app) != key[0] for app in self._apps.living()):
            return "", ""  # with its application
        how = "removed" if now is NOTHING else "overridden" if before is NOTHING else "overridden in another way"
        return f"dependency_overrides: {code_place(key[1])} {how}", "" if now is NOTHING else code_place(now)


def _overrides(app: Any) -> dict[Any, Any]:
    overrides = getattr(app, "dependency_overrides", None)
    return overrides if isinstance(overrides, dict) else {}

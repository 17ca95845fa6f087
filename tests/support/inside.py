"""A pytest session that is none, for tests of the code inside pytest: settings, items, hooks that are remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.wire.facts import Wire
from async_test_run_inside.wire.settings import Settings

from async_test_runner.contract import settings as contract


def settings(directory: Path, worker: str = "", **asked: Any) -> Settings:
    """What the runner asks of a session whose files are in ``directory``; ``worker`` is its name under xdist."""
    common: dict[str, Any] = {
        "mode": "run",
        "runner": os.getppid(),
        "at_end": str(directory / "at-end"),
        "without": (),
        "testrun_uid": "run",
        "seed": 1,
        "output": 100_000,
        "leak_timeout": 5.0,
    }
    values = json.loads(contract.encoded(contract.Settings(**{**common, **asked})))
    return Settings(str(directory / "settings.json"), values, worker, os.getppid())


def said(directory: Path, name: str = "main") -> list[dict[str, Any]]:
    """The facts that a process of this name has told the runner, without their times and numbers."""
    lines = (directory / f"events.{name}.jsonl").read_bytes().splitlines()
    facts = [json.loads(line) for line in lines if line]
    return [{key: value for key, value in fact.items() if key not in ("at", "mono", "n")} for fact in facts]


def close(*wires: Wire) -> None:
    """What a process holds until it ends, and a test must not; a wire that was closed already is passed over."""
    for fd in {wire._fd for wire in wires}:
        try:
            os.close(fd)
        except OSError:
            continue


class Hook:
    """One hook, which nobody implements."""

    def __init__(self, hooks: Hooks, name: str) -> None:
        self._hooks = hooks
        self._name = name

    def __call__(self, **arguments: Any) -> None:
        self._hooks.calls.append((self._name, arguments))
        self._hooks.then(self._name, arguments)

    def get_hookimpls(self) -> list[Any]:
        """As pluggy's."""
        return []


class Hooks:
    """Hooks of pytest that only remember how they were called; ``then`` is called after each, with the same words."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.then: Any = lambda name, arguments: None

    def __getattr__(self, name: str) -> Hook:
        return Hook(self, name)

    def named(self, name: str) -> list[dict[str, Any]]:
        """The arguments of each call of one hook."""
        return [arguments for called, arguments in self.calls if called == name]


class Plugins:
    """A plugin manager with what a test registers."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def get_plugin(self, name: str) -> Any:
        return self.named.get(name)

    def get_plugins(self) -> list[Any]:
        return list(self.named.values())

    def has_plugin(self, name: str) -> bool:
        return name in self.named

    def register(self, plugin: object, name: str = "") -> None:
        self.named[name or str(id(plugin))] = plugin

    def unregister(self, plugin: object = None, name: str = "") -> None:
        self.named = {key: found for key, found in self.named.items() if key != name and found is not plugin}


class Config:
    """A configuration in which nothing is captured, measured or written."""

    def __init__(self, **options: Any) -> None:
        self.hook = Hooks()
        self.pluginmanager = Plugins()
        self.option = SimpleNamespace(**{"maxfail": 0, **options})
        self.stash = pytest.Stash()
        self.lines: list[tuple[str, str]] = []  # added to the project's settings
        self.rootpath = Path.cwd()

    def getini(self, name: str) -> Any:
        """Nothing is set."""
        return None

    def addinivalue_line(self, name: str, line: str) -> None:
        self.lines.append((name, line))


class RealConfig(Config):
    """The same with pytest's own plugin manager: hooks call those that implement them."""

    def __init__(self, *plugins: object, **options: Any) -> None:
        super().__init__(**options)
        self.pluginmanager: Any = pytest.PytestPluginManager()
        self.hook: Any = self.pluginmanager.hook
        for plugin in plugins:
            self.pluginmanager.register(plugin)


def through(wrapper: Generator[None, Any, Any], result: Any = None) -> Any:
    """What a hook that wraps others makes of their result."""
    next(wrapper)
    try:
        wrapper.send(result)
    except StopIteration as end:
        return end.value
    raise AssertionError("it has not come to its end")


class Item:
    """A test of this name; ``resources`` are the names that its marker holds."""

    def __init__(self, name: str, config: Config, resources: tuple[str, ...] = ()) -> None:
        self.name = name
        self._nodeid = f"test_a.py::{name}"
        self.location = ("test_a.py", 0, name)
        self.config = config
        self.ihook = config.hook
        self._fixtureinfo = SimpleNamespace(name2fixturedefs={})
        self._resources = resources

    @property
    def nodeid(self) -> str:
        """As pytest's nodes have it."""
        return self._nodeid

    def getparent(self, kind: type) -> None:
        """It is in no class."""

    def get_closest_marker(self, name: str) -> Any:
        return next(iter(self.iter_markers(name)), None)

    def iter_markers(self, name: str = "") -> list[Any]:
        """Those of one name, or all."""
        found = [SimpleNamespace(name="resources", args=self._resources)] if self._resources else []
        return [mark for mark in found if name in ("", mark.name)]


class Session:
    """A session with these items."""

    Failed = pytest.Session.Failed
    Interrupted = pytest.Session.Interrupted

    def __init__(self, *items: Item) -> None:
        self.config = items[0].config if items else Config()
        self.items = list(items)
        self.shouldfail: bool | str = False
        self.shouldstop: bool | str = False
        self.exitstatus = 0
        self.testsfailed = 0


def report(item: Item, when: str = "call", outcome: str = "passed", **facts: Any) -> pytest.TestReport:
    """pytest's report of one stage of an item."""
    values: dict[str, Any] = {"longrepr": None, "keywords": {}, "duration": 0.5, **facts}
    return pytest.TestReport(item.nodeid, item.location, when=when, outcome=outcome, **values)  # type: ignore[arg-type]

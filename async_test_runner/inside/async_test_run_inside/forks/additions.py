"""What tests leave in a session besides their reports: warnings, additions to its XML, and what plugins hand over.

In a worker it is told, in the session it is done as if the test had run there.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, assert_never

import pytest

from .frames import XmlAdded
from .knowing import home, knows_workers

_dumps = pickle.dumps  # as it is now: tests replace it
Tell = Callable[[XmlAdded], None]


# ----------------------------------------------------------------------------------------------------- in the worker


def relay_xml(config: pytest.Config, tell: Tell) -> None:
    """Have what fixtures add to pytest's XML told; the plugin itself is silent in a worker."""
    log: Any = _xml(config, "SilentLogXML")
    if log is not None:
        log.add_global_property = lambda name, value: tell(XmlAdded("suite property", "", str(name), str(value)))
        log.node_reporter = lambda report: _NodeRelay(str(getattr(report, "nodeid", report)), tell)


class _NodeRelay:
    """Stands for pytest's reporter of one test's element."""

    def __init__(self, nodeid: str, tell: Tell) -> None:
        self._nodeid = nodeid
        self._tell = tell

    def add_attribute(self, name: str, value: object) -> None:
        """As pytest's."""
        self._tell(XmlAdded("attribute", self._nodeid, str(name), str(value)))

    def add_property(self, name: str, value: object) -> None:
        """As pytest's."""
        self._tell(XmlAdded("property", self._nodeid, str(name), str(value)))


def warning(message: warnings.WarningMessage, when: str, nodeid: str, location: Any) -> dict[str, Any]:
    """The arguments of ``pytest_warning_recorded``, such that they can be pickled."""
    return {
        "message": _pickled(message.message),
        "text": str(message.message),
        "category": message.category.__name__,
        "filename": message.filename,
        "lineno": message.lineno,
        "when": when,
        "nodeid": nodeid,
        "location": location,
    }


def output(config: pytest.Config) -> dict[str, bytes]:
    """``config.workeroutput``, as plugins fill it in a worker of pytest-xdist; what cannot travel stays behind."""
    found = getattr(config, "workeroutput", {})
    pickled = {str(name): _pickled(value) for name, value in found.items()}
    return {name: data for name, data in pickled.items() if data is not None}


def _pickled(value: object) -> bytes | None:
    try:
        return _dumps(value)
    except Exception:  # noqa: BLE001 - whatever an object of a test does
        return None


# ---------------------------------------------------------------------------------------------------- in the session


class Additions:
    """Does in the session what its workers have told."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._log: Any = _xml(config, "LogXML")
        self._properties: set[tuple[str, str]] = set()
        listening = _listening(config)
        self._listeners = [found.plugin for found in listening]
        self._told = {home(found.function) for found in listening}

    def add_to_xml(self, added: XmlAdded) -> None:
        """What a fixture has added in a worker."""
        if self._log is None:
            return
        name, value = added.name, added.value
        match added.what:
            case "suite property":
                if (name, value) not in self._properties:  # a fixture of the session is set up in each worker
                    self._properties.add((name, value))
                    self._log.add_global_property(name, value)
            case "attribute":
                self._log.node_reporter(added.nodeid).add_attribute(name, value)
            case "property":
                self._log.node_reporter(added.nodeid).add_property(name, value)
            case _:
                assert_never(added.what)

    def warn(self, item: pytest.Item, data: dict[str, Any]) -> None:
        """A warning of a worker; ``item`` is the test that it ran then."""
        message = _unpickled(data["message"])
        if not isinstance(message, Warning):  # of a class that is known in the worker only
            message = type(data["category"], (Warning,), {})(data["text"])
        hook = (item.ihook if data["nodeid"] else self._config.hook).pytest_warning_recorded
        hook.call_historic(
            kwargs={
                "warning_message": warnings.WarningMessage(message, type(message), data["filename"], data["lineno"]),
                "when": data["when"],
                "nodeid": data["nodeid"],
                "location": data["location"],
            }
        )

    def has_told(self, hook: object) -> bool:
        """Whether whoever this function, or frame, belongs to hears of what its part in each worker has seen."""
        return home(hook) in self._told

    def worker_ended(self, workerinput: dict[str, Any], packed: dict[str, bytes] | None, error: str) -> None:
        """Tell plugins that know pytest-xdist; ``error`` is how the worker died, if it did."""
        if not self._listeners:
            return
        gateway = SimpleNamespace(id=workerinput["workerid"])
        node = SimpleNamespace(config=self._config, gateway=gateway, workerinput=workerinput)
        if packed is not None:  # it came to its end
            node.workeroutput = {name: _unpickled(data) for name, data in packed.items()}
        others = [plugin for plugin in self._config.pluginmanager.get_plugins() if plugin not in self._listeners]
        self._config.pluginmanager.subset_hook_caller("pytest_testnodedown", others)(node=node, error=error or None)


def _listening(config: pytest.Config) -> list[Any]:
    """Hooks that hear of a worker's end, and whose package, or file, has a part that runs at that end.

    Others count on what xdist does at a worker's start: pytest-cov and pytest-metadata would break.
    """
    ends = _implementations(config, "pytest_sessionfinish")
    speaking = {home(end.function) for end in ends if knows_workers(end.function)}
    return [found for found in _implementations(config, "pytest_testnodedown") if home(found.function) in speaking]


def _implementations(config: pytest.Config, name: str) -> list[Any]:
    caller = getattr(config.hook, name, None)
    return list(caller.get_hookimpls()) if caller is not None else []


def _unpickled(data: bytes | None) -> Any:
    try:
        return None if data is None else pickle.loads(data)  # noqa: S301 - of a fork of us
    except Exception:  # noqa: BLE001 - an object of a module that was imported in the worker only
        return None


def _xml(config: pytest.Config, kind: str) -> Any:
    """pytest's plugin for its XML; it is named by nothing public."""
    return next((plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ == kind), None)

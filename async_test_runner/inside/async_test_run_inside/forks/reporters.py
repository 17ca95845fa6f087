"""Who hears what in a forked worker: reporters hear it once, in the session.

A worker is no session of its own: the plugins in it were configured, and started, in the process that has collected.
One that writes a report, or ends what it has started for the session, would do so as often as there are workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ..collection.keeping import kept
from ..session.guarding import Guard, begin_of
from ..wire import messages
from ..wire.facts import Wire, plain
from ..wire.settings import Settings
from .knowing import knows_workers

_HEARD_ONCE = (
    "pytest_runtest_logstart",
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_warning_recorded",
)
_HEARING = (*_HEARD_ONCE, "pytest_runtest_makereport", "pytest_terminal_summary")
_OWN = ("_pytest.", "async_test_run_inside.")


def leave_to_the_session(config: pytest.Config) -> None:
    """In a worker: hooks that report are for pytest itself and for us, who pass on what they are told.

    A plugin whose ``pytest_sessionfinish`` asks whether it is in a worker hears all of it there too, as under
    pytest-xdist: what it judges at its end, it has to know.
    """
    knowing = knowing_plugins(config)
    for name in (*_HEARD_ONCE, "pytest_sessionfinish"):
        _keep(config, name, lambda hook: id(hook.plugin) in knowing)


def knowing_plugins(config: pytest.Config) -> set[int]:
    """Plugins, by identity, that know at their end whether they are in a worker."""
    ends = config.hook.pytest_sessionfinish.get_hookimpls()
    return {id(end.plugin) for end in ends if not _is_own(end.function) and knows_workers(end.function)}


class CollectsOnly:
    """The plugin of a process that has collected: at its end nobody judges tests of which it has run none."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._wire = wire
        self._is_host = settings.asked["host"]
        self._guard = Guard(os.getcwd(), begin_of(settings.run_directory))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """A host forks sessions, and they judge: it leaves that to them when there will be no more."""
        is_over = False
        try:
            result = yield
            is_over = True
            return result
        finally:
            if not (is_over and self._is_host):
                leave_to_the_sessions(session.config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, Any, Any]:
        """Who has begun something in this process ends it here, and might judge as well."""
        result = None
        with self._guard.on(True):
            result = yield
        if self._guard.refused:
            text = f"{self._guard.refused}: it is refused in the process that has collected, where no test has run"
            self._wire.send(messages.notice(plain(text)))
        return result


def hold_back(config: pytest.Config) -> list[Any]:
    """In the host: which tests are selected, its sessions know. Plugins hear ``pytest_collection_finish`` there."""
    caller: Any = config.hook.pytest_collection_finish
    remove = getattr(caller, "_remove_plugin", None)
    if remove is None or not hasattr(caller, "_add_hookimpl"):  # private; without it they hear it here, of all tests
        return []
    held = [hook for hook in caller.get_hookimpls() if not _is_own(hook.function)]
    for hook in held:
        remove(hook.plugin)
    return held


def tell_selection(session: pytest.Session, held: list[Any]) -> None:
    """In a forked session: what was held back is heard now, of the tests of this session."""
    if not held:
        return
    config = session.config
    caller: Any = config.hook.pytest_collection_finish
    for hook in held:
        caller._add_hookimpl(hook)
    own = [hook.plugin for hook in caller.get_hookimpls() if _is_own(hook.function)]
    config.pluginmanager.subset_hook_caller("pytest_collection_finish", own)(session=session)


def leave_to_the_host(config: pytest.Config) -> None:
    """In a forked session: what a plugin has begun in ``pytest_sessionstart`` is ended by the process that began it.

    Not so for reporters, and for what has collected while tests ran: what they know of this session they write now.
    """
    _keep(config, "pytest_sessionfinish", lambda end: not _ends_what_it_began(end.plugin))


def leave_to_the_sessions(config: pytest.Config) -> None:
    """In the host, at its end: it has run no test, and a report of that would replace those of its sessions."""
    _keep(config, "pytest_sessionfinish", lambda end: _ends_what_it_began(end.plugin))
    _keep(config, "pytest_terminal_summary", lambda _: False)


def _keep(config: pytest.Config, name: str, is_kept: Callable[[Any], bool]) -> None:
    """Have a hook called for pytest itself, for us, and for those that ``is_kept`` says."""
    caller = getattr(config.hook, name)
    remove = getattr(caller, "_remove_plugin", None)  # private; without it things are as under pytest-xdist
    if remove is None:
        return
    for implementation in caller.get_hookimpls():
        if not _is_own(implementation.function) and not is_kept(implementation):
            remove(implementation.plugin)


def _ends_what_it_began(plugin: object) -> bool:
    if not hasattr(plugin, "pytest_sessionstart") or any(hasattr(plugin, name) for name in _HEARING):
        return False
    return all(found.end != "pytest_sessionfinish" for found in kept(plugin))


def _is_own(function: Callable[..., object]) -> bool:
    return str(getattr(function, "__module__", "")).startswith(_OWN)

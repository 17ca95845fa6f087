"""Who hears what in a forked worker: reporters hear it once, in the session.

A worker is no session of its own: the plugins in it were configured, and started, in the process that has collected.
One that writes a report, or ends what it has started for the session, would do so as often as there are workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_HEARD_ONCE = (
    "pytest_runtest_logstart",
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_warning_recorded",
)
_HEARING = (*_HEARD_ONCE, "pytest_runtest_makereport", "pytest_terminal_summary")
_OWN = ("_pytest.", "async_test_run_inside.")
_WORDS_OF_WORKERS = frozenset({"workerinput", "workeroutput", "is_xdist_worker", "PYTEST_XDIST_WORKER"})


def leave_to_the_session(config: pytest.Config) -> None:
    """In a worker: hooks that report are for pytest itself and for us, who pass on what they are told.

    A ``pytest_sessionfinish`` that asks whether it is in a worker is called there too, as under pytest-xdist.
    """
    for name in _HEARD_ONCE:
        _keep(config, name, lambda _: False)
    _keep(config, "pytest_sessionfinish", lambda end: knows_workers(end.function))


def leave_to_the_host(config: pytest.Config) -> None:
    """In a forked session: what a plugin has begun in ``pytest_sessionstart`` is ended by the process that began it.

    Not so for reporters: what they have heard of this session they must write now.
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
    return hasattr(plugin, "pytest_sessionstart") and not any(hasattr(plugin, name) for name in _HEARING)


def _is_own(function: Callable[..., object]) -> bool:
    return str(getattr(function, "__module__", "")).startswith(_OWN)


def knows_workers(function: Callable[..., object]) -> bool:
    """Whether its code names what tells a worker from a session."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    return not _WORDS_OF_WORKERS.isdisjoint([*code.co_names, *(c for c in code.co_consts if isinstance(c, str))])

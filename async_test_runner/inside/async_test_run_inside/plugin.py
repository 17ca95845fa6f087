"""PYTEST_DONT_REWRITE: the plugin that ``-p`` loads. Without settings in the environment it does nothing at all."""

from __future__ import annotations

import signal

import pytest

from .wire.contract import Asked
from .wire.lifeline import tie_to_parent
from .wire.settings import take_from_environment

_settings = take_from_environment()


def asked() -> Asked | None:
    """What the runner asks of this process: for plugins that want to know whose run they are in."""
    return _settings.asked if _settings is not None else None


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The earliest hook there is: from here on, the role's hooks are part of this session."""
    if _settings is None:
        return
    tie_to_parent(_settings.parent)
    _restore_sigint()
    if _settings.asked["without"]:
        from .collection.leaving_out import LeavingOut

        pluginmanager.register(LeavingOut(_settings.asked["without"]), "async-test-run-leaving-out")
    if _settings.asked["mode"] == "collect":
        from .collection.collecting import Collecting

        collecting = Collecting(_settings)
        pluginmanager.register(collecting, "async-test-run-collecting")
        if _settings.asked["host"]:
            from .forks.host import Hosting

            pluginmanager.register(Hosting(_settings, collecting.wire), "async-test-run-hosting")
    else:
        from .session.running import Running

        pluginmanager.register(Running(_settings), "async-test-run-running")


def _restore_sigint() -> None:
    # A shell's `&` starts its children with SIGINT ignored; pytest could then not be interrupted by anybody.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

"""PYTEST_DONT_REWRITE: the plugin that ``-p`` loads. Without settings in the environment it does nothing at all."""

from __future__ import annotations

import signal

import pytest

from .early import import_what_is_needed, standard_library
from .wire.contract import Asked
from .wire.lifeline import tie_to_parent
from .wire.settings import Settings, take_from_environment

_settings = take_from_environment()


def asked() -> Asked | None:
    """What the runner asks of this process: for plugins that want to know whose run they are in."""
    return _settings.asked if _settings is not None else None


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The earliest hook there is: from here on, the role's hooks are part of this session."""
    if _settings is None:
        return
    import_what_is_needed()
    tie_to_parent(_settings.parent)
    _restore_sigint()
    with standard_library():
        _take_part(pluginmanager, _settings)


def _take_part(pluginmanager: pytest.PytestPluginManager, settings: Settings) -> None:
    without, only = settings.asked["without"], settings.asked["files"]
    if without or only:
        from .collection.leaving_out import LeavingOut

        pluginmanager.register(LeavingOut(without, only), "async-test-run-leaving-out")
    from .collection.drawing import Drawing

    pluginmanager.register(Drawing(settings.asked["seed"]), "async-test-run-drawing")
    if settings.asked["mode"] == "collect":
        from .collection.collecting import Collecting

        collecting = Collecting(settings)
        pluginmanager.register(collecting, "async-test-run-collecting")
        from .forks.reporters import CollectsOnly

        pluginmanager.register(CollectsOnly(settings, collecting.wire), "async-test-run-collects-only")
        if settings.asked["host"]:
            from .forks.host import Hosting

            pluginmanager.register(Hosting(settings, collecting.wire), "async-test-run-hosting")
    else:
        from .session.running import Running

        pluginmanager.register(Running(settings), "async-test-run-running")


def _restore_sigint() -> None:
    # A shell's `&` starts its children with SIGINT ignored; pytest could then not be interrupted by anybody.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

"""What tests add to pytest's XML for the whole suite: the runner is told, whose merged XML is to have it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_KINDS = ("LogXML", "SilentLogXML")  # pytest's plugin, and the same where a fork has silenced it


def listen(config: pytest.Config, tell: Callable[[str, str], None]) -> None:
    """Have ``tell`` called with each property; the plugin is named by nothing public, and there may be none."""
    log: Any = next((plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ in _KINDS), None)
    add = getattr(log, "add_global_property", None)
    if add is None:
        return

    def told(name: str, value: object) -> None:
        add(name, value)
        tell(str(name), str(value))

    log.add_global_property = told

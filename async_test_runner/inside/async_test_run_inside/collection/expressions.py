"""Marker and keyword expressions, evaluated by pytest itself.

pytest's matchers are private and have changed between versions. Its ``mark`` plugin is not: it deselects through the
public hook ``pytest_collection_modifyitems``, from the options ``-m`` and ``-k``. So each expression is given to that
hook as if it stood on a command line, with the reporting of deselected items switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def evaluate(
    config: pytest.Config, items: Sequence[pytest.Item], kind: str, text: str, muted: Callable[[bool], None]
) -> set[int]:
    """Positions of the items for which the expression is true. ``pytest.UsageError`` for one that pytest refuses.

    ``muted`` is told when the hook is about to report deselected items that are none.
    """
    option = config.option
    saved = (option.markexpr, option.keyword)
    option.markexpr, option.keyword = (text, "") if kind == "markers" else ("", text)
    remaining = list(items)
    muted(True)
    try:
        _mark_plugin(config).pytest_collection_modifyitems(items=remaining, config=config)
    finally:
        option.markexpr, option.keyword = saved
        muted(False)
    kept = {id(item) for item in remaining}
    return {position for position, item in enumerate(items) if id(item) in kept}


def _mark_plugin(config: pytest.Config) -> Any:
    plugin = config.pluginmanager.get_plugin("mark")
    if plugin is None or not hasattr(plugin, "pytest_collection_modifyitems"):
        raise pytest.UsageError(
            f"async-test-run does not know how pytest {pytest.__version__} evaluates -m and -k; report this version"
        )
    return plugin

"""Whether anything of this pytest would await a coroutine test.

Pytest itself fails such a test, and before 8.4 it skips it. Plugins that run coroutines do so in ``pytest_pyfunc_call``
or with items of their own. What an unknown plugin does with a coroutine is its own affair: it counts as running it.
"""

from __future__ import annotations

import functools
import sys

import pytest

_PYTEST, _ASYNCIO, _ANYIO, _TRIO = "_pytest", "pytest_asyncio", "anyio", "pytest_trio"


class Awaiting:
    """Asked once for each coroutine test. Plugins are looked at for the first of them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @functools.cached_property
    def _modules(self) -> set[str]:
        return _calling(self._config) | ({_TRIO} if _has_trio(self._config) else set())

    def nobody(self, item: pytest.Item) -> bool:
        """Whether this coroutine test would never be awaited. Methods of ``unittest`` have their own way."""
        if type(item) is not pytest.Function or _is_of_unittest(item):
            return False
        if _ANYIO in self._modules and "anyio_backend" in item.fixturenames:
            return False
        marks = {mark.name for mark in item.iter_markers()}
        if (_ASYNCIO in self._modules and "asyncio" in marks) or (_TRIO in self._modules and "trio" in marks):
            return False
        return self._modules <= {_PYTEST, _ASYNCIO, _ANYIO, _TRIO}


def _calling(config: pytest.Config) -> set[str]:
    """The packages whose hooks call test functions."""
    hooks = config.hook.pytest_pyfunc_call.get_hookimpls()
    return {str(hook.function.__module__).partition(".")[0] for hook in hooks}


def _has_trio(config: pytest.Config) -> bool:
    """Whether pytest-trio is loaded, by itself or by ``-p``. It turns the function of an item into an ordinary one."""
    names = [str(name) for name, plugin in config.pluginmanager.list_name_plugin() if plugin is not None]
    return any(name == "trio" or name.startswith(_TRIO) for name in names)


def _is_of_unittest(item: pytest.Function) -> bool:
    unittest = sys.modules.get("unittest")
    return unittest is not None and isinstance(item.cls, type) and issubclass(item.cls, unittest.TestCase)

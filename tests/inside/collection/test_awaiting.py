"""Which coroutine tests nothing would await, under the plugins that a session of pytest has."""

from __future__ import annotations

import pytest
from async_test_run_inside.collection.awaiting import Awaiting

pytest_plugins = ["pytester"]

SOURCE = """
    import unittest
    import pytest

    async def test_bare(): pass

    @pytest.mark.asyncio
    async def test_asyncio(): pass

    @pytest.mark.anyio
    async def test_anyio(): pass

    @pytest.mark.trio
    async def test_trio(): pass

    class Test(unittest.IsolatedAsyncioTestCase):
        async def test_method(self): pass
"""
OWN = """
    def pytest_pyfunc_call(pyfuncitem):
        '''Runs coroutines in a way of its own.'''
"""
NO_ASYNCIO, NO_ANYIO, NO_TRIO = ("-p", "no:asyncio"), ("-p", "no:anyio"), ("-p", "no:trio")
NEITHER = (*NO_ASYNCIO, *NO_ANYIO, *NO_TRIO)


class Asking:
    """A plugin that asks of every item once all are there."""

    def __init__(self) -> None:
        self.nobody: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        awaiting = Awaiting(session.config)
        self.nobody = [item.name.removeprefix("test_") for item in session.items if awaiting.nobody(item)]


def nobody_awaits(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers =\n  asyncio\n  anyio\n  trio\n")
    pytester.makepyfile(SOURCE)
    asking = Asking()
    pytester.inline_run("--collect-only", *arguments, plugins=[asking])
    return asking.nobody


@pytest.mark.parametrize(
    ("arguments", "nobody"),
    [
        (NEITHER, ["bare", "asyncio", "anyio", "trio"]),
        ((*NO_ANYIO, *NO_TRIO), ["bare", "anyio", "trio"]),
        ((*NO_ANYIO, *NO_TRIO, "--asyncio-mode=auto"), []),
        ((*NO_ASYNCIO, *NO_TRIO), ["bare", "asyncio", "trio"]),
    ],
    ids=["none", "pytest-asyncio", "pytest-asyncio, auto", "anyio"],
)
def test_a_plugin_awaits_the_coroutines_that_are_meant_for_it(
    pytester: pytest.Pytester, arguments: tuple[str, ...], nobody: list[str]
) -> None:
    assert nobody_awaits(pytester, *arguments) == nobody


@pytest.mark.parametrize("name", ["trio", "pytest_trio.plugin"])
def test_the_tests_of_pytest_trio_are_its_own(name: str, pytester: pytest.Pytester) -> None:
    """It has no hook that calls functions: it is known by its name, which depends on how it was loaded."""
    pytester.makeconftest(
        f"def pytest_configure(config): config.pluginmanager.register(type('Trio', (), {{}})(), {name!r})"
    )
    assert nobody_awaits(pytester, *NO_ASYNCIO, *NO_ANYIO) == ["bare", "asyncio", "anyio"]


def test_a_plugin_that_nobody_knows_counts_as_awaiting_all(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN)
    assert nobody_awaits(pytester, *NEITHER) == []

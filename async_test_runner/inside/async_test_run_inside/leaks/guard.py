"""What pytest's hooks have to do with leaks: when a test begins and ends, and which fixtures live longer than it."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import Any

import pytest

from .found import Leak
from .threads import holding
from .watch import Watch, explained, noticed_by_warning


class LeakGuard(Watch):
    """The watch of a session that runs tests, and a plugin of that session where anything is watched."""

    def __init__(
        self, directory: str, policies: dict[str, str], runner: int, *, alone: bool, clean: bool = False
    ) -> None:
        """``runner`` is the process that started this one; ``alone`` says that no other one runs tests beside it.

        ``clean``: a process that is not clean any more ends, with the fixtures of wider scopes.
        """
        super().__init__(policies, directory, runner, alone=alone, clean=clean)
        self._found: list[Leak] = []
        self._nodeid = ""
        self._is_cut_short = False

    def learn_fixtures(self, items: list[pytest.Item]) -> None:
        """Look at the fixtures of all tests once, in the process that workers are forked from."""
        if not self.on:
            return
        for info in (getattr(item, "_fixtureinfo", None) for item in items):
            for definitions in info.name2fixturedefs.values() if info is not None else ():
                for definition in definitions:
                    self.learn_fixture(definition.argname, definition.func)

    def begin(self, id: str, nodeid: str) -> None:
        """A test is about to be set up."""
        self._nodeid = nodeid
        self._is_cut_short = False
        super().begin(id, nodeid)

    def cut_short(self) -> None:
        """The current test is failed where it is: the tasks that it had then are no leak, nobody could end them."""
        self._is_cut_short = True

    def found(self) -> list[Leak]:
        """What the test left, once."""
        found, self._found = self._found, []
        return found

    def holding(self) -> list[str]:
        """What will keep this process from ending."""
        return holding()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """When its fixtures are torn down nothing is left of the test, or it is a leak.

        The last test of its process takes the fixtures of wider scopes along, also where others were to follow.
        """
        __tracebackhide__ = True
        try:
            result = yield
        except Exception as error:
            self.soil(f"its teardown raised {type(error).__name__}")
            raise
        finally:
            self._found = [leak for leak in self.end() if not (self._is_cut_short and leak.kind == "tasks")]
            if self.dirt and nextitem is not None:
                _tear_down_all(item)
        forbidden = self.forbidden(self._found) if self._found else []
        if forbidden:
            pytest.fail(explained(forbidden), pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """What a fixture of a wider scope makes is not the test's that happened to be the first to need it."""
        __tracebackhide__ = True
        self.fixture_begins(fixturedef.argname, fixturedef.func)
        if fixturedef.scope == "function":
            return (yield)
        self.before_fixture()
        try:
            return (yield)
        finally:
            self.after_fixture(fixturedef)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """It is torn down."""
        self.fixture_over(fixturedef)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """pytest tells the warnings of a test when all of it is over."""
        leak = noticed_by_warning(warning_message.category, str(warning_message.message))
        if leak is not None and nodeid == self._nodeid:
            self.note(self._id, leak)


def _tear_down_all(item: pytest.Item) -> None:
    """As pytest's own runner does after the last test. Where it has no such hook, the end of the session does it."""
    hook = getattr(item.config.pluginmanager.get_plugin("runner"), "pytest_runtest_teardown", None)
    if hook is not None:
        hook(item, None)

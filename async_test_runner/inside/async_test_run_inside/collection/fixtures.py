"""Fixtures of pytest-xdist and of pytest that mean something else in a run.

Those that tell workers apart are there whether pytest-xdist is installed or not: its own know only processes that it
has started. Those that add to pytest's XML tell the runner as well, whose merged XML is to have it too.

This module is a plugin of its own, registered after all others, so that its fixtures come before theirs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Protocol

import pytest

from ..wire.settings import Settings

NAME = "async-test-run-fixtures"
_UID = pytest.StashKey[str]()
_Add = Callable[[str, object], None]


class Recorder(Protocol):
    """Who tells the runner what tests add to the XML."""

    def suite_property(self, name: str, value: str) -> None:
        """A test has added it to the whole suite."""

    def attribute(self, nodeid: str, name: str, value: str) -> None:
        """A test has added it to its own element."""


_RECORDER = pytest.StashKey[Recorder]()


@pytest.fixture(scope="session")
def worker_id(pytestconfig: pytest.Config) -> str:
    """``gw0``, ``gw1``, … in processes that run at the same time; ``master`` in one that runs alone."""
    worker = getattr(pytestconfig, "workerinput", {}).get("workerid")
    return str(worker or os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(scope="session")
def testrun_uid(pytestconfig: pytest.Config) -> str:
    """The same in all processes of one run."""
    return pytestconfig.stash[_UID]


@pytest.fixture
def record_xml_attribute(record_xml_attribute: _Add, request: pytest.FixtureRequest) -> _Add:
    """pytest's own, of which the runner hears; in a worker of pytest-xdist too, where pytest's does nothing."""

    def add(name: str, value: object) -> None:
        __tracebackhide__ = True
        record_xml_attribute(name, value)
        request.config.stash[_RECORDER].attribute(request.node.nodeid, str(name), str(value))

    return add


@pytest.fixture(scope="session")
def record_testsuite_property(record_testsuite_property: _Add, pytestconfig: pytest.Config) -> _Add:
    """The same for the whole suite."""

    def add(name: str, value: object) -> None:
        __tracebackhide__ = True
        record_testsuite_property(name, value)  # it refuses names that are no text
        pytestconfig.stash[_RECORDER].suite_property(name, str(value))

    return add


def tell(config: pytest.Config, recorder: Recorder) -> None:
    """From now on it is this one who tells the runner: a fork has another one than the process before it."""
    config.stash[_RECORDER] = recorder


def register(config: pytest.Config, settings: Settings) -> None:
    """Once for a process and its forks."""
    if not config.pluginmanager.has_plugin(NAME):
        config.stash[_UID] = settings.asked["testrun_uid"]
        config.pluginmanager.register(sys.modules[__name__], NAME)

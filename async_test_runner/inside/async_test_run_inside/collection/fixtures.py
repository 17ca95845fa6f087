"""Fixtures of pytest-xdist that projects use to tell workers apart, whether it is installed or not.

This module is a plugin of its own, registered after all others: the fixtures of pytest-xdist know only processes that
it has started.
"""

from __future__ import annotations

import os
import sys

import pytest

from ..wire.settings import Settings

NAME = "async-test-run-fixtures"
_UID = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def worker_id(pytestconfig: pytest.Config) -> str:
    """``gw0``, ``gw1``, … in processes that run at the same time; ``master`` in one that runs alone."""
    worker = getattr(pytestconfig, "workerinput", {}).get("workerid")
    return str(worker or os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(scope="session")
def testrun_uid(pytestconfig: pytest.Config) -> str:
    """The same in all processes of one run."""
    return pytestconfig.stash[_UID]


def register(config: pytest.Config, settings: Settings) -> None:
    """Once for a process and its forks."""
    if not config.pluginmanager.has_plugin(NAME):
        config.stash[_UID] = settings.asked["testrun_uid"]
        config.pluginmanager.register(sys.modules[__name__], NAME)

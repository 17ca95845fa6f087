"""What every test may use: a project directory that the real runner is started in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import Project

from async_test_runner.launchers import pytest_process

sys.path.insert(0, str(pytest_process.INSIDE))  # as PYTHONPATH does for the processes that run tests


@pytest.fixture(params=["exec", "warm"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """An empty project, whose tests run in fresh processes and in forks."""
    return Project(tmp_path, request.param)


@pytest.fixture
def exec_project(tmp_path: Path) -> Project:
    """An empty project, for what only fresh processes do: collecting again, xdist."""
    return Project(tmp_path, "exec")

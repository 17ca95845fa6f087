"""What every test may use: a project directory that the real runner is started in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import Project

from async_test_runner.launchers import pytest_process

sys.path.insert(0, str(pytest_process.INSIDE))  # as PYTHONPATH does for the processes that run tests


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)

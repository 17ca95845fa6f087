"""What every test may use: a project directory that the real runner is started in."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from async_test_runner.launchers import pytest_process
from tests.support.fork_server import ForkServer
from tests.support.projects import Project, surroundings

sys.path.insert(0, str(pytest_process.INSIDE))  # as PYTHONPATH does for the processes that run tests

# Hypothesis makes the same examples everywhere, and no busy machine fails a test: the first example of a process
# imports what the others find. A release asks for new examples.
examples.register_profile("new", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("fixed", examples.get_profile("new"), derandomize=True)
examples.load_profile(os.environ.get("EXAMPLES", "fixed"))

# What CI systems set: pytest, rich and the runner itself print otherwise where they see it.
_OF_CI_SYSTEMS = ("CI", "BUILD_", "GITHUB_", "GITLAB_", "TF_BUILD", "TEAMCITY_", "JENKINS_", "BUILDKITE")


# A shell that starts a job in the background, or nohup, has some signals ignored, and so would all that tests start.
_SIGNALS = [getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM") if hasattr(signal, name)]


@pytest.fixture(scope="session", autouse=True)
def nowhere_in_particular() -> Iterator[None]:
    """Tests, and what they start, see the same environment on a desk as in a CI job."""
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_OF_CI_SYSTEMS)]:
            patch.delenv(name)
        for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS"):
            patch.delenv(name, raising=False)
        yield


# Most tests need one launcher: what they look at is decided outside of the processes that run tests. Those that look
# at these processes are marked `both_launchers`. A release runs all tests under both.
_LAUNCHERS = ("exec", "warm") if os.environ.get("BOTH_LAUNCHERS") else None


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """Starts the runners of a session's tests."""
    server = ForkServer(surroundings())
    yield server
    server.close()


@pytest.fixture(params=_LAUNCHERS)
def project(request: pytest.FixtureRequest, tmp_path: Path, server: ForkServer) -> Project:
    """An empty project; its launcher is the one that users get, unless the test is marked ``both_launchers``."""
    return Project(tmp_path, getattr(request, "param", "auto"), server)


@pytest.fixture
def exec_project(tmp_path: Path, server: ForkServer) -> Project:
    """An empty project, for what only fresh processes do: collecting again, xdist."""
    return Project(tmp_path, "exec", server)

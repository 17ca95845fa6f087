"""What the runner asks of this process, and the removal of every trace of it from the environment.

Tests start pytest themselves (plugins' own suites do). So the variables that brought us here are taken out of
``os.environ`` before any test code runs: no process that a test starts is touched by the runner.
"""

from __future__ import annotations

import json
import os

from ..hangs.files import opened
from .contract import Asked

SETTINGS = "ASYNC_TEST_RUN_SETTINGS"  # path of the JSON file with what is asked
PYTHONPATH = "ASYNC_TEST_RUN_PYTHONPATH"  # PYTHONPATH as the user had it; not set when there was none
HASHSEED = "ASYNC_TEST_RUN_HASHSEED"  # PYTHONHASHSEED as the user had it, empty for none; not set where it is theirs
WORKER = "ASYNC_TEST_RUN_WORKER"  # set by the controller of xdist for its workers: its process id


class Settings:
    """The settings file's content, and whether this process is a worker of pytest-xdist."""

    def __init__(self, path: str, asked: Asked, worker: str, parent: int, hash_seed: str = "") -> None:
        """``hash_seed``: with which this process was started by the runner, for its own children of the same kind."""
        self.path = path
        self.hash_seed = hash_seed
        self.asked = asked
        self.worker = worker
        self._parent = parent

    @property
    def directory(self) -> str:
        """The directory of this pytest session's files."""
        return os.path.dirname(self.path)

    @property
    def run_directory(self) -> str:
        """The directory of all files of the run."""
        return os.path.dirname(self.asked["at_end"])

    @property
    def parent(self) -> int:
        """The process that started this one: the runner, or for a worker the controller that it was told of."""
        return self._parent

    def export(self) -> None:
        """Put the variables back, for the workers that xdist is about to start."""
        os.environ[SETTINGS] = self.path
        os.environ[WORKER] = str(os.getpid())
        if self.hash_seed:
            os.environ[HASHSEED] = os.environ.get("PYTHONHASHSEED", "")
            os.environ["PYTHONHASHSEED"] = self.hash_seed

    def withdraw(self) -> None:
        """Take the variables out again."""
        os.environ.pop(SETTINGS, None)
        os.environ.pop(WORKER, None)
        if self.hash_seed:
            _restore("PYTHONHASHSEED", os.environ.pop(HASHSEED, "") or None)


def take_from_environment() -> Settings | None:
    """The settings of this process, once; None where nobody asked for anything."""
    path = os.environ.pop(SETTINGS, None)
    if path is None:
        return None
    pythonpath = os.environ.pop(PYTHONPATH, None)
    hash_seed = _hash_seed()
    controller = os.environ.pop(WORKER, None)
    if controller is not None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    else:
        worker = ""  # the variable of xdist alone says nothing: the runner sets it for processes that are no workers
        _restore("PYTHONPATH", pythonpath)
    return load(path, worker, int(controller or 0), hash_seed)


def load(path: str, worker: str = "", controller: int = 0, hash_seed: str = "") -> Settings:
    """The settings in a file; ``controller`` is the process that started this one, if it was not the runner."""
    with open(path, encoding="utf-8", opener=opened) as file:
        asked: Asked = json.load(file)
    return Settings(path, asked, worker, controller or asked["runner"], hash_seed)


def _hash_seed() -> str:
    """The seed that the runner has given this process, taken out of the environment; empty where it is the user's."""
    theirs = os.environ.pop(HASHSEED, None)
    if theirs is None:
        return ""
    ours = os.environ.get("PYTHONHASHSEED", "")
    _restore("PYTHONHASHSEED", theirs or None)
    return ours


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value

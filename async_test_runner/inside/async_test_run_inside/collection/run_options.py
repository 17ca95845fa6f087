"""Options of pytest that hold for a run, in a process that is one of many: none may undo what another one has done."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from typing import Any

import pytest

from ..hangs.files import opened
from ..wire.settings import Settings
from .configuration import ini

_BASE = pytest.StashKey[str]()  # what --basetemp names; there once this process has been seen to


def share(config: pytest.Config, settings: Settings, *, clear: bool = False) -> None:
    """Before any other plugin is configured. With ``clear`` the run begins: what the options clear is cleared.

    A fork of a process has been configured with it.
    """
    if _BASE in config.stash:
        return
    config.stash[_BASE] = ""
    if not clear:
        _clear_no_memory(config)
    _judge_no_warnings(config)
    _append_to_log(config, settings.run_directory)
    _take_own_basetemp(config, settings, clear=clear)


def _clear_no_memory(config: pytest.Config) -> None:
    """``--cache-clear`` would take what the processes before have put there."""
    if getattr(config.option, "cacheclear", False):
        config.option.cacheclear = False


def _judge_no_warnings(config: pytest.Config) -> None:
    """The runner counts the warnings of all processes."""
    if hasattr(config.option, "max_warnings"):
        config.option.max_warnings = sys.maxsize


def _append_to_log(config: pytest.Config, run_directory: str) -> None:
    """The first process of the run that has this log file begins it, as its mode says; the others append."""
    path = getattr(config.option, "log_file", None) or ini(config, "log_file", None)
    if path and not _is_first(run_directory, os.path.abspath(str(path))):
        config.option.log_file_mode = "a"


def _is_first(run_directory: str, path: str) -> bool:
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    try:
        os.close(opened(os.path.join(run_directory, f"log-file-{name}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError:  # it is there; or a test has deleted the run directory
        return False
    return True


def _take_own_basetemp(config: pytest.Config, settings: Settings, *, clear: bool) -> None:
    """pytest empties the directory when it first needs it: each process has one of its own below what is named."""
    named = getattr(config.option, "basetemp", None)
    if not named or settings.worker:  # the controller of xdist has given its worker one
        return
    base = os.path.abspath(str(named))
    config.stash[_BASE] = base
    if clear and not _holds(base, settings.run_directory) and not os.path.islink(base):
        shutil.rmtree(base, ignore_errors=True)
    config.option.basetemp = _below(base, settings)


def _holds(base: str, run_directory: str) -> bool:
    base, run_directory = os.path.realpath(base), os.path.realpath(run_directory)
    try:
        return os.path.commonpath([base, run_directory]) == base
    except ValueError:  # on different drives
        return False


def _below(base: str, settings: Settings) -> str:
    """``BASE/PHASE-NUMBER``; pytest makes only the last part of it."""
    try:
        os.makedirs(base, mode=0o700, exist_ok=True)
    except OSError:  # pytest says so, to the test that needs it
        pass
    return os.path.join(base, _name(settings))


def _name(settings: Settings) -> str:
    path = os.path.relpath(settings.directory, settings.run_directory).removeprefix(f"processes{os.sep}")
    return path.replace(os.sep, "-")


def renew_basetemp(config: pytest.Config, settings: Settings) -> None:
    """In a forked session: a directory of its own, where --basetemp names one for all and none has been made yet."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    base = config.stash.get(_BASE, "")
    if factory is None or not base or getattr(factory, "_basetemp", None) is not None:
        return
    given = getattr(factory, "_given_basetemp", None)
    if given is not None:
        factory._given_basetemp = type(given)(_below(base, settings))

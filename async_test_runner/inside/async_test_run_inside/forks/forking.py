"""What a forked pytest process must not share with the process that it was forked from, and when forking is unsafe.

pytest offers no way to renew these. Each function touches one private part of it, says so when the part is not there,
and is tested against the oldest and the newest supported pytest.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import stat
import sys
import tempfile
import threading
from typing import Any

import pytest

from ..early import standard_library
from ..hangs.files import opened
from ..session.captures import captures
from ..wire.contract import Asked
from ..wire.lifeline import tie_to_parent
from .descriptors import copies

_seed = random.seed  # as it is now: tests replace it


def lead_group(pid: int) -> None:
    """Make a child the leader of its own group; done on both sides of the fork, whoever comes first."""
    try:
        os.setpgid(pid, pid)
    except OSError:  # it has done so itself, or is gone
        pass


def detach(parent: int) -> None:
    """Right after the fork: a group of its own, and an end when the parent ends."""
    lead_group(0)
    tie_to_parent(parent)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def flush() -> None:
    """Nothing that is still in a buffer may be written twice, by two processes."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, or gone
            pass


def fresh_output(config: pytest.Config, path: str | None) -> None:
    """Temporary files of its own for captured output, and what is not captured to ``path`` if there is one.

    A position in an inherited file is shared with all relatives. The objects stay, for the sake of those who have kept
    one (``def f(stdout=sys.stdout)``): only what their descriptors stand for is replaced. So it is for copies of them:
    the stack of a crash goes to one that pytest's faulthandler has made.
    """
    found = captures(config)
    if found:
        config.pluginmanager.get_plugin("capturemanager").read_global_capture()  # type: ignore[union-attr]
    for capture in found:
        with _temporary_file() as fresh:
            os.dup2(fresh.fileno(), capture.tmpfile.fileno())
    if path is not None:
        targets = {1, 2, *(capture.targetfd_save for capture in found)}
        originals = [capture.targetfd_save for capture in found] or [1, 2]
        kept = {target for original in originals for target in copies(original)}
        fd = opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for target in targets | kept:
            os.dup2(fd, target, inheritable=target in (1, 2))
        os.close(fd)


def _temporary_file() -> Any:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:  # a test of another fork has removed the directory: a fresh process would find another one
        tempfile.tempdir = None
        return tempfile.TemporaryFile(buffering=0)


def own_files(config: pytest.Config) -> frozenset[int]:
    """Descriptors with which pytest captures; `fresh_output` looks after them."""
    return frozenset(fd for capture in captures(config) for fd in (capture.tmpfile.fileno(), capture.targetfd_save))


def reseed() -> None:
    """Numbers of its own from numpy's old generator, as Python's own does it at a fork by itself.

    Siblings would draw the same names for their rows and files.
    """
    seed = getattr(getattr(sys.modules.get("numpy"), "random", None), "seed", None)
    if seed is not None:
        seed()


def draw_anew() -> None:
    """Random numbers of its own for the next test, as a fork of its own would have them."""
    _seed()
    reseed()


def restart_junit(config: pytest.Config, path: str) -> None:
    """An empty JUnit XML that begins now, for ``path``; with an empty path nobody wants one."""
    plugin = _junit(config)
    if plugin is None:
        return
    if not path:
        silence_junit(config)
        plugin.family = "legacy"  # fixtures warn of what other families have no place for: there is no XML at all
        return
    type(plugin).__init__(  # the same object: fixtures find it in the configuration's stash
        plugin,
        path,
        plugin.prefix,
        plugin.suite_name,
        plugin.logging,
        plugin.report_duration,
        plugin.family,
        plugin.log_passing_tests,
    )
    plugin.pytest_sessionstart()


def _junit(config: pytest.Config) -> Any:
    """pytest's plugin for the XML, while it writes one."""
    plugins = config.pluginmanager.get_plugins()
    return next(
        (plugin for plugin in plugins if type(plugin).__name__ == "LogXML" and hasattr(plugin, "logfile")), None
    )


def silence_junit(config: pytest.Config) -> None:
    """The plugin stays, fixtures and pytest's own end look for it, but nothing is counted and nothing is written."""
    plugin = _junit(config)
    if plugin is None:
        return
    hooks = [name for name in dir(type(plugin)) if name.startswith("pytest_")]
    silent = type("SilentLogXML", (type(plugin),), {name: lambda self: None for name in hooks})
    config.pluginmanager.unregister(plugin)
    plugin.__class__ = silent
    config.pluginmanager.register(plugin)


def make_basetemp(config: pytest.Config) -> None:
    """Make the session's directory for ``tmp_path`` before it forks: it is numbered, and old ones are removed then."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        with standard_library():  # getpass
            factory.getbasetemp()


def own_basetemp(config: pytest.Config, name: str) -> None:
    """A directory below the session's for the ``tmp_path`` of this worker, made when a test first asks for one."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is None or getattr(factory, "_basetemp", None) is None:
        return
    factory._given_basetemp = factory._basetemp / name  # one that is given is not removed at the worker's end
    factory._basetemp = None
    if hasattr(factory, "_exit_stack"):  # nor are those of earlier sessions: all that is for the session to do
        factory._exit_stack = contextlib.ExitStack()


def become_controller(config: pytest.Config, workers: int) -> None:
    """The session gives all its tests to workers: plugins that know pytest-xdist see its controller by these options.

    Set once the workers have a process of their own: they do not have them.
    """
    for name, value in {"dist": "load", "numprocesses": workers}.items():
        setattr(config.option, name, value)


def save_coverage(config: pytest.Config) -> None:
    """What pytest-cov has measured in this process, which leaves without its end."""
    coverage = measuring(config)
    if coverage is not None:
        coverage.stop()
        coverage.save()


def measuring(config: pytest.Config) -> Any:
    """The `coverage.Coverage` with which pytest-cov measures here, if it does."""
    return getattr(getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None), "cov", None)


# ------------------------------------------------------------------------------------------------------------- safety


def sockets() -> set[int]:
    """Descriptors of this process that are sockets."""
    found = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        names = [str(fd) for fd in range(256)]
    for name in names:
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.add(int(name))
        except OSError:
            continue
    return found


def unsafe(config: pytest.Config, before: set[int]) -> list[str]:
    """Why this process must not be forked: what the collected code has started and a fork would break or share."""
    if not hasattr(os, "fork"):
        return ["this system has no fork"]
    reasons = []
    if config.getoption("capture", "no") == "fd" and len(captures(config)) < 2:
        reasons.append(f"the capture of pytest {pytest.__version__} is not known")
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if threads:
        reasons.append(f"threads are alive after the collection: {', '.join(sorted(threads)[:5])}")
    elif kernel_threads() > 1:
        reasons.append("threads of a native library are alive after the collection")
    if _is_in_a_loop():
        reasons.append("an event loop is running")
    opened = sockets() - before
    if opened:
        reasons.append(f"{len(opened)} sockets were opened during the collection")
    started = children()
    if started:
        reasons.append(f"{started} child processes were started during the collection")
    return reasons


def _is_in_a_loop() -> bool:
    events = sys.modules.get("asyncio.events")  # not there, no loop
    return events is not None and events._get_running_loop() is not None


def kernel_threads() -> int:
    """How many threads this process has, those of native libraries included; 1 where the system does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def children() -> int:
    """How many child processes this one has; 0 where the system does not say."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return len(file.read().split())
    except OSError:
        return 0


def worker_input(asked: Asked, name: str, count: int) -> dict[str, Any]:
    """What plugins look for in a worker of pytest-xdist."""
    return {
        "workerid": name,
        "workercount": count,
        "testrunuid": asked["testrun_uid"],
        "mainargv": sys.argv,
    }

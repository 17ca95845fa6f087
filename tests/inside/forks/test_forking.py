"""What a fork must not share with the process that it was forked from, and when forking is unsafe."""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from _pytest.junitxml import LogXML
from async_test_run_inside.forks import forking

from tests.support.forks import in_a_fork, status_of_a_fork
from tests.support.inside import Config, Item, RealConfig, Session, report, settings

# ------------------------------------------------------------------------------------------------ groups and parents


@pytest.mark.processes
def test_a_fork_that_is_detached_leads_a_group_of_its_own_and_can_be_interrupted() -> None:
    parent = os.getpid()

    def detached() -> tuple[bool, bool]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        forking.detach(parent)
        return os.getpgrp() == os.getpid(), signal.getsignal(signal.SIGINT) is signal.default_int_handler

    assert in_a_fork(detached) == (True, True)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel looks after it on Linux only")
def test_a_fork_whose_parent_is_gone_already_ends_at_once() -> None:
    assert status_of_a_fork(lambda: forking.detach(parent=1)) == -signal.SIGKILL


def test_a_child_that_is_gone_leads_no_group_and_that_is_no_error() -> None:
    forking.lead_group(5_000_000)


# ------------------------------------------------------------------------------------------------------------- output


class Capture:
    """One of pytest's captures of a descriptor."""

    def __init__(self) -> None:
        self.tmpfile = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self.saved = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self.targetfd_save = self.saved.fileno()


class Capturing:
    """pytest's manager of captures, with two of them."""

    def __init__(self) -> None:
        self.read = 0
        self._global_capturing = SimpleNamespace(out=Capture(), err=Capture())

    @property
    def captures(self) -> list[Capture]:
        return [self._global_capturing.out, self._global_capturing.err]

    def read_global_capture(self) -> None:
        self.read += 1


@pytest.fixture
def capturing() -> Iterator[tuple[Config, Capturing]]:
    config, manager = Config(), Capturing()
    config.pluginmanager.register(manager, "capturemanager")
    yield config, manager
    for capture in manager.captures:
        capture.tmpfile.close()
        capture.saved.close()


def test_captured_output_goes_to_another_file_through_the_same_object(capturing: tuple[Config, Capturing]) -> None:
    config, manager = capturing
    out = manager.captures[0].tmpfile
    shared = os.dup(out.fileno())
    out.write(b"of the parent")
    forking.fresh_output(config, None)
    out.write(b"of the fork")
    assert manager.read == 1
    assert manager.captures[0].tmpfile is out
    assert os.pread(shared, 100, 0) == b"of the parent"
    assert os.pread(out.fileno(), 100, 0) == b"of the fork"
    os.close(shared)


@pytest.mark.processes
def test_what_is_not_captured_goes_to_a_file_of_the_sessions(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_bytes(b"before\n")

    def fork() -> None:
        forking.fresh_output(Config(), str(log))
        os.write(1, b"out\n")
        os.write(2, b"err\n")

    in_a_fork(fork)
    assert log.read_bytes() == b"before\nout\nerr\n"


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("is_captured", [True, False])
def test_so_does_what_is_written_to_a_copy_of_a_descriptor(tmp_path: Path, is_captured: bool) -> None:
    """As pytest's faulthandler does, and some loggers."""
    log = tmp_path / "output.log"

    def fork() -> None:
        collection = os.open(tmp_path / "collection.log", os.O_WRONLY | os.O_CREAT)
        config = Config()
        if is_captured:
            manager = Capturing()
            config.pluginmanager.register(manager, "capturemanager")
            os.dup2(collection, manager.captures[0].targetfd_save)
        else:
            os.dup2(collection, 2)
        copy = os.dup(collection)
        forking.fresh_output(config, str(log))
        os.write(copy, b"Fatal Python error\n")

    in_a_fork(fork)
    assert log.read_bytes() == b"Fatal Python error\n"
    assert (tmp_path / "collection.log").read_bytes() == b""


def test_a_directory_for_temporary_files_that_is_gone_is_looked_for_anew(
    capturing: tuple[Config, Capturing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    forking.fresh_output(capturing[0], None)
    assert tempfile.tempdir != str(tmp_path / "gone")


def test_the_files_of_pytests_captures_are_known(capturing: tuple[Config, Capturing]) -> None:
    config, manager = capturing
    expected = {fd for c in manager.captures for fd in (c.tmpfile.fileno(), c.targetfd_save)}
    assert forking.own_files(config) == expected
    assert forking.own_files(Config()) == frozenset()


@pytest.mark.parametrize("stream", [None, object()])
def test_streams_that_a_test_has_taken_away_need_no_flush(monkeypatch: pytest.MonkeyPatch, stream: object) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", stream)
    forking.flush()


# ----------------------------------------------------------------------------------------------------- random numbers


def test_numpys_old_generator_is_seeded_anew_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[tuple[Any, ...]] = []
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(random=SimpleNamespace(seed=lambda *a: seeded.append(a))))
    forking.reseed()
    assert seeded == [()]
    monkeypatch.delitem(sys.modules, "numpy")
    forking.reseed()
    assert seeded == [()]


def test_each_test_draws_numbers_of_its_own_also_where_an_earlier_one_has_replaced_the_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    monkeypatch.setattr(random, "seed", lambda *_: None)
    seeded: list[tuple[Any, ...]] = []
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(random=SimpleNamespace(seed=lambda *a: seeded.append(a))))
    forking.draw_anew()
    assert random.random() != expected
    assert seeded == [()]


# ------------------------------------------------------------------------------------------------------ pytest's XML


def with_xml(path: Path) -> tuple[RealConfig, LogXML]:
    log = LogXML(str(path), None, suite_name="own", family="xunit1")
    log.pytest_sessionstart()
    return RealConfig(log), log


def run_a_test(config: RealConfig) -> None:
    item = Item("a", config)
    for when in ("setup", "call", "teardown"):
        config.hook.pytest_runtest_logreport(report=report(item, when=when))
    config.hook.pytest_sessionfinish(session=Session(item), exitstatus=0)


def test_an_xml_that_is_begun_again_has_nothing_of_before_and_is_written_elsewhere(tmp_path: Path) -> None:
    config, log = with_xml(tmp_path / "host.xml")
    log.add_global_property("of", "the host")
    forking.restart_junit(config, str(tmp_path / "session.xml"))
    run_a_test(config)
    assert not (tmp_path / "host.xml").exists()
    (suite,) = ElementTree.parse(tmp_path / "session.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.find("properties")) == ("own", "1", None)


def test_an_xml_that_nobody_wants_is_not_written_and_fixtures_still_find_its_plugin(tmp_path: Path) -> None:
    config, log = with_xml(tmp_path / "host.xml")
    forking.restart_junit(config, "")
    run_a_test(config)
    assert not (tmp_path / "host.xml").exists()
    assert config.pluginmanager.is_registered(log)
    log.add_global_property("still", "there")
    assert log.family == "legacy"


def test_without_an_xml_there_is_nothing_to_begin_again() -> None:
    config = Config()
    forking.restart_junit(config, "")
    forking.silence_junit(config)
    assert config.pluginmanager.get_plugins() == []


# ---------------------------------------------------------------------------------------------- temporary directories


def test_a_worker_has_a_directory_below_the_sessions_which_nobody_removes(tmp_path: Path) -> None:
    factory = pytest.TempPathFactory(tmp_path / "base", 3, "all", lambda *_: None, _ispytest=True)
    config = SimpleNamespace(_tmp_path_factory=factory)
    forking.own_basetemp(config, "worker-0")
    assert factory._basetemp is None  # nobody has made the session's: there is nothing to be below
    forking.make_basetemp(config)
    forking.own_basetemp(config, "worker-0")
    assert factory.getbasetemp() == tmp_path / "base" / "worker-0"
    assert factory.mktemp("a") == tmp_path / "base" / "worker-0" / "a0"


def test_a_pytest_without_temporary_directories_needs_none() -> None:
    forking.make_basetemp(Config())
    forking.own_basetemp(Config(), "worker-0")


# ----------------------------------------------------------------------------------------------------------- coverage


def test_what_was_measured_is_saved_where_something_measures() -> None:
    done: list[str] = []
    config = Config()
    forking.save_coverage(config)
    cov = SimpleNamespace(stop=lambda: done.append("stop"), save=lambda: done.append("save"))
    config.pluginmanager.register(SimpleNamespace(cov_controller=SimpleNamespace(cov=cov)), "_cov")
    forking.save_coverage(config)
    assert done == ["stop", "save"]


def test_a_coverage_plugin_that_measures_nothing_here_has_nothing_to_save() -> None:
    config = Config()
    config.pluginmanager.register(SimpleNamespace(cov_controller=None), "_cov")
    assert forking.measuring(config) is None


# ------------------------------------------------------------------------------------------------------------- safety


class Asked(Config):
    """A configuration that says how output is captured."""

    def __init__(self, capture: str = "no") -> None:
        super().__init__()
        self._capture = capture

    def getoption(self, name: str, default: str) -> str:
        return self._capture if name == "capture" else default


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which nothing runs, whatever other tests have left in this one."""
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])
    monkeypatch.setattr(forking, "kernel_threads", lambda: 1)
    monkeypatch.setattr(forking, "children", lambda: 0)
    monkeypatch.setattr(forking, "sockets", lambda: {3})


def unsafe(before: set[int] | None = None, capture: str = "no") -> list[str]:
    return forking.unsafe(Asked(capture), {3} if before is None else before)


def test_a_process_in_which_nothing_runs_may_be_forked(quiet: None) -> None:
    assert unsafe() == []


def test_threads_are_named(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = [threading.main_thread(), SimpleNamespace(name="b"), SimpleNamespace(name="a")]
    monkeypatch.setattr(threading, "enumerate", lambda: threads)
    monkeypatch.setattr(forking, "kernel_threads", lambda: 3)
    assert unsafe() == ["threads are alive after the collection: a, b"]


def test_threads_that_python_does_not_know_are_noticed(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "kernel_threads", lambda: 2)
    assert unsafe() == ["threads of a native library are alive after the collection"]


def test_sockets_count_that_were_not_there_before(quiet: None) -> None:
    assert unsafe(before=set()) == ["1 sockets were opened during the collection"]


def test_child_processes_count(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "children", lambda: 2)
    assert unsafe() == ["2 child processes were started during the collection"]


def test_an_event_loop_that_runs_makes_a_fork_unsafe(quiet: None) -> None:
    async def main() -> list[str]:
        return unsafe()

    assert asyncio.run(main()) == ["an event loop is running"]


def test_a_capture_whose_files_are_not_known_makes_a_fork_unsafe(quiet: None) -> None:
    (reason,) = unsafe(capture="fd")
    assert reason == f"the capture of pytest {pytest.__version__} is not known"


def test_a_system_without_fork_says_so(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert unsafe() == ["this system has no fork"]


def test_a_socket_is_found_among_the_descriptors_and_a_file_is_not(tmp_path: Path) -> None:
    before = forking.sockets()
    with socket.socket() as opened, (tmp_path / "file").open("w"):
        assert forking.sockets() - before == {opened.fileno()}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_threads_of_the_process_are_counted() -> None:
    go, before = threading.Event(), forking.kernel_threads()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert forking.kernel_threads() == before + 1
    finally:
        go.set()
        thread.join()


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_children_of_the_process_are_counted() -> None:
    before = forking.children()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    try:
        assert forking.children() == before + 1
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(pid, 0)


# ------------------------------------------------------------------------------------------------------------- plugins


def test_plugins_find_in_a_worker_what_they_look_for_under_xdist(tmp_path: Path) -> None:
    given = forking.worker_input(settings(tmp_path, testrun_uid="20261129-1").asked, "gw3", 4)
    assert given == {"workerid": "gw3", "workercount": 4, "testrunuid": "20261129-1", "mainargv": sys.argv}

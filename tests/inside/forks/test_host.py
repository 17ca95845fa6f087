"""A process that has collected, and forks a session for each job that it is given."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.forks import forking, host
from async_test_run_inside.forks.host import Hosting
from async_test_run_inside.wire.facts import Wire

from async_test_runner.contract.settings import Order, Settings, encoded
from tests.support.forks import in_a_fork
from tests.support.inside import Item, RealConfig, Session, said, settings

pytestmark = [pytest.mark.processes, pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")]


class Cache:
    """pytest's memory of failures."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, default: Any) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value


class Host:
    """A host that is played in a fork of the test; its sessions are forks of that one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.then: Callable[[Session], object] = lambda session: None  # what a session does after its beginning

    def serve(self, *jobs: Order, collectonly: bool = False) -> list[dict[str, Any]]:
        """The facts that a host has told which was given these jobs."""
        control, orders = os.pipe()
        os.write(orders, b"".join(encoded(job) + b"\n" for job in jobs))
        os.close(orders)
        in_a_fork(lambda: self._be(control, collectonly))
        os.close(control)
        return said(self.directory, "host")

    def _be(self, control: int, collectonly: bool) -> None:
        os.dup2(control, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner interrupts its sessions, and not their host
        config = RealConfig(collectonly=collectonly, maxfail=0, capture="no")
        vars(config).update(cache=Cache(), getoption=lambda name, default: default)
        session = Session(*(Item(name, config) for name in ("a", "b")))
        hosting = Hosting(settings(self.directory), Wire(str(self.directory / "events.host.jsonl")))
        config.pluginmanager.register(hosting, "async-test-run-hosting")
        config.pluginmanager.register(object(), "async-test-run-collecting")
        config.hook.pytest_configure.call_historic(kwargs={"config": config})  # pytest has, for whoever comes later
        loop = hosting.pytest_runtestloop(session)  # type: ignore[arg-type]
        if config.pluginmanager.has_plugin("async-test-run-running"):
            self.then(session)
            os._exit(0)
        (self.directory / "loop.txt").write_text(repr(loop))

    def job(self, process: str, **asked: Any) -> Order:
        """A job whose settings are in a directory of its own."""
        directory = self.directory / process
        directory.mkdir(parents=True)
        common: dict[str, Any] = {"mode": "run", "runner": os.getppid(), "without": (), "testrun_uid": "r", "seed": 1}
        path = directory / "settings.json"
        path.write_bytes(encoded(Settings(**{**common, "at_end": str(self.directory / "at-end"), **asked})))
        return Order(process, str(path))


@pytest.fixture
def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(forking, "unsafe", lambda config, before: [])
    monkeypatch.setattr(host.freezing, "freeze", lambda: None)  # it looks through all that this process holds
    return Host(tmp_path)


TESTS = ("test_a.py::a", "test_a.py::b")


def test_a_host_without_jobs_says_that_it_waits_and_runs_no_test(it: Host) -> None:
    facts = it.serve()
    assert facts == [{"kind": "hosting", "unsafe": [], "reads": []}]
    assert (it.directory / "loop.txt").read_text() == "True"


def test_a_host_that_must_not_fork_says_why(it: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "unsafe", lambda config, before: ["a thread"])
    assert it.serve() == [{"kind": "hosting", "unsafe": ["a thread"], "reads": []}]


def test_a_host_says_who_has_asked_which_worker_it_is(it: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setattr(forking, "unsafe", lambda config, before: [str(os.environ.get("PYTEST_XDIST_WORKER"))])
    line = sys._getframe().f_lineno - 1
    (fact,) = it.serve()
    assert fact["unsafe"] == ["None"]
    assert fact["reads"] == []  # the watch has ended before the host looks at itself

    def collects(self: Hosting, settings: Any, wire: Wire) -> None:
        made(self, settings, wire)
        os.environ.get("PYTEST_XDIST_WORKER")

    made = Hosting.__init__
    monkeypatch.setattr(Hosting, "__init__", collects)
    it.directory = it.directory / "again"
    it.directory.mkdir()
    (fact,) = it.serve()
    assert [read.rpartition("/")[2] for read in fact["reads"]] == [f"test_host.py:{line + 8} reads PYTEST_XDIST_WORKER"]


def test_a_session_that_only_collects_is_no_host(it: Host) -> None:
    assert it.serve(collectonly=True) == []
    assert (it.directory / "loop.txt").read_text() == "None"


def test_each_job_has_a_session_whose_beginning_and_end_are_told(it: Host) -> None:
    it.then = lambda session: os._exit(len(session.items))
    facts = it.serve(it.job("p1", tests=TESTS), it.job("p2", tests=TESTS[:1]))
    forked = {fact["process"] for fact in facts if fact["kind"] == "forked"}
    ended = {fact["process"]: fact["status"] for fact in facts if fact["kind"] == "exited"}
    assert forked == {"p1", "p2"}
    assert ended == {"p1": 2, "p2": 1}
    assert (it.directory / "loop.txt").read_text() == "True"


def test_a_session_that_is_killed_is_told_with_its_signal(it: Host) -> None:
    it.then = lambda session: os.kill(os.getpid(), signal.SIGKILL)
    (end,) = [fact for fact in it.serve(it.job("p1", tests=TESTS)) if fact["kind"] == "exited"]
    assert end == {"kind": "exited", "process": "p1", "status": -signal.SIGKILL}


def in_session(it: Host, look: Callable[[Session], Any], **asked: Any) -> Any:
    """What a session sees of itself; it comes through a file."""
    it.then = lambda session: (it.directory / "seen.json").write_text(json.dumps(look(session)))
    it.serve(it.job("p1", **{"tests": TESTS, **asked}))
    return json.loads((it.directory / "seen.json").read_text())


def test_a_session_has_the_selection_of_its_job(it: Host) -> None:
    def look(session: Session) -> Any:
        return [item.name for item in session.items], vars(session)["testscollected"], session.config.option.maxfail

    assert in_session(it, look, tests=TESTS[1:], maxfail=3) == [["b"], 1, 3]


def test_a_session_tells_the_runner_by_a_file_of_its_own(it: Host) -> None:
    in_session(it, lambda session: None, tests=(*TESTS, "test_a.py::gone"))
    facts = said(it.directory / "p1")
    assert [fact["kind"] for fact in facts] == ["hello", "capturing", "missing"]
    assert facts[-1]["ids"] == ["test_a.py::gone"]


def test_a_session_can_be_interrupted(it: Host) -> None:
    assert in_session(it, lambda session: signal.getsignal(signal.SIGINT) is signal.default_int_handler)


def test_a_session_is_no_host_and_leads_its_own_group(it: Host) -> None:
    def look(session: Session) -> Any:
        plugins = session.config.pluginmanager
        names = ("async-test-run-hosting", "async-test-run-collecting", "async-test-run-running")
        return [plugins.has_plugin(name) for name in names], os.getpgrp() == os.getpid()

    assert in_session(it, look) == [[False, False, True], True]


def test_what_a_session_prints_is_in_its_log(it: Host) -> None:
    in_session(it, lambda session: os.write(1, b"from the session\n"))
    assert (it.directory / "p1" / "output.log").read_bytes() == b"from the session\n"


def test_nothing_of_the_hosts_control_is_left_on_standard_input(it: Host) -> None:
    assert in_session(it, lambda session: os.path.samestat(os.fstat(0), Path(os.devnull).stat()))


@pytest.mark.parametrize(
    ("asked", "name"),
    [({}, "None"), ({"workers": 2}, "Pool.run"), ({"divided": True, "units": (TESTS,)}, "Pool.run")],
)
def test_a_session_with_workers_runs_them_in_place_of_pytests_own_loop(
    it: Host, asked: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from async_test_run_inside.forks.pool import Pool

    monkeypatch.setattr(Pool, "run", lambda pool, session: (it.directory / "ran.txt").write_text("Pool.run"))
    in_session(it, lambda session: None, **asked)
    ran = it.directory / "ran.txt"
    assert (ran.read_text() if ran.exists() else "None") == name


def test_modules_that_earlier_runs_have_learned_are_there_before_a_divided_session_is_forked(
    it: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    memory = it.directory / "imports.json"
    host.Memory(str(memory)).add(["colorsys"])

    def look(session: Session) -> Any:
        return "colorsys" in sys.modules

    monkeypatch.setattr("async_test_run_inside.forks.pool.Pool.run", lambda pool, session: True)
    assert in_session(it, look, divided=True, units=(TESTS,), preload=str(memory)) is True


def test_the_memory_of_failures_is_as_the_sessions_have_left_it(tmp_path: Path) -> None:
    def ends() -> Any:
        hosting = Hosting(settings(tmp_path), Wire(str(tmp_path / "events.host.jsonl")))
        cache = Cache()
        cache.kept = {"cache/lastfailed": {"of a session": True}}
        end = hosting.pytest_sessionfinish(SimpleNamespace(config=SimpleNamespace(cache=cache)))  # type: ignore
        next(end)
        cache.kept = {"cache/lastfailed": {}}  # pytest writes that the host has seen no failure
        with pytest.raises(StopIteration):
            end.send(None)
        return cache.kept

    assert in_a_fork(ends) == {"cache/lastfailed": {"of a session": True}}

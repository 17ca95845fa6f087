"""A session that runs tests: takes its selection, tells what happens the moment it happens, fails what is too late."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from .collecting import register_marker
from .coverage import silence as silence_coverage
from .diagnosis import install as install_dump
from .items import item_id
from .lastfailed import LastFailed
from .reporting import TestReports
from .settings import Settings
from .wire import Wire, encodable, plain


class Running:
    """The plugin of a pytest session that runs tests, of its xdist controller, or of one of its xdist workers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker = settings.worker
        name = self._worker or "main"
        _apply_environment(settings)
        self._wire = Wire(os.path.join(settings.directory, f"events.{name}.jsonl"))
        self._reports: dict[str, TestReports] = {}
        self._current: TestReports | None = None
        self._stage = ""  # the stage of the current test in which user code runs
        self._overdue = ""  # why the current test is too late, once the runner has said so
        self._interrupted = ""  # what ended pytest's loop from inside: pytest.exit, KeyboardInterrupt
        self._broken = ""  # the exception that pytest itself, or a plugin, could not handle
        self._ids: dict[str, str] = {}
        self._last_failed = LastFailed(settings.directory)
        self._dump_signal = install_dump(settings.directory, name, self._fail_overdue)
        self._wire.send("hello", pid=os.getpid(), worker=self._worker, dump_signal=self._dump_signal)

    # ------------------------------------------------------------------------------------------------ configuration

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Switch off what would select or stop by itself: the runner has selected, from one collection, already."""
        register_marker(config)
        silence_coverage(config)
        option = config.option
        for name in ("lf", "failedfirst", "newfirst", "stepwise", "stepwise_skip", "collectonly", "usepdb", "trace"):
            if getattr(option, name, None):
                setattr(option, name, False)
        # a distributed session (workers > 1) runs tests in its workers: they report, the controller watches them
        self._controller = not self._worker and bool(getattr(option, "tx", None)) and option.dist != "no"
        if self._controller:
            config.pluginmanager.register(_Controller(self._wire), "async-test-run-controller")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """xdist starts its workers here; they find the settings in their environment, and nobody else does."""
        self._settings.export()
        try:
            yield
        finally:
            self._settings.withdraw()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """After all other plugins: keep what is asked for, in the order that they left it."""
        yield
        self.select(config, items)

    def select(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what is asked for, tell pytest what is not, and the runner what is missing."""
        wanted = dict.fromkeys(self._settings["tests"], False)
        kept, rest = [], []
        for item in items:
            id = item_id(item)
            if wanted.get(id) is False:  # the first of several items with one id
                wanted[id] = True
                self._ids[str(item.nodeid)] = id
                kept.append(item)
            else:
                rest.append(item)
        items[:] = kept
        if rest:
            config.hook.pytest_deselected(items=rest)
        missing = [id for id, found in wanted.items() if not found]
        if missing:
            self._wire.send("missing", ids=missing)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that was collected before and is not now explains the tests that are missing."""
        if report.failed:
            self._wire.send("collect_error", id=plain(str(report.nodeid)), text=plain(report.longreprtext))

    # ------------------------------------------------------------------------------------------------------ reports

    def silence(self) -> None:
        """The tests run in workers of this session, which tell by themselves what happens."""
        self._controller = True

    def become_worker(self, name: str, wire: Wire) -> None:
        """After a fork: tell under a name of its own, in a file of its own."""
        self._controller = False
        self._worker = name
        self._reports = {}
        self._current = None
        self._stage = self._overdue = ""
        self._wire = wire
        self._wire.adopt()
        self._wire.send("hello", pid=os.getpid(), worker=name, dump_signal=self._dump_signal)

    def say(self, kind: str, **fields: Any) -> None:
        """Tell a fact that somebody else knows."""
        self._wire.send(kind, **fields)

    def id_of(self, nodeid: str) -> str:
        """The id of an item on the wire."""
        return self._ids.get(nodeid) or plain(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        if self._controller:
            return
        self._overdue = ""
        self._current = TestReports(self.id_of(str(nodeid)), time.time())
        self._reports[str(nodeid)] = self._current
        self._wire.send("started", id=self._current.id, worker=self._worker)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        """The time in which fixtures of the test are set up."""
        __tracebackhide__ = True
        return (yield from self._user_code("setup"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """The time in which the test itself runs."""
        __tracebackhide__ = True
        return (yield from self._user_code("call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        """The time in which fixtures are torn down."""
        __tracebackhide__ = True
        return (yield from self._user_code("teardown"))

    def _user_code(self, stage: str) -> Generator[None, Any, Any]:
        __tracebackhide__ = True
        if self._overdue and stage == "call":
            pytest.fail(self._overdue, pytrace=False)  # the signal came between setup and call
        self._stage = stage
        try:
            return (yield)
        finally:
            self._stage = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A test that was too late is never green, even if it swallowed the exception that ended it."""
        report = yield
        if self._overdue and report.when == "call" and not report.failed:
            report.outcome = "failed"
            report.longrepr = self._overdue
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One stage is over; what is not simply passed is told at once, the rest when the test has finished."""
        self._last_failed.add(report)
        if self._controller:
            return
        reports = self._reports.get(str(report.nodeid))
        if reports is not None:
            stage = reports.add(report)
            if stage["outcome"] != "passed":
                self._wire.send("stage", id=reports.id, stage=stage)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Generator[None, Any, Any]:
        """What an xdist worker tells its controller: one lone surrogate in it would end the worker."""
        data = yield
        return encodable(data) if self._worker else data

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        if self._controller:
            return
        reports = self._reports.pop(str(nodeid), None)
        self._current = None
        if reports is not None:
            self._wire.send("finished", worker=self._worker, **reports.fields())

    # ---------------------------------------------------------------------------------------------------- deadlines

    def _fail_overdue(self, chains: str) -> None:
        """In the handler of the dump signal: fail the test that the runner means, if it is still the current one."""
        __tracebackhide__ = True
        asked = _read_deadline(self._settings.directory)
        current = self._current
        if current is None or asked.get("id") != current.id or self._overdue:
            return
        self._overdue = str(asked["message"]) + (f"\n\n{chains}" if chains else "")
        if self._stage:
            pytest.fail(self._overdue)

    # ---------------------------------------------------------------------------------------------------------- end

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Something ended the loop from inside; a signal of the runner's does too, and then it knows better."""
        self._interrupted = plain(excinfo.exconly(tryshort=True))

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """An exception out of pytest or a plugin, be it that a test has taken away what they work with."""
        lines = plain(excinfo.exconly(tryshort=True)).split("\n")
        self._broken = lines[-1]  # of an xdist worker's exception the text holds the whole traceback

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, Any, Any]:
        """The last word of a session that came to its end by itself; a process that dies never says it."""
        with self._last_failed.merged(session.config, bool(self._worker)):
            result = yield
        if not self._worker:
            reason = self._interrupted or session.shouldfail or session.shouldstop
            self._wire.send(
                "session_finished",
                status=int(session.exitstatus),
                reason=plain(str(reason)) if reason else "",
                error=self._broken,
                red=session.testsfailed,
            )
        return result


class _Controller:
    """Hooks that only xdist calls; registered where xdist distributes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A worker died while it ran this test."""
        node = getattr(report, "node", None)
        worker = str(getattr(getattr(node, "gateway", None), "id", ""))
        self._wire.send("worker_died", id=plain(str(crashitem)), worker=worker)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker is gone; with ``error`` set it did not say goodbye."""
        if error:
            self._wire.send("worker_lost", worker=str(node.gateway.id), text=plain(str(error)))


def _apply_environment(settings: Settings) -> None:
    # An xdist worker inherits the environment of its session; what names a slot or a worker is its own.
    if settings.worker:
        os.environ.update(settings["worker_env"].get(settings.worker, {}))


def _read_deadline(directory: str) -> dict[str, Any]:
    import json

    try:
        with open(os.path.join(directory, f"deadline-{os.getpid()}.json"), encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        print(f"async-test-run: no deadline to read: {error}", file=sys.__stderr__)
        return {}
    return value if isinstance(value, dict) else {}

"""A session that runs tests: takes its selection, tells what happens the moment it happens, fails what is too late."""

from __future__ import annotations

import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ..collection import fixtures, run_options
from ..collection.collecting import register_marker
from ..collection.coverage import Checkpoints
from ..collection.coverage import silence as silence_coverage
from ..collection.items import Describe, item_id, tell_apart
from ..collection.judging import judge_a_part
from ..collection.warned import Warnings
from ..hangs import ages, asking
from ..hangs.asking import Question
from ..hangs.values import Report, Situation
from ..leaks.guard import LeakGuard
from ..wire import messages
from ..wire.facts import Wire, encodable, plain
from ..wire.messages import Message
from ..wire.settings import Settings
from . import ports
from .captures import captured
from .guarding import Guard, begin_of
from .lastfailed import LastFailed
from .limits import bound_memory
from .output import capture_files, limit_output
from .reporting import TestReports, leak_said, longrepr_text

_THE_RUNNERS = (
    *("lf", "failedfirst", "newfirst", "stepwise", "stepwise_skip", "stepwise_reset"),
    *("collectonly", "usepdb", "trace"),
)
_thread_time = time.thread_time  # as it is now: tests freeze clocks
_exists = os.path.exists
STOP = "stop"  # a file that the runner leaves in the session's directory: enough tests have failed elsewhere


class Running:
    """The plugin of a pytest session that runs tests, of its xdist controller, or of one of its xdist workers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        asked = settings.asked
        self._worker = settings.worker
        name = self._worker or "main"
        _apply_environment(settings)
        self._wire = Wire(os.path.join(settings.directory, f"events.{name}.jsonl"))
        self._reports: dict[str, TestReports] = {}
        self._current: TestReports | None = None
        self._overdue = ""  # why the current test is too late, once the runner has said so
        self._late: _Late | None = None
        self._interrupted = ""  # what ended pytest's loop from inside: pytest.exit, KeyboardInterrupt
        self._broken = ""  # the exception that pytest itself, or a plugin, could not handle
        self._ids: dict[str, str] = {}
        self._last_failed = LastFailed(settings.directory)
        self._leaks = LeakGuard(
            settings.directory, asked["leaks"], asked["runner"], alone=asked["alone"], clean=asked["clean"]
        )
        self._is_pooled = False  # a pool asks whether it is clean
        self._warnings = 0
        self._warned = Warnings(os.getcwd())
        self._properties: set[tuple[str, str]] = set()
        self._guard = Guard(os.getcwd(), begin_of(settings.run_directory))
        self._sees_all = asked["whole"]
        self._began = (0.0, 0.0)  # of the current test: monotonic time, processor time of this thread
        self.on_started: Callable[[], None] = lambda: None  # called when the runner has been told of a test's start
        self._signals = asking.install(settings.directory, name, self._situation, self._answer)
        self._say_hello()

    # ------------------------------------------------------------------------------------------------ configuration

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Switch off what would select or stop by itself: the runner has selected, from one collection, already."""
        self._config = config
        run_options.share(config, self._settings)
        register_marker(config)
        fixtures.register(config, self._settings)
        fixtures.tell(config, self)
        silence_coverage(config)
        if not self._settings.asked["whole"]:
            judge_a_part(config)
        self._checkpoint = Checkpoints(config)
        limit_output(config, self._settings.asked["output"])
        self._say_captures()
        option = config.option
        for name in _THE_RUNNERS:
            if getattr(option, name, None):
                setattr(option, name, False)
        # a distributed session (workers > 1) runs tests in its workers: they report, the controller watches them
        self._controller = not self._worker and bool(getattr(option, "tx", None)) and option.dist != "no"
        if self._controller:
            config.pluginmanager.register(_Controller(self._wire), "async-test-run-controller")
        elif self._leaks.on:
            config.pluginmanager.register(self._leaks, "async-test-run-leaks")

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
        """After all other plugins: keep what is asked for, in the order that they left it.

        They have selected once, from the whole collection, and this is what they left. Here they may see less, and take
        out more: those that count, or divide the suite.
        """
        collected = list(items)
        tell_apart(items)
        yield
        there = set(map(id, items))
        items += [item for item in collected if id(item) not in there]
        tell_apart(items)
        self.select(config, items)

    def select(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what is asked for, tell pytest what is not, and the runner what is missing."""
        asked = self._settings.asked
        wanted = dict.fromkeys(asked["tests"], False)
        meant = dict(zip(asked["tests"], asked["meant"], strict=False))  # none in a fork: the items are the same
        meaning = Describe(str(config.rootpath)).meaning
        kept, rest = [], []
        for item in items:
            id = item_id(item)
            if wanted.get(id) is not False:
                rest.append(item)
                continue
            wanted[id] = True
            self._ids[str(item.nodeid)] = id
            found = meaning(item) if meant else ""
            if found == meant.get(id, ""):
                kept.append(item)
            else:
                rest.append(item)
                self._wire.send(messages.changed(id, meant[id], found))
        items[:] = kept
        if rest:
            config.hook.pytest_deselected(items=rest)
        bound_memory(asked["memory"])
        if repeats_tests(config):
            config.pluginmanager.register(_Unheard(self), "async-test-run-unheard")
        missing = [id for id, found in wanted.items() if not found]
        if missing:
            self._wire.send(messages.missing(missing))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that was collected before and is not now explains the tests that are missing."""
        if report.failed:
            self._wire.send(messages.collect_error(plain(str(report.nodeid)), plain(report.longreprtext)))

    # ------------------------------------------------------------------------------------------------------ reports

    def silence(self) -> None:
        """The tests run in workers of this session, which tell by themselves what happens."""
        self._controller = True
        self._sees_all = False
        self._leaks.prepare()

    def learn(self, items: list[pytest.Item], is_told: Callable[[object], bool]) -> None:
        """What can be known of the tests, and of the hooks that hear of them, before they are given to workers."""
        self._guard.is_told = is_told
        self._leaks.learn_fixtures(items)

    def become_worker(self, name: str, wire: Wire) -> None:
        """After a fork: tell under a name of its own, in a file of its own."""
        self._controller = False
        self._worker = name
        self._reports = {}
        self._current = None
        self._overdue = ""
        self._is_pooled = True
        self._leaks.renew()
        self._wire = wire
        self._wire.adopt()
        self._say_hello()
        self._say_captures()

    def _say_hello(self) -> None:
        python, c = self._signals
        self._wire.send(messages.hello(os.getpid(), self._worker, python, c))

    def _say_captures(self) -> None:
        files, limit = capture_files(self._config), self._settings.asked["output"]
        self._wire.send(messages.capturing(os.getpid(), self._worker, limit, files))

    def suite_property(self, name: str, value: str) -> None:
        """A test has added it; fixtures of a session do so in each worker."""
        if (name, value) not in self._properties:
            self._properties.add((name, value))
            self._wire.send(messages.suite_property(plain(name), plain(value)))

    def attribute(self, nodeid: str, name: str, value: str) -> None:
        """A test has added it to its element in the XML; it is told with all else that is known at its end."""
        reports = self._reports.get(nodeid)
        if reports is not None:
            reports.attributes[plain(name)] = plain(value)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        """Those of the collection have been told by the process that has collected for the run.

        A worker's are heard by its session too, which tells them.
        """
        if when != "runtest" or self._worker:
            return
        self._warnings += 1
        new = self._warned.heard(warning_message, self.id_of(str(nodeid)) if nodeid else "")
        if new is not None:
            self._wire.send(messages.warned(new))

    def say(self, message: Message) -> None:
        """Tell a fact that somebody else knows."""
        self._wire.send(message)

    def id_of(self, nodeid: str) -> str:
        """The id of an item on the wire."""
        return self._ids.get(nodeid) or plain(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        if self._controller:
            return
        if str(nodeid) in self._reports:  # a plugin repeats it
            self._current = self._reports[str(nodeid)]
            self._current.is_over = False
            return
        self._overdue = ""
        self._current = TestReports(self.id_of(str(nodeid)), time.time(), self._settings.asked["output"])
        self._began = (ages.now(), _thread_time())
        ages.watch()  # nothing, but for the first test after the first import of asyncio
        self._reports[str(nodeid)] = self._current
        self._wire.send(messages.started(self._current.id, self._worker))
        self.on_started()
        self._leaks.begin(self._current.id, str(nodeid))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One stage is over; what is not simply passed is told at once, the rest when the test has finished."""
        if not self._settings.asked["recheck"]:  # a test that passes alone is red all the same
            self._last_failed.add(report)
        if self._controller:
            return
        reports = self._reports.get(str(report.nodeid))
        if reports is not None:
            if report.failed:
                self._explain(report)
                self._leaks.soil(f"{report.when} failed")
            stage = reports.add(report)
            if stage["outcome"] != "passed":
                self._wire.send(messages.stage(reports.id, stage))

    def _explain(self, report: pytest.TestReport) -> None:
        """Add to a failure what the runner knows about its cause."""
        captured = [content for _, content in report.sections]
        hint = self._hint("\n".join([longrepr_text(report), *captured]))
        if not hint or self._overdue:  # it is part of that message
            return
        add = getattr(report.longrepr, "addsection", None)
        if add is not None:
            add("hint of async-test-run", hint)
        else:
            report.longrepr = f"{report.longrepr}\n\n{hint}"

    def _hint(self, text: str) -> str:
        parallel = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") != "1"
        return ports.hint(text, self._settings.asked["runner"], parallel)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Generator[None, Any, Any]:
        """What an xdist worker tells its controller: one lone surrogate in it would end the worker."""
        data = yield
        return encodable(data) if self._worker else data

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over, unless a plugin repeats it."""
        reports = self._reports.get(str(nodeid))
        self._current = None
        if reports is not None:
            reports.is_over = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """All that is done for a test, tries of plugins that repeat it included."""
        self._leaks.is_last = nextitem is None
        try:
            return (yield)
        finally:
            reports = self._reports.get(str(item.nodeid))
            if reports is not None and reports.is_over:
                self._finished(str(item.nodeid), reports)
                self._end_if_dirty(item, nextitem)
                if self._settings.asked["maxfail"] and _exists(os.path.join(self._settings.directory, STOP)):
                    item.session.shouldstop = "enough tests have failed in other processes"

    @property
    def dirt(self) -> str:
        """Why no other test is to run in this process; empty while it is clean."""
        return self._leaks.dirt

    def retire(self, nodeid: str) -> None:
        """Tell that others were to follow, and will run in another process."""
        self._wire.send(messages.retired(self.id_of(nodeid), self._worker, encodable(plain(self.dirt))))

    def _end_if_dirty(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """A worker of a pool is asked by it; a session of its own stops here."""
        self._leaks.outside()
        if self.dirt and nextitem is not None and not self._is_pooled and not item.session.shouldstop:
            self.retire(str(item.nodeid))
            item.session.shouldstop = f"this process is not clean any more: {self.dirt}"

    def _finished(self, nodeid: str, reports: TestReports) -> None:
        del self._reports[nodeid]
        self._wire.send(reports.finished(self._worker, self._leaks.found()))
        self._checkpoint()
        self._say_late_leaks()

    def made(self, report: pytest.TestReport) -> None:
        """pytest has made a report, of which we hear only if a plugin passes it on."""
        if self._current is not None:
            self._current.made(report)

    def _say_late_leaks(self) -> None:
        for id, leak in self._leaks.late():
            self._wire.send(messages.leaked(id, leak_said(leak)))

    # ---------------------------------------------------------------------------------------------------- deadlines

    @property
    def overdue(self) -> str:
        """Why the current test is too late; empty if it is not."""
        return self._overdue

    def _situation(self) -> Situation:
        """In the handler of the signal that asks: what this process is at."""
        current = self._current
        if current is None:
            return Situation()
        began, busy = self._began
        return Situation(current.id, age=ages.now() - began, busy=_thread_time() - busy)

    def _answer(self, asked: Question, report: Report) -> None:
        """In the same handler: tell what was found, and fail the test that is too late, if it is still there."""
        __tracebackhide__ = True
        current = self._current
        id = current.id if current is not None else ""
        self._wire.send(messages.hang(os.getpid(), id, asked.why, plain(report.likely), plain(report.text)))
        if asked.why != "overdue" or not id or asked.id != id or self._overdue:
            return
        self._overdue = "\n\n".join(filter(None, [asked.message, self._hint(captured(self._config))]))
        self._leaks.cut_short()
        if self._late is None:
            self._late = _Late(self)
            self._config.pluginmanager.register(self._late, "async-test-run-late")
        if _in_a_stage():
            pytest.fail(self._overdue)

    # ---------------------------------------------------------------------------------------------------------- end

    @pytest.hookimpl(tryfirst=True)
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
        result = None
        with (
            self._last_failed.merged(session.config, bool(self._worker)),
            self._guard.on(not self._worker and not self._sees_all),
        ):
            result = yield
        if self._guard.refused:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            self._broken = plain(f"{self._guard.refused}, and not all tests have run in this process")
        self._say_late_leaks()
        if not self._worker:
            for what in self._leaks.holding():
                self._wire.send(messages.left_behind("", what))
            self._wire.send_all(map(messages.warned, self._warned.rest()))
            reason = self._interrupted or session.shouldfail or session.shouldstop
            said = plain(str(reason)) if reason else ""
            status, red = int(session.exitstatus), session.testsfailed
            self._wire.send(messages.session_finished(status, said, self._broken, red, self._warnings))
        return result


class _Late:
    """Hooks that only a late test needs; registered with the first one, for they would cost every test something."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """The signal came between setup and call."""
        __tracebackhide__ = True
        if self._running.overdue:
            pytest.fail(self._running.overdue, pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A test that was too late is never green, even if it swallowed the exception that ended it."""
        report = yield
        if self._running.overdue and report.when == "call" and not report.failed:
            report.outcome = "failed"
            report.longrepr = self._running.overdue
        return report


class _Unheard:
    """Hears of every report that is made; registered where a plugin may keep some to itself."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """pytest-flaky reports the last try only."""
        report = yield
        self._running.made(report)
        return report


def repeats_tests(config: pytest.Config) -> bool:
    """Whether something else than pytest itself runs the tests, and may run one more than once."""
    return any(
        not (hook.wrapper or hook.hookwrapper or hook.function.__module__.startswith("_pytest."))
        for hook in config.hook.pytest_runtest_protocol.get_hookimpls()
    )


_STAGE: types.CodeType = pytest.CallInfo.from_call.__code__  # runs a stage of a test, and takes what it raises


def _in_a_stage() -> bool:
    """Whether an exception that is raised now becomes a report; pytest itself has no use for one elsewhere."""
    frame: types.FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not _STAGE:
        frame = frame.f_back
    return frame is not None


class _Controller:
    """Hooks that only xdist calls; registered where xdist distributes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A worker died while it ran this test."""
        node = getattr(report, "node", None)
        worker = str(getattr(getattr(node, "gateway", None), "id", ""))
        self._wire.send(messages.worker_died(plain(str(crashitem)), worker))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker is gone; with ``error`` set it did not say goodbye."""
        if error:
            self._wire.send(messages.worker_lost(str(node.gateway.id), plain(str(error))))


def _apply_environment(settings: Settings) -> None:
    # An xdist worker inherits the environment of its session; what names a slot or a worker is its own.
    if settings.worker:
        os.environ.update(settings.asked["worker_env"].get(settings.worker, {}))

"""One collection for the whole plan: what pytest finds, what it leaves out, what it cannot collect."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from ..hangs import asking
from ..hangs.asking import Question
from ..hangs.values import Report, Situation
from ..wire import messages
from ..wire.contract import CoverageAsked, Entry, Facts
from ..wire.facts import Wire, plain
from ..wire.settings import Settings
from . import run_options
from .awaiting import Awaiting
from .configuration import facts, seed, show_nothing_instead
from .conftests import Watch, trace
from .coverage import silence as silence_coverage
from .expressions import evaluate
from .fixtures import register as register_fixtures
from .items import RESOURCES, Describe, item_id, tell_apart
from .judging import demands
from .relations import Relations
from .warned import Warnings

_SELDOM = (50_000, 20, 100)
_EXAMPLES = 5  # ids named for each reason that leaves tests out


class Collecting:
    """Sends ``collecting`` as it goes, then ``test`` for each item, and ``inventory`` when all is said."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.wire = Wire(os.path.join(settings.directory, "events.jsonl"))
        self._left_out: dict[str, list[str]] = {}
        self._muted = False
        self._in_file = False
        self._conftest = ""  # the one that is being imported
        self._coverage: CoverageAsked | None = None
        self._facts: Facts | None = None
        self._renamed: list[str] = []
        self._warnings = 0
        self._warned = Warnings(os.getcwd())
        python, c = asking.install(settings.directory, "collection", Situation, self._answer)
        self.wire.send(messages.hello(os.getpid(), "", python, c))

    def _answer(self, asked: Question, report: Report) -> None:
        self.wire.send(messages.hang(os.getpid(), "", asked.why, plain(report.likely), plain(report.text)))

    @pytest.hookimpl(wrapper=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None, Any, Any]:
        """A conftest.py that fails before the collection has begun ends pytest; say which one it was."""
        root = str(early_config.rootpath)
        sys.meta_path.insert(0, Watch(lambda path: self._on_conftest(path, root)))
        try:
            return (yield)
        except Exception as error:
            path = getattr(error, "path", None)
            if path is not None:
                text = trace(getattr(error, "cause", error), str(path), root)
                id = plain(os.path.relpath(path, root))
                self.wire.send(messages.conftest_failed(id, plain(str(path)), plain(text)))
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """A host collects like any session: what would distribute, write or stop there is noted and switched off."""
        self._facts = facts(config, self._settings.asked["watched"])
        show_nothing_instead(config)
        if not self._settings.asked["host"]:
            config.option.collectonly = True
        else:
            option = config.option
            changes: dict[str, Any] = {"numprocesses": None, "dist": "no", "tx": []}
            changes |= {"collectonly": False, "usepdb": False, "trace": False}
            changes["xmlpath"] = os.path.join(self._settings.directory, "junit.xml")
            for name, value in changes.items():
                if hasattr(option, name):
                    setattr(option, name, value)
        return (yield)

    def _on_conftest(self, path: str, root: str) -> None:
        if self._in_file:
            return  # a test file imports it by itself: whatever comes of that is the file's
        self._conftest = path
        self.wire.send(messages.collecting(plain(os.path.relpath(path, root)), plain(path)))

    def pytest_plugin_registered(self, plugin: object) -> None:
        """A conftest.py has been imported."""
        if self._conftest and getattr(plugin, "__file__", None) == self._conftest:
            self._conftest = ""
            self.wire.send(messages.collecting(""))

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the runner's marker, so that strict markers know it; measure nothing."""
        run_options.share(config, self._settings, clear=self._settings.asked["begins"])
        register_marker(config)
        register_fixtures(config, self._settings)
        self._coverage = silence_coverage(config)

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Name the file about to be imported: if this process dies or hangs, it is the one."""
        if isinstance(collector, pytest.File):
            self.wire.send(messages.collecting(plain(str(collector.nodeid)), plain(str(collector.path))))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """The time in which a file is imported."""
        self._in_file = isinstance(collector, pytest.File)
        try:
            return (yield)
        finally:
            self._in_file = False

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Those of the collection count once, however many processes collect again."""
        self._warnings += 1
        self._warned.heard(warning_message, "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Pass on what could not be collected, and what was skipped as a whole file."""
        if report.failed:
            self.wire.send(messages.collect_error(plain(str(report.nodeid)), plain(report.longreprtext)))
        elif report.skipped:
            self.wire.send(messages.collect_skip(plain(str(report.nodeid)), skip_reason(report.longrepr)))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what pytest's own configuration or a plugin takes out."""
        if self._muted:
            return
        for item in items:
            self._left_out.setdefault(_why_deselected(item), []).append(plain(str(item.nodeid)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Every file has been imported: if this process dies from here on, it is none of them.

        No plugin has changed the order yet, which a fresh process has too: the second item of an id is the same there.
        """
        self.wire.send(messages.collecting(""))
        self._renamed = tell_apart(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Tell the items once they are final: every plugin has added its marks and taken out what it wanted.

        Not in ``pytest_collection_finish``: pytest calls that for a collection that was broken off too.
        """
        with seldom_garbage():
            result = yield
            self._tell(session)
        return result

    def _tell(self, session: pytest.Session) -> None:
        config = session.config
        self._renamed += tell_apart(session.items)  # plugins add some of their own
        matches = self._matches(session)
        self.wire.send_all(messages.found(entry) for entry in self._entries(session, matches))
        for reason, ids in self._left_out.items():
            self.wire.send(messages.left_out(reason, len(ids), "tests", ids[:_EXAMPLES]))
        for option, paths in _ignored(config):
            examples = [path for path in paths if path][:_EXAMPLES]
            self.wire.send(messages.left_out(option, len(paths), "paths", examples))
        known = self._facts or facts(config, self._settings.asked["watched"])
        found = {"coverage": self._coverage, "demands": demands(config), "renamed": self._renamed}
        said = {**known, **found, "warnings": self._warnings, "warned": self._warned.all(), "seed": seed(config)}
        self.wire.send(messages.inventory(said))  # type: ignore[arg-type]

    def _entries(self, session: pytest.Session, matches: list[set[int]]) -> Iterator[Entry]:
        describe = Describe(str(session.config.rootpath), Awaiting(session.config).nobody)
        relations = Relations(session.items)
        seen: set[int] = set()
        for position, item in enumerate(session.items):
            if id(item) in seen:
                self._left_out.setdefault("the same item once more: runs once", []).append(item_id(item))
                continue
            seen.add(id(item))
            numbers = [number for number, positions in enumerate(matches) if position in positions]
            yield describe(item, numbers, relations.of(item))

    def _matches(self, session: pytest.Session) -> list[set[int]]:
        matches = []
        for number, (kind, text) in enumerate(self._settings.asked["expressions"]):
            try:
                matches.append(evaluate(session.config, session.items, kind, text, self._mute))
            except pytest.UsageError as error:
                self.wire.send(messages.bad_expression(number, plain(str(error))))
                matches.append(set())
        return matches

    def _mute(self, muted: bool) -> None:
        self._muted = muted


@contextlib.contextmanager
def seldom_garbage() -> Iterator[None]:
    """What a collection makes stays: looking through all of it for garbage again and again is a third of its time."""
    before = gc.get_threshold()
    if before[0] == 0 or before[0] > _SELDOM[0]:  # somebody knows better
        yield
        return
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        if gc.get_threshold() == _SELDOM:
            gc.set_threshold(*before)


def register_marker(config: pytest.Config) -> None:
    """Make ``@pytest.mark.resources`` known."""
    config.addinivalue_line("markers", f"{RESOURCES}(*names): the test holds these named capacities of runner.yaml")


def skip_reason(longrepr: Any) -> str:
    """The reason of a skip from pytest's ``(path, line, reason)``."""
    reason = longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else str(longrepr)
    return plain(str(reason).removeprefix("Skipped: "))


def _why_deselected(item: pytest.Item) -> str:
    option = item.config.option
    prefixes = tuple(getattr(option, "deselect", None) or ())
    if prefixes and str(item.nodeid).startswith(prefixes):
        return "pytest --deselect"
    active = [f"-m {option.markexpr!r}" if option.markexpr else "", f"-k {option.keyword!r}" if option.keyword else ""]
    active.append("--lf" if getattr(option, "lf", False) else "")
    return plain("pytest " + " ".join(part for part in active if part)) if any(active) else "a pytest plugin"


def _ignored(config: pytest.Config) -> list[tuple[str, list[str]]]:
    option = config.option
    lf = config.pluginmanager.get_plugin("lfplugin")
    skipped = getattr(lf, "_skipped_files", 0)  # pytest's own count of the files that --lf does not even collect
    found = [
        ("pytest --lf (files without failures in the last run)", [""] * skipped if isinstance(skipped, int) else []),
        ("pytest --ignore", [plain(str(path)) for path in getattr(option, "ignore", None) or ()]),
        ("pytest --ignore-glob", [plain(str(path)) for path in getattr(option, "ignore_glob", None) or ()]),
    ]
    return [(name, paths) for name, paths in found if paths]

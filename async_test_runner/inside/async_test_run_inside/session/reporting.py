"""pytest's reports of one test, as plain values that fit on the wire."""

from __future__ import annotations

import pytest

from ..collection.collecting import skip_reason
from ..leaks.found import Leak
from ..leaks.found import bounded as leak_text
from ..wire import messages
from ..wire.contract import LeakSaid, Stage
from ..wire.facts import plain
from ..wire.messages import Message
from .output import bounded

TEXT_LIMIT = 1024 * 1024  # characters kept of one traceback


# A plugin took the test over and reported nothing, or pytest was told to set up only: that is no success.
_UNREPORTED: Stage = {
    "when": "setup",
    "outcome": "failed",
    "message": "pytest finished the test without reporting its call",
    "text": "pytest finished the test without reporting its call (--setup-only, or a plugin that runs tests itself?)",
}


_ORDER = {"setup": 0, "call": 1, "teardown": 2}
_OF_PYTEST = frozenset({"passed", "failed", "skipped", "xfailed", "xpassed"})
AGAIN = "rerun"  # the last failure of a try after which a plugin tries again


class TestReports:
    """The stages of one test: of one try, or of several where a plugin repeats tests by itself.

    Such a plugin reports a failure under a name of its own (``rerun``, ``retried``), or not at all, and then begins
    again, with the call or with the setup. What is not followed by another try is the plugin's last word.
    """

    __test__ = False

    def __init__(self, id: str, at: float, output: int) -> None:
        """``output``: how many bytes of what the test prints are kept."""
        self.id = id
        self._output = output
        self._at = at
        self._duration = 0.0
        self._call = 0.0
        self._stages: list[Stage] = []
        self._called = False
        self._last = -1  # the stage that was reported last, in their order
        self._made: dict[str, pytest.TestReport] = {}  # reports that nobody has heard of yet
        self._made_last = -1
        self._try = 0  # how many stages there were when the current try began
        self.is_over = False  # pytest has said so: another try may follow all the same
        self._sections: list[tuple[str, str]] = []
        self._properties: list[tuple[str, str]] = []
        self.attributes: dict[str, str] = {}  # of its element in the XML, as the test has set them last

    def add(self, report: pytest.TestReport) -> Stage:
        """Take in one report; returns its stage as it goes on the wire."""
        stage = _stage(report)
        self._made.pop(str(report.when), None)
        if type(report).__name__.lower() == "subtestreport":  # pytest's own and pytest-subtests'
            stage["sub"] = True  # its duration is part of its test's
        else:
            self._reach(_ORDER[str(report.when)])
            self._duration += report.duration
            if report.when == "call":
                self._call += report.duration
                self._called = True
        if stage["outcome"] != "passed":
            self._stages.append(stage)
        # both lists grow from stage to stage: the last report that has them has all of them
        contents = bounded([str(content) for _, content in report.sections], self._output)
        names = [plain(str(name)) for name, _ in report.sections]
        sections = list(zip(names, map(plain, contents), strict=True))
        self._sections = sections or self._sections
        properties = [(plain(str(name)), plain(str(value))) for name, value in report.user_properties]
        self._properties = properties or self._properties
        return stage

    def made(self, report: pytest.TestReport) -> None:
        """A report that pytest has made; `add` follows, unless a plugin keeps it to itself."""
        if _ORDER[str(report.when)] <= self._made_last:
            self._try_again()
        self._made_last = _ORDER[str(report.when)]
        self._made[str(report.when)] = report

    def _reach(self, stage: int) -> None:
        if stage <= self._last and self._made_last < 0:
            self._try_again()
        self._last = stage

    def _try_again(self) -> None:
        """What has failed in the try that is over was not the last word; of its failures the last one ends it."""
        kept = [_stage(report) for report in self._made.values() if report.failed]
        tried = self._stages[self._try :]
        forgiven = [stage for stage in tried if stage["outcome"] not in _OF_PYTEST] + kept
        for stage in forgiven:
            stage["outcome"] = AGAIN if stage is forgiven[-1] else "failed"
        self._stages += kept
        self._made.clear()
        self._try = len(self._stages)

    def finished(self, worker: str, leaks: list[Leak]) -> Message:
        """All that there is to say at the end."""
        for stage in self._stages[self._try :]:
            if stage["outcome"] == AGAIN:  # and it was not: no plugin has run it again
                stage["outcome"] = "failed"
        if not self._called and not self._stages:
            self._stages.append(_UNREPORTED)
        return messages.finished(
            self.id,
            worker,
            self._at,
            self._duration,
            self._call,
            self._stages,
            self._sections,
            self._properties,
            list(self.attributes.items()),
            [leak_said(leak) for leak in leaks],
        )


def leak_said(leak: Leak) -> LeakSaid:
    """A leak as it goes on the wire."""
    said: LeakSaid = {"kind": leak.kind, "what": leak_text(leak.what)}
    if leak.where:
        said["where"] = leak_text(leak.where)
    return said


def _stage(report: pytest.TestReport) -> Stage:
    """``{when, outcome, message, text}``; ``outcome`` as pytest has it, or ``xfailed``, ``xpassed``, ``rerun``."""
    outcome, when = str(report.outcome), report.when
    if outcome == "passed" and not hasattr(report, "wasxfail"):
        return {"when": when, "outcome": "passed"}
    reason = getattr(report, "wasxfail", None)
    text = cut(plain(longrepr_text(report)), TEXT_LIMIT)
    if reason is not None and outcome in ("skipped", "passed"):
        outcome = "xfailed" if outcome == "skipped" else "xpassed"
        return {"when": when, "outcome": outcome, "message": plain(str(reason)), "text": text}
    if outcome == "skipped":
        return {
            "when": when,
            "outcome": outcome,
            "message": skip_reason(report.longrepr),
            "text": _place(report),
        }
    return {"when": when, "outcome": outcome, "message": cut(plain(_message(report, text)), 4096), "text": text}


def longrepr_text(report: pytest.TestReport) -> str:
    """What pytest would print; a test's own ``repr`` may prevent that."""
    try:
        return report.longreprtext
    except Exception as error:  # noqa: BLE001 - a repr() of the test's own may do anything
        return f"<the traceback could not be shown: {type(error).__name__}>"


def _message(report: pytest.TestReport, text: str) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    message = getattr(crash, "message", None)
    return str(message) if message is not None else text


def _place(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        path, line, reason = longrepr
        return plain(f"{path}:{line}: {str(reason).removeprefix('Skipped: ')}")
    return plain(str(longrepr))


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, taken from both ends, saying how much is missing between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"

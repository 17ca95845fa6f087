"""pytest's reports of one test, as plain values that fit on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from ..collection.collecting import skip_reason
from ..wire.facts import plain
from .output import bounded

TEXT_LIMIT = 1024 * 1024  # characters kept of one traceback


# A plugin took the test over and reported nothing, or pytest was told to set up only: that is no success.
_UNREPORTED = {
    "when": "setup",
    "outcome": "failed",
    "message": "pytest finished the test without reporting its call",
    "text": "pytest finished the test without reporting its call (--setup-only, or a plugin that runs tests itself?)",
}


class TestReports:
    """The stages of one attempt of one test."""

    __test__ = False

    def __init__(self, id: str, at: float, output: int) -> None:
        """``output``: how many bytes of what the test prints are kept."""
        self.id = id
        self._output = output
        self._at = at
        self._duration = 0.0
        self._call = 0.0
        self._stages: list[dict[str, Any]] = []
        self._called = False
        self._sections: list[tuple[str, str]] = []
        self._properties: list[tuple[str, str]] = []

    def add(self, report: pytest.TestReport) -> dict[str, Any]:
        """Take in one report; returns its stage as it goes on the wire."""
        stage = _stage(report)
        if type(report).__name__.lower() == "subtestreport":  # pytest's own and pytest-subtests'
            stage["sub"] = True  # its duration is part of its test's
        else:
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

    def fields(self) -> dict[str, Any]:
        """All that there is to say; what is empty is left out."""
        fields: dict[str, Any] = {"id": self.id, "started": self._at, "duration": self._duration, "call": self._call}
        if not self._called and not self._stages:
            self._stages.append(_UNREPORTED)
        if self._stages:
            fields["stages"] = self._stages
        if self._sections:
            fields["sections"] = self._sections
        if self._properties:
            fields["properties"] = self._properties
        return fields


def _stage(report: pytest.TestReport) -> dict[str, Any]:
    """``{when, outcome, message, text}``; ``outcome`` as pytest has it, or ``xfailed``, ``xpassed``, ``rerun``."""
    outcome = str(report.outcome)
    if outcome == "passed" and not hasattr(report, "wasxfail"):
        return {"when": report.when, "outcome": "passed"}
    reason = getattr(report, "wasxfail", None)
    text = cut(plain(longrepr_text(report)), TEXT_LIMIT)
    if reason is not None and outcome in ("skipped", "passed"):
        outcome = "xfailed" if outcome == "skipped" else "xpassed"
        return {"when": report.when, "outcome": outcome, "message": plain(str(reason)), "text": text}
    if outcome == "skipped":
        return {
            "when": report.when,
            "outcome": outcome,
            "message": skip_reason(report.longrepr),
            "text": _place(report),
        }
    return {"when": report.when, "outcome": outcome, "message": cut(plain(_message(report, text)), 4096), "text": text}


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

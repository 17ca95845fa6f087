"""Makes pytest-cov measure and not report: each process sees a part only, and the runner puts the parts together.

pytest-cov keeps its options on its plugin. Nothing of it is public; where an attribute is not there, nothing is changed
and each process reports for itself.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..wire.contract import CoverageAsked
from ..wire.facts import plain

_INTERVAL = 0.5  # seconds of tests that a process which is killed may take along


def silence(config: pytest.Config) -> CoverageAsked | None:
    """Take the reports and the threshold out of this process; what they were (see ``Coverage``), None without --cov."""
    options = getattr(config.pluginmanager.get_plugin("_cov"), "options", None)
    if options is None or not getattr(options, "cov_source", None) or getattr(options, "no_cov", False):
        return None
    reports = getattr(options, "cov_report", None)
    found: CoverageAsked = {
        "config": plain(str(getattr(options, "cov_config", "") or "")),
        "reports": _reports(reports),
        "fail_under": min(max(float(getattr(options, "cov_fail_under", None) or 0.0), 0.0), 101.0),  # inf is no JSON
        "append": bool(getattr(options, "cov_append", False)),
    }
    if isinstance(reports, dict | list):
        reports.clear()  # in place: the part of pytest-cov that reports holds the same object
    options.cov_fail_under = None
    return found


def _reports(reports: Any) -> list[tuple[str, str]]:
    pairs = reports.items() if isinstance(reports, dict) else [(kind, None) for kind in reports or ()]
    return [(str(kind), plain(str(target or ""))) for kind, target in pairs if kind]


class Checkpoints:
    """Puts what pytest-cov has measured so far on the disk, now and then: a process that is killed saves nothing."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugin = config.pluginmanager.get_plugin("_cov")
        self._now = time.monotonic  # as it is now: tests freeze it
        self._last = self._now()

    def __call__(self) -> None:
        """After a test."""
        if self._plugin is None or self._now() - self._last < _INTERVAL:
            return
        measuring = getattr(getattr(self._plugin, "cov_controller", None), "cov", None)
        collector = getattr(measuring, "_collector", None)
        flush = getattr(collector, "flush_data", None)  # private; what is public warns of what is not measured yet
        if flush is not None:
            flush()
        self._last = self._now()

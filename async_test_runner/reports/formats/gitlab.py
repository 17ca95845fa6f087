"""Code quality of GitLab: what a merge request should show that is no failure.

An array of findings: leaks, flaky tests, and tests that depend on their order. Failures are in the JUnit XML, which
GitLab reads too. A fingerprint is made of the kind, the test and what was found, not of the line: a finding that only
moves is no new one. GitLab drops findings with equal fingerprints, so each stands once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from ...model.errors import ExitCode
from ...model.result import RunResult, TestResult
from ..wording import reasons, rechecks
from ..wording.text import as_json, one_line
from ..wording.words import leak_line
from .format import Format

_DESCRIPTION = 1000


def render(result: RunResult, _code: ExitCode, *, project: str = "") -> Iterator[bytes]:
    """The document. ``project`` is the directory of the checkout; without it, the plan's."""
    found: dict[str, dict[str, Any]] = {}
    for test in result.tests():
        path = reasons.place(result, test.file, project)
        if path:
            for finding in _findings(test, path):
                found.setdefault(finding["fingerprint"], finding)
    yield as_json(list(found.values()), indent=1).encode() + b"\n"


FORMAT = Format(
    key="gitlab",
    file="gl-code-quality.json",
    title="the code quality report of GitLab",
    example="reports/gl-code-quality.json",
    flag="",
    render=lambda result, code, environ: render(result, code, project=environ.get("CI_PROJECT_DIR", "")),
    always=False,
    service="GITLAB_CI",
)


def _findings(test: TestResult, path: str) -> Iterator[dict[str, Any]]:
    if test.flaky:
        yield _finding(test, path, "flaky", "", rechecks.flaky(test), "major")
    if test.order_dependent:
        yield _finding(test, path, "order_dependent", "", rechecks.said(test), "major")
    for leak in test.leaks:
        yield _finding(test, path, f"leak.{leak.kind}", leak.what, f"leaves behind {leak_line(leak)}", "minor")


def _finding(test: TestResult, path: str, kind: str, what: str, said: str, severity: str) -> dict[str, Any]:
    key = "\0".join((kind, test.id, what)).encode("utf-8", "backslashreplace")
    return {
        "description": one_line(f"{test.id}: {said}")[:_DESCRIPTION],
        "check_name": f"async-test-run.{kind}",
        "fingerprint": hashlib.sha256(key).hexdigest(),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(1, test.line)}},
    }

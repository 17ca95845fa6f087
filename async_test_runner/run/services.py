"""What a run does for the CI service whose job it is part of, besides the lines of its log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import get_args

from ..model.errors import ExitCode
from ..model.plan import Plan
from ..model.result import RunResult
from ..record.events import Service
from ..reports.formats import FORMATS, markdown
from ..system.files import opened

_SUMMARY = "GITHUB_STEP_SUMMARY"
_IN_A_TEST = "PYTEST_CURRENT_TEST"  # pytest sets it: who is started by a test is no step of the job
_LEAST = 2000  # bytes that a summary needs to be worth a look


def service_of(environ: Mapping[str, str], plan: Plan) -> Service:
    """The service that says that it runs us, unless the plan switches that off or a test has started this run."""
    if _IN_A_TEST in environ:
        return "none"
    known: tuple[Service, ...] = get_args(Service)
    for key in known:
        if key != "none" and key not in plan.silent and environ.get(FORMATS[key].service) == "true":
            return key
    return "none"


def annotated(service: Service, result: RunResult, code: ExitCode, environ: Mapping[str, str]) -> list[str]:
    """The lines of the log that become annotations."""
    if service != "github":
        return []
    return [line.decode().rstrip("\n") for line in FORMATS["github"].render(result, code, environ)]


def add_summary(service: Service, result: RunResult, code: ExitCode, environ: Mapping[str, str]) -> str:
    """Append the run to the page of the step. Returns why that could not be done, empty where there is none to do.

    The service refuses the whole of a file that is too large, and other commands of the step may have written to it.
    """
    path = environ.get(_SUMMARY, "")
    if service != "github" or not path:
        return ""
    try:
        with open(path, "ab", opener=opened) as file:
            budget = markdown.BUDGET - os.fstat(file.fileno()).st_size
            if budget < _LEAST:
                return "the summary of the step is full: this run is not in it"
            file.writelines(markdown.render(result, code, budget=budget))
    except OSError as error:
        return f"cannot write the summary of the step to {path}: {error.strerror}"
    return ""

"""Sections of a log, read back as the services document them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.record.events import Service
from async_test_runner.reports.terminal.sections import Sections

_GITLAB = re.compile(r"\x1b\[0Ksection_(start|end):(\d+):([A-Za-z0-9_.-]+)\r\x1b\[0K(.*)\n")


def sections(service: Service) -> Sections:
    made = Sections()
    made.service = service
    return made


def test_github_has_a_group_and_its_end() -> None:
    made = sections("github")
    assert made.ended(["a"], 1.0) == ""
    assert made.begun(["a"], 1.0) == "::group::phase a\n"
    assert made.begun(["a"], 2.0) == made.ended(["a"], 2.0) == ""
    assert made.ended(["a", "b"], 3.0) == "::endgroup::\n"
    assert made.begun(["a", "b"], 3.0) == "::group::phases a, b\n"
    assert made.ended([], 4.0) == "::endgroup::\n"
    assert made.begun([], 4.0) == made.ended([], 5.0) == ""


def test_gitlab_has_a_section_with_a_name_and_a_time() -> None:
    made = sections("gitlab")
    assert made.begun(["a"], 17.9) == "\x1b[0Ksection_start:17:phases_1\r\x1b[0Kphase a\n"
    assert made.ended([], 18.0) == "\x1b[0Ksection_end:18:phases_1\r\x1b[0K\n"
    assert made.begun(["a"], 19.0) == "\x1b[0Ksection_start:19:phases_2\r\x1b[0Kphase a\n"


def test_a_log_that_no_service_reads_has_none() -> None:
    made = sections("none")
    assert made.begun(["a"], 1.0) + made.ended([], 1.0) == ""


@pytest.mark.parametrize("service", ["github", "gitlab"])
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c%"]), unique=True), max_size=12))
def test_each_section_ends_before_the_next_begins(service: Service, steps: list[list[str]]) -> None:
    made = sections(service)
    said = "".join(made.ended(step, 1.0) + made.begun(step, 1.0) for step in [*steps, []])
    open_: list[str] = []
    for line in said.splitlines(keepends=True) if service == "github" else [m[0] for m in _GITLAB.finditer(said)]:
        begins = line.startswith("::group::") or "section_start" in line
        name = "" if service == "github" else _GITLAB.fullmatch(line)[3]  # type: ignore[index]
        if begins:
            assert not open_
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    assert said.count("\n") == said.count("group::") or service == "gitlab"

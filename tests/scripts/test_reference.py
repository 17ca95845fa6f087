"""What the documentation takes from the code."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import get_args

import pytest

from async_test_runner.model.inventory import TestRef
from async_test_runner.model.result import RunResult
from async_test_runner.record import events
from async_test_runner.reports.formats import summary

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
before = list(sys.path)
sys.path.insert(0, str(SCRIPTS))
import reference  # noqa: E402

sys.path[:] = before


def test_a_part_is_written_between_its_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference.PARTS, "plan", lambda: "new\n")
    page = "a\n<!-- generated: plan -->\nold\n<!-- end of generated -->\nb\n"
    written = reference.current(page)
    assert written == "a\n<!-- generated: plan -->\n\nnew\n\n<!-- end of generated -->\nb\n"
    assert reference.current(written) == written


def test_every_event_has_its_keys_types_and_comments() -> None:
    text = reference.journal()
    assert all(f"### `{event.__struct_config__.tag}`\n" in text for event in get_args(events.Event))
    assert "| `status` | whole number |  |  |" in text
    assert "| `call` | number or null | `null` | seconds of the call alone |" in text
    assert "| `leak` | [Leak](#leak) |  |  |" in text


def test_a_value_that_is_a_list_says_so() -> None:
    assert "A list: id, file, line." in list(reference._struct(TestRef))


def test_every_key_of_the_summary_is_described() -> None:
    text = reference.summary_keys()
    result = RunResult(run_id="r", plan="p", plan_path="p.yaml", root="/", at=0.0, wall=0.0)
    first = [line.split(" | ")[0] for line in text.splitlines()]
    described = [name for cell in first if cell.startswith("| `") for name in re.findall(r"`(\w+)`", cell)]
    assert described == list(json.loads(summary.render(result, 0)))
    assert "sequences[sequence] ran before it |" in text


def test_a_picture_keeps_the_first_lines_of_a_block() -> None:
    lines = ["HANGS", "│ 1", "│ 2", "│ 3", "│ 4", "", "slowest tests", "  1s a", "", "leaks", "  b"]
    assert list(reference.shortened(lines)) == ["HANGS", "│ 1", "│ 2", "│ …", "", "leaks", "  b"]


def test_a_picture_shows_what_failed() -> None:
    lines = ["reports", "  a.xml", "", "failures", "  FAILED a", "", "FAILED 1 failed in 1s (exit 1)"]
    assert list(reference.shortened(lines)) == ["…", "", *lines[3:]]


def test_a_picture_leaves_out_where_the_reports_are() -> None:
    lines = ["leaks", "  b", "", "reports", "  junit  a.xml", "", "PASSED 1 passed in 1s (exit 0)"]
    assert list(reference.shortened(lines)) == ["leaks", "  b", "", "…", "", "PASSED 1 passed in 1s (exit 0)"]


def test_the_page_of_plugins_says_what_is_tested() -> None:
    page = (SCRIPTS.parent / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert "| syrupy " in page
    assert reference.current(page) == page, "python scripts/reference.py"

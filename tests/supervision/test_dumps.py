"""Bare stacks become a hang report."""

from __future__ import annotations

import pytest

from async_test_runner.supervision.dumps import described

DUMP = """\
Thread 0x00007f0000000002 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
  File "/work/app/worker.py", line 5 in loop

Current thread 0x00007f0000000001 (most recent call first):
  File "/usr/lib/python3.12/re/__init__.py", line 166 in match
  File "/venv/lib/python3.12/site-packages/lib/x.py", line 1 in f
  File "tests/test_a.py", line 7 in test_a
  File "/venv/lib/python3.12/site-packages/_pytest/python.py", line 187 in pytest_pyfunc_call
"""


def test_the_projects_innermost_line_of_the_main_thread_comes_first() -> None:
    said = described(DUMP)
    assert said.likely.startswith("tests/test_a.py:7 in test_a  (")
    assert said.text.startswith(f"most likely: {said.likely}\n")
    assert DUMP.strip() in said.text


def test_without_a_line_of_the_project_the_innermost_one_stands() -> None:
    text = 'Thread 0x01 (most recent call first):\n  File "/usr/lib/python3.11/re/__init__.py", line 1 in match\n'
    assert described(text).likely.startswith("/usr/lib/python3.11/re/__init__.py:1 in match")


@pytest.mark.parametrize("text", ["nonsense", "Current thread 0x01 (most recent call first):\n  <no Python frame>"])
def test_what_holds_no_frame_is_shown_all_the_same(text: str) -> None:
    assert "C" in described(text).likely
    assert text in described(text).text


def test_without_one_what_runs_tests_is_passed_over() -> None:
    library = '  File "/usr/lib/python3.11/threading.py", line 320 in wait\n'
    ours = '  File "/x/async_test_run_inside/leaks/births.py", line 121 in __init__\n'
    pytests = '  File "/x/site-packages/_pytest/runner.py", line 7 in from_call\n'
    thread = "Thread 0x01 (most recent call first):\n"
    said = described(f"{thread}{ours}{library}{pytests}")
    assert said.likely.startswith("/usr/lib/python3.11/threading.py:320 in wait")
    assert described(f"{thread}{ours}{pytests}").likely == "it does not return from C, or keeps Python's lock there"


def test_silence_is_said() -> None:
    assert described(" \n").likely == ""
    assert "does not answer" in described("").text


def test_the_report_is_bounded() -> None:
    assert len(described(DUMP * 10_000).text) < 40_000

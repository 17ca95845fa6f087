"""The words for a process that died."""

from __future__ import annotations

import pytest

from async_test_runner.words.deaths import crash, describe_death, of_test


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-9, "its process was killed by SIGKILL"),
        (-64, "its process was killed by SIGRTMAX"),
        (-99, "its process was killed by signal 99"),
        (0, "its process exited with 0 before finishing"),
        (3, "its process exited with 3 before finishing"),
    ],
)
def test_a_death_in_words(status: int, said: str) -> None:
    assert describe_death(status) == said


STACK = """.Fatal Python error: Segmentation fault

Thread 0x01 (most recent call first):
  File "/usr/lib/python3/threading.py", line 1 in wait

Current thread 0x02 (most recent call first):
  File "/home/me/test_a.py", line 4 in test_crashes
  File "/v/site-packages/_pytest/python.py", line 187 in pytest_pyfunc_call
  File "/v/site-packages/pluggy/_callers.py", line 1 in _multicall
  File "/v/site-packages/pytest/__main__.py", line 9 in <module>
  File "<frozen runpy>", line 88 in _run_code

Extension modules: msgspec._core (total: 1)
F                                            [100%]
"""


def test_a_crash_is_its_stack_without_the_frames_of_pytest() -> None:
    assert crash("collected 2 items\n" + STACK).splitlines() == [
        "Fatal Python error: Segmentation fault",
        "",
        "Thread 0x01 (most recent call first):",
        '  File "/usr/lib/python3/threading.py", line 1 in wait',
        "",
        "Current thread 0x02 (most recent call first):",
        '  File "/home/me/test_a.py", line 4 in test_crashes',
        "  … 4 frames of pytest",
    ]


def test_a_stack_that_ends_with_frames_of_pytest_counts_them() -> None:
    text = 'Fatal Python error: Aborted\n  File "/p/test_a.py", line 1 in f\n  File "/v/pluggy/x.py", line 1 in g'
    assert crash(text).splitlines()[-1] == "  … 1 frames of pytest"


def test_two_crashes_of_one_log_are_both_told() -> None:
    assert crash(STACK + STACK).count("Segmentation fault") == 2


@pytest.mark.parametrize("log", ["", "collected 3 items\n..F", "no Fatal error"])
def test_a_log_without_a_crash_says_nothing(log: str) -> None:
    assert crash(log) == ""


def test_of_several_stacks_a_test_has_its_own_and_the_latest() -> None:
    one, two = (f'Fatal Python error: {n}\n  File "a.py", line {n} in test_a' for n in (1, 2))
    other = 'Fatal Python error: 3\n  File "a.py", line 3 in test_b'
    assert of_test("a.py::TestIt::test_a[x]", f"{one}\n{two}\n{other}") == two
    assert of_test("a.py::test_c", f"{one}\n{other}") == ""
    assert of_test("a.py::test_b", f"its report\n\n{other}") == f"its report\n\n{other}"
    assert of_test("a.py::test_b", "\nthe end of a log\n") == "the end of a log"

"""What was left, as text: places of code, and nothing of a test's object asked that could do harm."""

from __future__ import annotations

import functools
import sys

from async_test_run_inside.leaks import found


class Job:
    def run(self) -> None:
        """Something to find."""

    def __call__(self) -> None:
        """An instance that is called."""


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_the_place_of_a_function_a_method_and_a_partial_is_its_first_line() -> None:
    line = Job.run.__code__.co_firstlineno
    assert found.code_place(Job.run).endswith(f"test_found.py:{line} in Job.run")
    assert found.code_place(Job().run) == found.code_place(functools.partial(Job().run)) == found.code_place(Job.run)


def test_what_has_no_code_is_known_by_its_type() -> None:
    assert found.code_place(Job()) == f"{__name__}.Job"
    assert found.code_place(len) == "builtins.builtin_function_or_method"


def test_an_exception_whose_text_cannot_be_had_is_named_all_the_same() -> None:
    assert found.message_of(HostileError()) == "HostileError: <its text could not be had: RuntimeError>"
    assert found.message_of(ValueError("x")) == "ValueError: x"
    assert found.message_of(ValueError()) == "ValueError"


def test_the_own_frame_is_the_innermost_outside_the_standard_library() -> None:
    def key(value: int) -> int:
        frames.append(sys._getframe())
        return value

    frames: list[object] = []
    functools.reduce(lambda a, b: a, map(key, [1]))
    assert found.own_frame(frames[0]) is frames[0]  # type: ignore[arg-type]
    assert found.own_frame(None) is None

"""Checks that a double was awaited, and not only called. What they say explains the difference."""

from __future__ import annotations

from typing import Any
from unittest.mock import call


def assert_awaited(double: Any, *args: Any, **kwargs: Any) -> None:
    """It was awaited; with arguments given, at least once with these."""
    _check(double)
    if not double.await_count:
        raise AssertionError(_never(double))
    if (args or kwargs) and call(*args, **kwargs) not in double.await_args_list:
        raise AssertionError(f"{_name(double)} was not awaited with {_call(args, kwargs)}; {_awaits(double)}")


def assert_awaited_once(double: Any, *args: Any, **kwargs: Any) -> None:
    """It was awaited exactly once; with arguments given, with these."""
    assert_awaited(double, *args, **kwargs)
    if double.await_count > 1:
        raise AssertionError(f"{_name(double)} was awaited {double.await_count} times, not once; {_awaits(double)}")
    _check_lost_calls(double)


def assert_not_awaited(double: Any) -> None:
    """It was neither awaited nor called."""
    _check(double)
    if double.await_count:
        raise AssertionError(f"{_name(double)} was awaited {double.await_count} times; {_awaits(double)}")
    _check_lost_calls(double)


def _check(double: Any) -> None:
    if not isinstance(getattr(double, "await_count", None), int):
        raise AssertionError(
            f"{_name(double)} is a {type(double).__name__}: awaiting its result raises a TypeError. "
            "Use AsyncMock for what is awaited"
        )


def _never(double: Any) -> str:
    if not double.call_count:
        return f"{_name(double)} was neither called nor awaited"
    return (
        f"{_name(double)} was called {_times(double.call_count)} and never awaited: its caller forgot an `await`, or "
        f"gave the coroutine to something that dropped it. Calls: {list(double.call_args_list)}"
    )


def _check_lost_calls(double: Any) -> None:
    lost = double.call_count - double.await_count
    if lost > 0:
        raise AssertionError(
            f"{_name(double)} was called {_times(double.call_count)} and awaited {_times(double.await_count)}: "
            f"{lost} of its coroutines never ran. Calls: {list(double.call_args_list)}"
        )


def _awaits(double: Any) -> str:
    return f"its awaits were: {list(double.await_args_list)}"


def _name(double: Any) -> str:
    getter = getattr(double, "_extract_mock_name", None)
    return getter() if getter is not None else repr(double)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _call(args: Any, kwargs: Any) -> str:
    return str(call(*args, **kwargs)).removeprefix("call")

"""A signal that asks a session to end, and who gets it while the session has workers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from async_test_run_inside.forks import interrupting
from async_test_run_inside.forks.interrupting import Interruption, signal_group

from tests.inside.forks.played import NO_PROCESS

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[int]]:
    """What comes to the handlers that the project has installed; afterwards there are those of this process again."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda got, frame: numbers.append(got)) for number in NUMBERS}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The groups that were signalled, and with what."""
    pairs: list[tuple[int, int]] = []
    monkeypatch.setattr(interrupting, "_killpg", lambda group, number: pairs.append((group, number)))
    return pairs


def installed(*groups: int) -> Interruption:
    it = Interruption(lambda: groups)
    it.install()
    return it


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_goes_to_every_group_and_not_to_the_handler_of_the_session(
    number: int, heard: list[int], sent: list[tuple[int, int]]
) -> None:
    it = installed(7, 8)
    signal.raise_signal(number)
    assert sent == [(7, number), (8, number)]
    assert heard == []
    assert it.number == number


def test_the_first_signal_is_the_one_that_counts_and_later_ones_are_handed_on_too(sent: list[tuple[int, int]]) -> None:
    it = installed(7)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert it.number == signal.SIGTERM
    assert sent == [(7, signal.SIGTERM), (7, signal.SIGINT)]


def test_what_is_ignored_stays_ignored(sent: list[tuple[int, int]]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    it = installed(7)
    signal.raise_signal(signal.SIGHUP)
    assert (it.number, sent) == (0, [])
    it.give_back()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_at_the_end_the_handlers_are_as_they_were(heard: list[int], sent: list[tuple[int, int]]) -> None:
    it = installed(7)
    it.give_back()
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert sent == []
    assert it.number == 0


def test_the_session_ends_as_if_the_signal_had_come_to_itself(heard: list[int], sent: list[tuple[int, int]]) -> None:
    it = installed()
    signal.raise_signal(signal.SIGTERM)
    it.give_back()
    assert heard == []
    with pytest.raises(pytest.exit.Exception, match="interrupted by SIGTERM"):
        it.conclude()
    assert heard == [signal.SIGTERM]


def test_a_session_to_which_nothing_came_goes_on() -> None:
    it = installed(7)
    it.give_back()
    it.conclude()


def test_a_worker_that_was_forked_meanwhile_gets_what_came_before(sent: list[tuple[int, int]]) -> None:
    it = installed()
    it.forward(7)
    assert sent == []
    signal.raise_signal(signal.SIGINT)
    it.forward(8)
    assert sent == [(8, signal.SIGINT)]


def test_what_comes_to_a_fork_before_it_has_its_handlers_comes_to_these(
    monkeypatch: pytest.MonkeyPatch, heard: list[int], sent: list[tuple[int, int]]
) -> None:
    it = installed(7)
    monkeypatch.setattr(interrupting, "_getpid", lambda: NO_PROCESS)  # as in a fork
    signal.raise_signal(signal.SIGTERM)
    assert (it.number, sent, heard) == (0, [], [])
    it.give_back()
    assert heard == [signal.SIGTERM]


def test_a_group_that_is_gone_is_no_error() -> None:
    signal_group(NO_PROCESS, signal.SIGTERM)


def test_a_group_that_is_gone_keeps_the_signal_from_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[int] = []

    def kill(group: int, number: int) -> Any:
        if group == 7:
            raise ProcessLookupError
        reached.append(group)

    monkeypatch.setattr(interrupting, "_killpg", kill)
    installed(7, 8)
    signal.raise_signal(signal.SIGTERM)
    assert reached == [8]

"""A session and its workers: who gets which tests, what is told of them, and what a death leaves to do."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.forks import frames, pool
from async_test_run_inside.forks.polling import readable
from async_test_run_inside.forks.preloading import Memory
from async_test_run_inside.wire import messages

from tests.inside.forks.played import EXITED_3, KILLED, NO_PROCESS, Play, PlayedNursery, ToldRunner, Voice, runs
from tests.support.inside import Config, Item, Session, close, settings


class Stage:
    """A pool whose workers are played."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        self._patch = patch
        self._pools: list[pool.Pool] = []
        self.killed: list[int] = []  # groups
        self.failed = 0  # tests that the session has counted before
        self.runner = ToldRunner()
        self.config = Config()
        self.hooks = self.config.hook
        patch.setattr(pool, "signal_group", lambda group, number: self.killed.append(group))

    def item(self, name: str, *resources: str) -> Item:
        return Item(name, self.config, resources)

    def run(self, *units: str, play: Play = runs, held: dict[str, str] | None = None, **values: Any) -> Session:
        """Run units of tests (``"a b"``), each in a worker; the session is `self.session` though this raises."""
        names = [name for unit in units for name in unit.split()]
        asked = {"divided": True, "units": [unit.split() for unit in units], **values}
        return self._run(names, play, asked, held or {})

    def run_undivided(self, *names: str, play: Play = runs, workers: int = 2, **values: Any) -> Session:
        """Run tests in workers that pull groups of them."""
        return self._run(list(names), play, {"divided": False, "workers": workers, **values}, {})

    def _run(self, names: list[str], play: Play, values: dict[str, Any], held: dict[str, str]) -> Session:
        items = [self.item(name, *held.get(name, "").split()) for name in names]
        self.session = Session(*items)
        self.session.testsfailed = self.failed
        self.nursery = PlayedNursery(items, play)
        self._patch.setattr(pool, "Nursery", lambda work, forks: self.nursery)
        it = self.pool(**{"workers": 2, "tests": names, **values})
        assert it.run(self.session)
        return self.session

    def pool(self, **values: Any) -> pool.Pool:
        """A pool with these settings; `close` gives back what it opens."""
        self._pools.append(pool.Pool(settings(self._directory, **values), self.runner))
        return self._pools[-1]

    def close(self) -> None:
        """Give back the files of all pools."""
        for it in self._pools:
            close(*it._wires)
            for fd in it._stacks:
                os.close(fd)

    def reports(self) -> list[str]:
        """``name=outcome`` of each report that the session's plugins have heard, in their order."""
        made = [call["report"] for call in self.hooks.named("pytest_runtest_logreport")]
        return [f"{report.nodeid.partition('::')[2]}={report.outcome}" for report in made]

    def text(self, name: str) -> str:
        (found,) = [
            str(call["report"].longrepr)
            for call in self.hooks.named("pytest_runtest_logreport")
            if call["report"].nodeid.endswith(f"::{name}")
        ]
        return found

    def units(self) -> list[str]:
        """The tests that each worker was asked for, by name."""
        names = [item.name for item in self.session.items]
        return [" ".join(names[position] for position in unit or []) for _, unit in self.nursery.forks]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    it = Stage(tmp_path, monkeypatch)
    yield it
    it.close()


def once(name: str, then: Play) -> Play:
    """Something that happens to the first worker that has this test; the others run theirs."""
    happened: list[bool] = []

    def play(voice: Voice, unit: list[int]) -> int | None:
        names = [item.name for item in voice._items]
        if name in [names[position] for position in unit] and not happened:
            happened.append(True)
            return then(voice, unit)
        return runs(voice, unit)

    return play


# -------------------------------------------------------------------------------------------------------- scheduling


def test_each_unit_of_a_divided_phase_has_a_worker_and_every_test_is_told_once(stage: Stage) -> None:
    stage.run("a fails_b", "c")
    assert stage.units() == ["a fails_b", "c"]
    assert sorted(stage.reports()) == ["a=passed", "c=passed", "fails_b=failed"]
    told = [(name, arguments.get("nodeid")) for name, arguments in stage.hooks.calls]
    for name in ("a", "fails_b", "c"):
        assert told.count(("pytest_runtest_logstart", f"test_a.py::{name}")) == 1
        assert told.count(("pytest_runtest_logfinish", f"test_a.py::{name}")) == 1
    assert stage.runner.said == []
    assert stage.runner.is_silent


def test_a_report_says_which_worker_made_it(stage: Stage) -> None:
    stage.run("a", "b", workers=2)
    made = [call["report"] for call in stage.hooks.named("pytest_runtest_logreport")]
    assert {report.nodeid: report.worker_id for report in made} == {"test_a.py::a": "gw0", "test_a.py::b": "gw1"}


def test_what_arrives_in_pieces_is_put_together(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_read", lambda fd, size: os.read(fd, 7))
    stage.run("a", "fails_b")
    assert sorted(stage.reports()) == ["a=passed", "fails_b=failed"]


def test_all_that_a_worker_has_said_is_heard_though_its_end_is_known_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def news_first(listened: list[int]) -> set[int]:
        ready = readable(listened)
        return {listened[0]} if listened[0] in ready else ready

    monkeypatch.setattr(pool, "readable", news_first)
    stage.run("a", "b")
    assert sorted(stage.reports()) == ["a=passed", "b=passed"]
    assert stage.units() == ["a", "b"]


def test_there_are_never_more_workers_than_the_phase_has_and_their_numbers_are_used_again(stage: Stage) -> None:
    stage.run("a", "b", "c", "d", "e", workers=2)
    assert stage.nursery.most == 2
    assert {number for number, _ in stage.nursery.forks} == {0, 1}
    assert len(stage.reports()) == 5


def test_units_keep_the_order_of_the_collection(stage: Stage) -> None:
    stage.run("c a", "b", workers=1)
    assert stage.units() == ["c a", "b"]


def test_workers_of_an_undivided_phase_live_until_there_is_nothing_to_do(stage: Stage) -> None:
    names = [f"t{number}" for number in range(40)]
    stage.run_undivided(*names, workers=2)
    assert [number for number, _ in stage.nursery.forks] == [0, 1]
    ran = sorted(position for orders in stage.nursery.orders for group in orders for position in group)
    assert ran == list(range(40))
    assert len(stage.reports()) == 40


def test_a_worker_knows_its_next_group_before_it_has_finished_the_first(stage: Stage) -> None:
    stage.run_undivided("a", "b", "c", "d", workers=1)
    assert stage.nursery.orders == [[[0], [1], [2], [3]]]
    assert stage.nursery.at_hand[0][0] == 2


def test_units_that_hold_one_resource_are_never_at_work_together(stage: Stage) -> None:
    held = {"a": "database", "b": "database", "c": "database", "d": "", "e": ""}
    together: list[set[str]] = []

    def play(voice: Voice, unit: list[int]) -> int | None:
        numbers = stage.nursery._alive
        together.append({stage.units()[pid - NO_PROCESS - 1] for pid in numbers})
        return runs(voice, unit)

    stage.run("a", "b", "c", "d", "e", workers=3, held=held, capacities=(("database", 1),), play=play)
    assert len(stage.reports()) == 5
    assert all(len(names & {"a", "b", "c"}) <= 1 for names in together)
    assert any("d" in names and "e" in names for names in together)


@pytest.mark.parametrize(("capacity", "most"), [(("port", 2), 2), (("of another", 2), 1)])
def test_a_resource_is_held_by_as_many_as_it_has_room_for_one_by_default(
    stage: Stage, capacity: tuple[str, int], most: int
) -> None:
    stage.run("a", "b", "c", workers=3, held=dict.fromkeys("abc", "port"), capacities=(capacity,))
    assert stage.nursery.most == most


def test_a_resource_that_the_phase_holds_as_a_whole_keeps_nobody_waiting(stage: Stage) -> None:
    held = dict.fromkeys("ab", "port")
    stage.run("a", "b", workers=2, held=held, capacities=(("port", 1),), resources=("port",))
    assert stage.nursery.most == 2


# ---------------------------------------------------------------------------------------------------- enough, or stop


def test_when_enough_tests_have_failed_no_other_worker_starts(stage: Stage) -> None:
    def then(name: str, arguments: dict[str, Any]) -> None:
        if name == "pytest_runtest_logreport" and arguments["report"].failed:
            stage.session.shouldfail = "stopping after 1 failures"

    stage.hooks.then = then
    with pytest.raises(pytest.Session.Failed, match="stopping after 1 failures"):
        stage.run("fails_a", "b", "c", workers=1)
    assert stage.units() == ["fails_a"]


def test_what_is_left_of_a_unit_is_not_run_when_enough_have_failed(stage: Stage) -> None:
    def stops(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, [unit[0]])
        return 0

    def then(name: str, arguments: dict[str, Any]) -> None:
        if name == "pytest_runtest_logreport" and arguments["report"].failed:
            stage.session.shouldfail = "stopping after 1 failures"

    stage.hooks.then = then
    stage.config.option.maxfail = 1
    with pytest.raises(pytest.Session.Failed):
        stage.run("fails_a b", "c", workers=1, play=stops)
    assert stage.units() == ["fails_a b"]
    assert stage.runner.said == []
    assert stage.nursery.failures == [1]


@pytest.mark.parametrize(("maxfail", "failed", "left"), [(0, 5, 0), (3, 0, 3), (3, 2, 1), (3, 3, 1)])
def test_a_worker_knows_how_many_failures_it_may_have(stage: Stage, maxfail: int, failed: int, left: int) -> None:
    stage.config.option.maxfail = maxfail
    stage.failed = failed
    stage.run("a", workers=1)
    assert stage.nursery.failures == [left]


def test_a_test_that_stops_its_session_stops_it_in_all_workers(stage: Stage) -> None:
    def stops(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, unit)
        voice.say(frames.Stopped("a plugin has had enough"))
        return None

    with pytest.raises(pytest.Session.Interrupted, match="a plugin has had enough"):
        stage.run("a", "b", workers=1, play=once("a", stops))
    assert stage.reports() == ["a=passed"]


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """SIGTERM as a test's own handler hears it."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_a_signal_ends_the_session_after_its_workers_as_if_it_had_come_to_itself(
    stage: Stage, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(
        "async_test_run_inside.forks.interrupting.signal_group", lambda group, number: sent.append((group, number))
    )

    def interrupted(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, unit)
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
        return None

    with pytest.raises(pytest.exit.Exception, match="interrupted by SIGTERM"):
        stage.run("a", "b", "c", workers=2, play=once("a", interrupted))
    assert stage.units() == ["a", "b"]
    assert heard == [signal.SIGTERM]
    assert {number for _, number in sent} == {signal.SIGTERM}
    assert {group for group, _ in sent} == {NO_PROCESS + 1, NO_PROCESS + 2}


# ------------------------------------------------------------------------------------------------------------ deaths


def dies_in(position: int, raw: int, *said: frames.Fact) -> Play:
    """Dies in the test at this place of the unit, after saying some more."""

    def play(voice: Voice, unit: list[int]) -> int | None:
        for before in unit[:position]:
            voice.run(before)
        for fact in (frames.Began(unit[position]), *said):
            voice.say(fact)
        return raw

    return play


@pytest.mark.parametrize(
    ("raw", "words"),
    [(KILLED, "its process was killed by signal 9"), (EXITED_3, "its process exited with 3")],
)
def test_a_death_costs_the_test_in_flight_and_the_rest_of_the_unit_has_another_worker(
    stage: Stage, raw: int, words: str
) -> None:
    stage.run("a b c", play=once("a", dies_in(1, raw)))
    assert stage.reports() == ["a=passed", "b=failed", "c=passed"]
    assert stage.text("b") == words
    assert stage.units() == ["a b c", "c"]
    assert stage.runner.said == [messages.worker_died("b", "gw0", os.waitstatus_to_exitcode(raw))]


def test_a_worker_that_says_why_it_ends_is_quoted(stage: Stage) -> None:
    why = "it ended pytest's session before it was finished: Exit: enough"
    stage.run("a", play=once("a", dies_in(0, EXITED_3, frames.Dying(why))))
    assert stage.text("a") == why
    assert stage.runner.said == [messages.worker_died("a", "gw0", 3, why)]


def test_a_death_in_an_undivided_phase_costs_one_test_and_no_other_is_lost(stage: Stage) -> None:
    names = [f"t{number}" for number in range(12)]
    stage.run_undivided(*names, workers=2, play=once("t3", dies_in(0, KILLED)))
    assert sorted(stage.reports()) == sorted(f"{name}=failed" if name == "t3" else f"{name}=passed" for name in names)


def test_a_worker_that_dies_before_its_first_test_is_replaced(stage: Stage) -> None:
    stage.run("a b", play=once("a", lambda voice, unit: KILLED))
    assert stage.units() == ["a b", "a b"]
    assert stage.reports() == ["a=passed", "b=passed"]


def test_a_test_before_which_two_workers_have_died_is_left_to_the_runner(stage: Stage) -> None:
    def play(voice: Voice, unit: list[int]) -> int | None:
        return KILLED if unit[0] == 0 else runs(voice, unit)

    stage.run("a b", play=play)
    assert stage.units() == ["a b", "a b", "b"]
    assert stage.reports() == ["b=passed"]


def test_a_worker_that_leaves_without_running_its_tests_is_told_and_they_are_run(stage: Stage) -> None:
    stage.run("a", play=once("a", lambda voice, unit: 0))
    assert stage.reports() == ["a=passed"]
    assert stage.runner.said == [messages.worker_lost("gw0", "it left without running its tests")]


def after_its_last_test(*said: frames.Fact) -> Play:
    def play(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, unit)
        for fact in said:
            voice.say(fact)
        return EXITED_3

    return play


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ((), "its process exited with 3, after its last test"),
        ((frames.Broken("ValueError: in a plugin"),), "ValueError: in a plugin, after its last test"),
    ],
)
def test_a_worker_that_fails_after_its_last_test_is_told(
    stage: Stage, said: tuple[frames.Fact, ...], text: str
) -> None:
    stage.run("a", play=after_its_last_test(*said))
    assert stage.reports() == ["a=passed"]
    assert stage.runner.said == [messages.worker_lost("gw0", text)]


def test_exit_handlers_that_do_not_end_are_told_once_with_their_stacks(stage: Stage, tmp_path: Path) -> None:
    def hangs(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, unit)
        (tmp_path / "exit.gw0.txt").write_text("in sleeps_for_ever")
        return EXITED_3

    def fails(voice: Voice, unit: list[int]) -> int | None:
        return hangs(voice, unit) if unit == [0] else after_its_last_test()(voice, unit)

    stage.run("a", "b", workers=1, play=fails)
    assert stage.runner.said == [
        messages.left_behind("gw0", "exit handlers", "in sleeps_for_ever"),
        messages.worker_lost("gw0", "its process exited with 3, after its last test"),
    ]


def test_whatever_a_worker_left_in_its_group_is_killed_at_its_end(stage: Stage) -> None:
    stage.run("a", "b")
    assert sorted(stage.killed) == [NO_PROCESS + 1, NO_PROCESS + 2]


def test_a_bug_in_a_plugin_of_the_session_leaves_no_worker_behind(stage: Stage) -> None:
    def broken(name: str, arguments: dict[str, Any]) -> None:
        if arguments.get("nodeid") == "test_a.py::b":
            raise RuntimeError("in a plugin")

    stage.hooks.then = broken
    with pytest.raises(RuntimeError, match="in a plugin"):
        stage.run_undivided("a", "b")
    assert sorted(stage.killed) == [NO_PROCESS + 1, NO_PROCESS + 2]
    assert stage.nursery.is_closed


class Killed(BaseException):
    """The session has ended itself."""


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The processes that the session signals; it is gone when it kills itself."""
    pairs: list[tuple[int, int]] = []

    def kill(pid: int, number: int) -> None:
        pairs.append((pid, number))
        if (pid, number) == (os.getpid(), signal.SIGKILL):
            raise Killed

    monkeypatch.setattr(pool, "_kill", kill)
    return pairs


def test_a_session_whose_nursery_is_gone_ends_for_the_runner_to_find_out(
    stage: Stage, signalled: list[tuple[int, int]]
) -> None:
    def gone(voice: Voice, unit: list[int]) -> int | None:
        stage.nursery.is_gone = True
        return runs(voice, unit)

    with pytest.raises(Killed):
        stage.run("a", "b", workers=1, play=gone)


def nothing_at_first(patch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Nothing comes, as often as this."""
    left = [times]

    def waited(listened: list[int]) -> set[int]:
        left[0] -= 1
        return set() if left[0] >= 0 else readable(listened)

    patch.setattr(pool, "readable", waited)


def test_a_nursery_that_is_gone_without_a_word_is_found_by_looking(
    stage: Stage, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(voice: Voice, unit: list[int]) -> int | None:
        stage.nursery.is_lost = True
        return runs(voice, unit)

    nothing_at_first(monkeypatch)
    with pytest.raises(Killed):
        stage.run("a", play=lost)


@pytest.mark.parametrize(("letter", "continued"), [("T", True), ("t", True), ("S", False)])
def test_a_worker_that_somebody_has_stopped_before_its_test_goes_on(
    stage: Stage, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, letter: str, continued: bool
) -> None:
    monkeypatch.setattr(pool, "state", lambda pid: letter)
    waits = [False, True, False]  # its beginning is told, then nothing comes, then its end

    def waited(listened: list[int]) -> set[int]:
        return set() if waits and waits.pop(0) else readable(listened[:1] if waits else listened)

    monkeypatch.setattr(pool, "readable", waited)
    stage.run("a", workers=1)
    assert signalled == ([(NO_PROCESS + 1, signal.SIGCONT)] if continued else [])
    assert stage.reports() == ["a=passed"]


def test_a_worker_that_is_stopped_in_its_test_is_left_to_its_deadline(
    stage: Stage, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "state", lambda pid: "T")

    def stops(voice: Voice, unit: list[int]) -> int | None:
        voice.say(frames.Began(unit[0]))
        return KILLED

    waits = [False, False, True]  # both its beginnings are told, then nothing comes

    def waited(listened: list[int]) -> set[int]:
        if waits and waits.pop(0):
            return set()
        return readable(listened[1:] if len(listened) > 1 else listened)

    monkeypatch.setattr(pool, "readable", waited)
    stage.run("a", workers=1, play=stops)
    assert signalled == []


# ----------------------------------------------------------------------------------------------------------- imports


def imports(*names: str) -> Play:
    def play(voice: Voice, unit: list[int]) -> int | None:
        runs(voice, unit)
        voice.say(frames.Imported([*names]))
        return None

    return play


@pytest.mark.parametrize(("units", "preloaded"), [(9, [["json.tool"]]), (4, [])])
def test_what_one_worker_has_imported_is_imported_once_for_all_if_enough_are_to_come(
    stage: Stage, tmp_path: Path, units: int, preloaded: list[list[str]]
) -> None:
    memory = tmp_path / "memory.json"
    stage.run(*[f"t{number}" for number in range(units)], workers=1, play=imports("json.tool"), preload=str(memory))
    assert stage.nursery.preloaded == preloaded
    assert Memory(str(memory)).read() == ["json.tool"]


def test_orders_that_no_pipe_holds_are_sent_as_the_worker_reads_them(stage: Stage) -> None:
    it = stage.pool(workers=1)
    worker = pool._Worker(0, [])
    reading, worker.orders = os.pipe()
    os.set_blocking(worker.orders, False)
    unit = list(range(30_000))  # some 180 000 bytes
    it._send(worker, unit)
    received = b""
    while not received.endswith(b"\n"):
        received += os.read(reading, 1 << 16)
        it._send(worker)
    assert json.loads(received) == unit
    for fd in (reading, worker.orders):
        os.close(fd)


def test_a_worker_that_is_not_clean_any_more_leaves_its_rest_to_a_new_one(stage: Stage) -> None:
    def play(voice: Voice, unit: list[int]) -> int | None:
        voice.run(unit[0])
        if unit[1:]:
            voice.say(frames.Retired(unit[0]))
            return 0
        return None

    names = [f"t{n}" for n in range(16)]
    stage.run_undivided(*names, workers=1, play=play, clean=True)
    assert len(stage.nursery.forks) == 9  # groups of two: each first test is the last of its process
    assert not stage.runner.said


def soils(voice: Voice, unit: list[int]) -> int | None:
    """As a worker does whose first test is dirty."""
    voice.run(unit[0])
    voice.say(frames.Retired(unit[0]))
    return 0


def test_where_nearly_no_worker_stays_clean_each_gets_one_test_and_now_and_then_one_more(stage: Stage) -> None:
    names = [f"t{n}" for n in range(64)]
    stage.run_undivided(*names, workers=1, play=soils, clean=True)
    assert sorted(stage.reports()) == sorted(f"{name}=passed" for name in names)
    units = [unit for _, unit in stage.nursery.forks]
    assert units[:8] == [None] * 8
    lone = [unit for unit in units[8:] if unit is not None]
    assert {len(unit) for unit in lone} == {1}
    assert [number for number, unit in enumerate(units[8:], 1) if unit is None][:3] == [16, 32, 48]
    assert stage.nursery.expected == [64 - 8 - 1]
    assert len(stage.runner.said) == 1  # a notice


def test_workers_get_several_tests_again_once_one_stays_clean(stage: Stage) -> None:
    names = [f"t{n}" for n in range(80)]

    def play(voice: Voice, unit: list[int]) -> int | None:
        return soils(voice, unit) if unit[0] < 12 else runs(voice, unit)

    stage.run_undivided(*names, workers=1, play=play, clean=True)
    assert len(stage.nursery.forks) == 8 + 15 + 1
    assert len(stage.reports()) == 80


def test_without_clean_a_worker_that_dies_after_one_test_changes_nothing_for_the_others(stage: Stage) -> None:
    def play(voice: Voice, unit: list[int]) -> int | None:
        voice.run(unit[0])
        return 0 if unit[1:] else None

    stage.run_undivided(*(f"t{n}" for n in range(64)), workers=1, play=play)
    assert {unit for _, unit in stage.nursery.forks} == {None}

"""A worker, in a fork: what it runs, what it tells its session, and how it leaves."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from async_test_run_inside.collection import early_reads
from async_test_run_inside.forks import frames, worker
from async_test_run_inside.forks.worker import Work
from async_test_run_inside.wire import messages
from async_test_run_inside.wire.messages import Message

from tests.support.forks import ended, everything
from tests.support.inside import Item, RealConfig, Session, report, settings

pytestmark = [pytest.mark.processes, pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")]

NAMES = ("a", "b", "c")


class Notes:
    """Lines in a file, for whoever reads them when the fork is gone."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "notes.jsonl"

    def add(self, *words: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(words) + "\n")

    def read(self) -> list[list[Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []


class Telling:
    """In the place of the plugin `Running`."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.on_started: Callable[[], None] = lambda: None
        self.dirt = ""

    def retire(self, nodeid: str) -> None:
        self._notes.add("retired", nodeid)

    def become_worker(self, name: str, wire: object) -> None:
        self._notes.add("became", name, wire)

    def say(self, message: Message) -> None:
        self._notes.add("said", *message)


class Protocol:
    """A plugin that runs tests as pytest does; what a test does is a function by its name."""

    def __init__(self, telling: Telling, notes: Notes, bodies: dict[str, Callable[[], object]]) -> None:
        self._telling = telling
        self._notes = notes
        self._bodies = bodies

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool:
        self._notes.add("ran", item.name, nextitem.name if nextitem is not None else None)
        self._telling.on_started()
        self._bodies.get(item.name, lambda: None)()
        item.config.hook.pytest_runtest_logreport(report=report(item))
        return True


class Ending:
    """A plugin that knows workers: it hands something over at the end of one."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        self._notes.add("finished", exitstatus)
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput["of"] = session.config.workerinput["workerid"]


Said = TypeVar("Said", bound=frames.Fact)


class Worked:
    """A worker that has been, and what it has told its session."""

    def __init__(self, facts: list[frames.Fact], status: int, notes: list[list[Any]]) -> None:
        self.facts = facts
        self.status = status
        self.notes = notes

    def of_tests(self) -> list[str]:
        """What is told of each test: ``Began 0`` and so on."""
        kinds = (frames.Began, frames.Reported, frames.Ended)
        return [f"{type(fact).__name__} {fact.position}" for fact in self.facts if isinstance(fact, kinds)]

    def one(self, kind: type[Said]) -> Said:
        """The only fact of its kind."""
        (found,) = [fact for fact in self.facts if isinstance(fact, kind)]
        return found

    def noted(self, kind: str) -> list[list[Any]]:
        return [words[1:] for words in self.notes if words[0] == kind]


class NamedWire(str):
    """Stands for the file in which a worker says its facts."""

    __slots__ = ()

    def release(self) -> None:
        """It is another worker's."""


class Workshop:
    """Prepares the work of three tests, and forks a worker for some of them."""

    def __init__(self, directory: Path) -> None:
        self.notes = Notes(directory)
        self.bodies: dict[str, Callable[[], object]] = {}
        self.telling = telling = Telling(self.notes)
        self.config = RealConfig(Protocol(telling, self.notes, self.bodies), Ending(self.notes), maxfail=3)
        self.config.pluginmanager.register(object(), "terminalreporter")
        self.session = Session(*(Item(name, self.config) for name in NAMES))
        asked = settings(directory, workers=2, slot=4, preload=str(directory / "memory.json"))
        self._stacks = [os.open(directory / f"stacks-{n}.txt", os.O_RDWR | os.O_CREAT) for n in range(2)]
        wires = [NamedWire(f"wire {n}") for n in range(2)]
        self.work = Work(self.session, asked, telling, wires, self._stacks)  # type: ignore[arg-type]

    def run(self, unit: list[int] | None = None, orders: bytes = b"", prepare: bool = True) -> Worked:
        """Be worker 1 for a unit, or for what is ordered."""
        parent = os.getpid()
        results, results_in = os.pipe()
        orders_out, orders_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(results)
            os.close(orders_in)
            self.work.prepare()
            self.work.settle()
            self.work.run(1, unit, orders_out if unit is None else None, results_in, parent)
            os._exit(99)  # it has come back, which it never does
        os.close(results_in)
        os.close(orders_out)
        os.write(orders_in, orders)
        os.close(orders_in)
        pending = bytearray(everything(results))
        facts = list(frames.complete(pending))
        assert pending == b""
        return Worked(facts, ended(pid), self.notes.read())

    def close(self) -> None:
        for stacks in self._stacks:
            os.close(stacks)


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    found = Workshop(tmp_path)
    yield found
    found.close()


ALL = ["Began 0", "Reported 0", "Ended 0", "Began 1", "Reported 1", "Ended 1"]


def test_a_unit_is_run_in_its_order_and_every_test_is_told_from_its_start_to_its_end(shop: Workshop) -> None:
    it = shop.run([0, 1])
    assert it.of_tests() == ALL
    assert it.status == 0
    assert it.noted("ran") == [["a", "b"], ["b", None]]
    assert it.noted("became") == [["gw1", "wire 1"]]


def test_a_report_arrives_as_it_was(shop: Workshop) -> None:
    it = shop.run([1])
    made = frames.unpacked(shop.config, it.one(frames.Reported).report)  # type: ignore[arg-type]
    assert (made.nodeid, made.when, made.outcome, made.duration) == ("test_a.py::b", "call", "passed", 0.5)


def test_what_is_ordered_is_run_until_the_orders_end_and_the_next_test_is_always_known(shop: Workshop) -> None:
    it = shop.run(orders=b"[0, 2]\n[1]\n")
    assert it.noted("ran") == [["a", "c"], ["c", "b"], ["b", None]]
    assert it.status == 0


def test_a_worker_that_is_not_clean_any_more_runs_nothing_that_was_to_follow(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.work._settings.asked, "clean", True)
    shop.bodies["b"] = lambda: setattr(shop.telling, "dirt", "app: LIST added")
    it = shop.run(orders=b"[0, 1]\n[2]\n")
    assert it.of_tests() == ALL
    assert it.one(frames.Retired).position == 1
    assert it.noted("retired") == [["test_a.py::b"]]
    assert (it.noted("finished"), it.status) == ([[0]], 0)


def test_numbers_that_one_test_seeds_are_not_those_of_the_next(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shop.work._settings.asked, "clean", True)
    random.seed(1)
    expected = random.random()
    shop.bodies["a"] = lambda: random.seed(1)
    shop.bodies["b"] = lambda: shop.notes.add("drawn", random.random())
    assert shop.run([0, 1]).noted("drawn") != [[expected]]


def test_nobody_retires_after_the_last_test(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shop.work._settings.asked, "clean", True)
    shop.bodies["b"] = lambda: setattr(shop.telling, "dirt", "app: LIST added")
    it = shop.run(orders=b"[0, 1]\n")
    assert it.noted("retired") == []
    assert not [fact for fact in it.facts if isinstance(fact, frames.Retired)]


def test_a_worker_without_orders_runs_nothing_and_ends_in_order(shop: Workshop) -> None:
    it = shop.run(orders=b"")
    assert (it.noted("ran"), it.status) == ([], 0)
    assert it.noted("finished") == [[0]]


def test_a_worker_looks_to_plugins_like_one_of_xdist(shop: Workshop) -> None:
    seen = shop.notes

    def body() -> None:
        given = vars(shop.config)["workerinput"]
        seen.add("env", os.environ["PYTEST_XDIST_WORKER"], os.environ["PYTEST_XDIST_WORKER_COUNT"], given["workerid"])

    shop.bodies["a"] = body
    assert shop.run([0]).noted("env") == [["gw5", "2", "gw5"]]  # the second worker of a job whose first slot is 4


def test_what_the_project_has_read_at_import_stays_as_it_was_for_the_only_worker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in early_reads.NAMES:
        monkeypatch.delenv(name, raising=False)
    seen = shop.notes
    shop.bodies["a"] = lambda: seen.add("env", *(os.environ.get(name) for name in early_reads.NAMES))
    monkeypatch.setitem(early_reads._read, ("conftest.py", 3), "PYTEST_XDIST_WORKER")
    monkeypatch.setitem(shop.work._settings.asked, "workers", 1)
    assert shop.run([0]).noted("env") == [[None, None, None]]


def test_what_plugins_hand_over_at_the_end_of_a_worker_is_told(shop: Workshop) -> None:
    it = shop.run([0])
    assert it.noted("finished") == [[0]]
    assert {name: pickle.loads(data) for name, data in it.one(frames.HandedOver).output.items()} == {"of": "gw5"}


def test_a_worker_leads_its_own_group_and_has_begun_before_its_first_test(shop: Workshop) -> None:
    shop.work.on_begin = lambda: shop.notes.add("begun")
    shop.bodies["a"] = lambda: shop.notes.add("leads", os.getpgrp() == os.getpid())
    it = shop.run([0])
    assert it.noted("leads") == [[True]]
    assert [words[0] for words in it.notes][:3] == ["begun", "became", "ran"]


# -------------------------------------------------------------------------------------------------------------- ends


def test_a_test_that_takes_the_process_along_has_been_told(shop: Workshop) -> None:
    shop.bodies["b"] = lambda: os._exit(7)
    it = shop.run([0, 1, 2])
    assert it.of_tests() == [*ALL[:3], "Began 1"]
    assert len(it.facts) == 4
    assert it.status == 7


def test_a_signal_that_kills_leaves_what_was_told_before(shop: Workshop) -> None:
    shop.bodies["a"] = lambda: os.kill(os.getpid(), signal.SIGKILL)
    it = shop.run([0])
    assert (it.facts, it.status) == ([frames.Began(0)], -signal.SIGKILL)


def raises(error: BaseException) -> Callable[[], object]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "said"), [(pytest.exit.Exception("enough"), "Exit: enough"), (KeyboardInterrupt(), "KeyboardInterrupt: ")]
)
def test_a_test_that_ends_the_session_ends_its_worker_in_order_and_is_quoted(
    shop: Workshop, error: BaseException, said: str
) -> None:
    shop.bodies["a"] = raises(error)
    it = shop.run([0, 1])
    assert it.facts == [frames.Began(0), frames.Dying(f"it ended pytest's session before it was finished: {said}")]
    assert it.noted("finished") == [[int(pytest.ExitCode.INTERRUPTED)]]
    assert it.status == 1


def test_an_exception_of_a_plugin_is_told_and_ends_the_worker(shop: Workshop) -> None:
    shop.bodies["a"] = raises(RuntimeError("of a plugin\udcff"))
    it = shop.run([0, 1])
    assert it.one(frames.Broken).text == "RuntimeError: of a plugin\\udcff"
    assert it.noted("ran") == [["a", "b"]]
    assert it.status == 1


def test_a_test_that_stops_its_session_is_the_last_of_its_worker(shop: Workshop) -> None:
    shop.bodies["a"] = lambda: setattr(shop.session, "shouldstop", "a plugin has had enough")
    it = shop.run([0, 1])
    assert it.one(frames.Stopped).reason == "a plugin has had enough"
    assert it.noted("ran") == [["a", "b"]]
    assert it.status == 0


def test_enough_failures_end_the_work_of_a_worker(shop: Workshop) -> None:
    shop.bodies["a"] = lambda: setattr(shop.session, "shouldfail", "stopping after 1 failures")
    it = shop.run([0, 1])
    assert it.noted("ran") == [["a", "b"]]
    assert it.status == 0


@pytest.mark.parametrize(("failures", "maxfail"), [(0, 0), (2, 7)])
def test_a_worker_has_pytest_count_its_failures(shop: Workshop, failures: int, maxfail: int) -> None:
    shop.session.testsfailed = 5
    shop.work.failures = failures
    shop.bodies["a"] = lambda: shop.notes.add("maxfail", shop.config.option.maxfail)
    assert shop.run([0]).noted("maxfail") == [[maxfail]]


def test_the_session_tells_all_workers_to_begin_no_other_test(shop: Workshop) -> None:
    shop.bodies["a"] = lambda: shop.work.stop.write(b"\x01") and None
    assert shop.run([0, 1]).noted("ran") == [["a", "b"]]


def test_a_fork_that_a_test_leaves_at_work_in_pytest_is_mute(shop: Workshop) -> None:
    children: list[int] = []

    def body() -> None:
        pid = os.fork()
        if pid:
            children.append(pid)
            os.waitpid(pid, 0)

    shop.bodies["a"] = body
    it = shop.run([0, 1])
    assert it.of_tests() == ALL
    assert it.noted("ran").count(["b", None]) == 2  # the fork has run it too, and has told nobody


def test_exit_handlers_of_tests_are_run_before_the_worker_leaves(shop: Workshop) -> None:
    def body() -> None:
        import atexit

        atexit.register(shop.notes.add, "exit handler")

    shop.bodies["a"] = body
    assert shop.run([0]).noted("exit handler") == [[]]


def test_threads_that_would_keep_the_process_are_named_and_the_worker_leaves_all_the_same(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_THREAD_GRACE", 0.0)
    never = threading.Event()
    shop.bodies["a"] = lambda: threading.Thread(target=never.wait, name="left-over").start()
    it = shop.run([0])
    assert it.noted("said") == [[*messages.left_behind("gw1", "threads: left-over")]]
    assert it.status == 0


# ------------------------------------------------------------------------------------------------------------ the rest


def test_what_is_prepared_leaves_counting_and_showing_to_the_session(shop: Workshop) -> None:
    def body() -> None:
        shop.notes.add("prepared", shop.config.option.maxfail, shop.config.pluginmanager.has_plugin("terminalreporter"))

    shop.bodies["a"] = body
    assert shop.run([0]).noted("prepared") == [[0, False]]


def test_modules_that_a_worker_has_imported_are_told(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    shop.bodies["a"] = lambda: __import__("colorsys")
    assert "colorsys" in shop.run([0]).one(frames.Imported).names


def test_warnings_of_a_test_are_told_with_it(shop: Workshop) -> None:
    def body() -> None:
        message = warnings.WarningMessage(UserWarning("of a test"), UserWarning, "a.py", 3)
        shop.config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": message, "when": "runtest", "nodeid": "test_a.py::a", "location": None}
        )

    shop.bodies["a"] = body
    told = shop.run([0]).one(frames.Warned).warning
    assert (told["text"], told["category"], told["nodeid"]) == ("of a test", "UserWarning", "test_a.py::a")

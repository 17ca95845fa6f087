"""The process that workers are forked from: what a session hears of it, and what each worker finds."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from async_test_run_inside.forks import nursery
from async_test_run_inside.forks.nursery import Ended, Forked, Nursery

from tests.support.forks import everything, gone

pytestmark = [pytest.mark.processes, pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")]


class Work:
    """Work that writes one line; ``body`` is what a worker has to say."""

    def __init__(self, body: Callable[[int, list[int] | None, int | None], str]) -> None:
        self._body = body
        self._prepared = 0
        self._settled = 0
        self.on_begin: Callable[[], None] = lambda: None

    def prepare(self) -> None:
        self._prepared += 1

    def settle(self) -> None:
        self._settled += 1

    def run(self, number: int, unit: list[int] | None, orders: int | None, results: int, parent: int) -> None:
        self.on_begin()
        counts = f"prepared {self._prepared}, settled {self._settled}, parent {parent == os.getppid()}"
        os.write(results, f"{counts}: {self._body(number, unit, orders)}".encode())
        os._exit(number)


class Session:
    """A nursery, and who listens to it."""

    def __init__(self, body: Callable[[int, list[int] | None, int | None], str], forks: int = 1) -> None:
        self.nursery = Nursery(Work(body), forks)  # type: ignore[arg-type]

    def forked(self) -> Forked:
        news = self.nursery.news()
        assert isinstance(news, Forked)
        return news

    def said(self, unit: list[int] | None = None, number: int = 0, orders: bytes = b"") -> str:
        """What one worker says, from its beginning to its end."""
        self.nursery.fork(number, unit, 0)
        worker = self.forked()
        if worker.orders is not None:
            os.write(worker.orders, orders)
            os.close(worker.orders)
        text = everything(worker.results).decode()
        assert self.nursery.news() == Ended(worker.pid, number << 8)
        return text


Make = Callable[..., Session]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(nursery.freezing, "freeze", lambda: None)  # it looks through all that this process holds
    made: list[Session] = []

    def make(body: Callable[[int, list[int] | None, int | None], str], forks: int = 1) -> Session:
        made.append(Session(body, forks))
        return made[-1]

    yield make
    for it in made:
        it.nursery.close()
        gone(it.nursery.pid)


def test_a_worker_for_a_unit_has_that_unit_and_no_orders(session: Make) -> None:
    it = session(lambda number, unit, orders: f"{number} {unit} {orders}")
    assert it.said([3, 4], number=1) == "prepared 1, settled 1, parent True: 1 [3, 4] None"


def test_a_worker_without_a_unit_takes_orders_until_they_end(session: Make) -> None:
    def obeys(number: int, unit: list[int] | None, orders: int | None) -> str:
        assert orders is not None
        return f"{unit} {everything(orders).decode()}"

    assert session(obeys).said(orders=b"[1, 2]\n").endswith(": None [1, 2]\n")


def test_all_workers_are_forked_from_one_preparation_each_after_another_look(session: Make) -> None:
    it = session(lambda number, unit, orders: "")
    assert [it.said([0]), it.said([1])] == [
        "prepared 1, settled 1, parent True: ",
        "prepared 1, settled 2, parent True: ",
    ]


def test_the_end_of_a_worker_is_told_with_its_status(session: Make) -> None:
    def dies(number: int, unit: list[int] | None, orders: int | None) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return ""

    it = session(dies)
    it.nursery.fork(0, [0], 0)
    worker = it.forked()
    assert everything(worker.results) == b""
    assert it.nursery.news() == Ended(worker.pid, int(signal.SIGKILL))


def test_a_worker_leads_its_own_group_once_its_session_knows_of_it(session: Make) -> None:
    def waits(number: int, unit: list[int] | None, orders: int | None) -> str:
        assert orders is not None
        return everything(orders).decode()

    it = session(waits)
    it.nursery.fork(0, None, 0)
    worker = it.forked()
    assert os.getpgid(worker.pid) == worker.pid
    assert worker.orders is not None
    os.close(worker.orders)
    everything(worker.results)


def test_workers_of_one_time_have_pipes_of_their_own(session: Make) -> None:
    def echoes(number: int, unit: list[int] | None, orders: int | None) -> str:
        assert orders is not None
        return everything(orders).decode()

    it = session(echoes)
    for number in (0, 1):
        it.nursery.fork(number, None, 0)
    workers = [it.forked(), it.forked()]
    for worker in workers:
        assert worker.orders is not None
        os.write(worker.orders, f"for {worker.number}".encode())
    for worker in workers:
        assert worker.orders is not None
        os.close(worker.orders)  # no other worker holds this end open: each comes to its end
        assert everything(worker.results).decode().endswith(f": for {worker.number}")


def test_what_is_preloaded_every_later_worker_has(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    it = session(lambda number, unit, orders: str("colorsys" in sys.modules))
    assert it.said([0]).endswith("False")
    it.nursery.preload(["colorsys"])
    assert it.said([0]).endswith("True")


def test_a_process_that_learns_of_many_forks_prepares_for_them(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[int] = []
    monkeypatch.setattr(nursery.hugepages, "collapse", prepared.append)
    it = session(lambda number, unit, orders: str(prepared))
    assert it.said([0]).endswith(": [1]")
    it.nursery.expect(40)
    assert it.said([0]).endswith(": [1, 40]")


def test_a_worker_has_the_handlers_of_the_session_and_the_process_between_them_is_deaf(session: Make) -> None:
    before = signal.signal(signal.SIGTERM, handler)
    try:
        it = session(lambda number, unit, orders: str(signal.getsignal(signal.SIGTERM) is handler))
        assert it.said([0]).endswith("True")  # by now it is deaf
        os.kill(it.nursery.pid, signal.SIGTERM)
        assert it.said([0]).endswith("True")
    finally:
        signal.signal(signal.SIGTERM, before)


def handler(number: int, frame: object) -> None:
    """The project's own: whatever process hears it is gone."""
    os._exit(7)


def test_a_nursery_that_is_gone_is_no_news_at_all(session: Make) -> None:
    it = session(lambda number, unit, orders: "")
    gone(it.nursery.pid)
    it.nursery.fork(0, [0], 0)
    it.nursery.preload(["colorsys"])
    assert it.nursery.news() is None


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_whether_a_nursery_is_there_is_known_by_looking(session: Make) -> None:
    it = session(lambda number, unit, orders: "")
    assert it.nursery.look()
    os.kill(it.nursery.pid, signal.SIGKILL)
    os.waitid(os.P_PID, it.nursery.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and nobody has waited for it
    assert not it.nursery.look()
    gone(it.nursery.pid)
    assert not it.nursery.look()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_nursery_that_somebody_has_stopped_goes_on_when_it_is_looked_at(session: Make) -> None:
    it = session(lambda number, unit, orders: "")
    os.kill(it.nursery.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, it.nursery.pid, os.WSTOPPED)
    assert it.nursery.look()
    assert it.said([0]).startswith("prepared 1")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_orders_for_a_nursery_that_is_stopped_and_whose_socket_is_full_arrive(session: Make) -> None:
    it = session(lambda number, unit, orders: str(len(unit or [])))
    os.kill(it.nursery.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, it.nursery.pid, os.WSTOPPED)
    unit = list(range(200_000))  # more than a megabyte
    assert it.said(unit).endswith(": 200000")


def test_a_nursery_ends_when_its_session_hangs_up(session: Make) -> None:
    it = session(lambda number, unit, orders: "")
    it.said([0])
    it.nursery.close()
    assert os.waitpid(it.nursery.pid, 0)[1] == 0


def test_work_that_cannot_be_prepared_ends_the_nursery() -> None:
    class Broken(Work):
        def prepare(self) -> None:
            os._exit(3)

    nursery = Nursery(Broken(lambda *_: ""), 1)  # type: ignore[arg-type]
    try:
        assert nursery.news() is None
    finally:
        nursery.close()
        gone(nursery.pid)

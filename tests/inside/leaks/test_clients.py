"""Clients, engines and sockets of a test, and what is excused because something older holds it."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest
from async_test_run_inside.leaks.births import Birth, Births
from async_test_run_inside.leaks.clients import Clients


class Client:
    """Shaped like httpx's."""

    def __init__(self, state: str) -> None:
        self._state = SimpleNamespace(name=state)


class Engine:
    """Shaped like SQLAlchemy's."""

    def __init__(self, driver: str = "pysqlite", database: str = "") -> None:
        self.out = 0
        self.pool = SimpleNamespace(checkedout=lambda: self.out)
        self.dialect = SimpleNamespace(name="sqlite", driver=driver)
        self.url = SimpleNamespace(database=database)


def born(births: Births, instance: object, *, hold: bool = False) -> Birth:
    birth = Birth(instance, "a.py:1 in f", "a", is_machinery=False, hold=hold)
    births.new.append(birth)
    return birth


@pytest.fixture
def clients() -> Clients:
    return Clients([])


@pytest.mark.parametrize(("state", "count"), [("OPENED", 1), ("CLOSED", 0), ("UNOPENED", 0)])
def test_an_httpx_client_that_was_used_and_not_closed(clients: Clients, state: str, count: int) -> None:
    born(clients.httpx[0], Client(state), hold=True)
    leaks = clients.news()
    assert [(leak.what, leak.where) for leak in leaks] == [("httpx: Client not closed", "a.py:1 in f")] * count
    assert clients.news() == []


def test_connections_of_an_engine_are_counted_from_test_to_test(clients: Clients) -> None:
    engine = Engine()
    clients.engines.adopt(engine)
    assert not clients.differs()
    engine.out = 2
    assert clients.differs()
    (leak,) = clients.news()
    assert leak.what == "2 connections of an engine (sqlite) not returned to its pool"
    assert not leak.gone()
    assert clients.news() == []
    engine.out = 0
    assert leak.gone()
    assert clients.news() == []


def test_a_socket_that_nobody_closed_is_told_when_it_is_gone_and_its_place_while_it_is_there(clients: Clients) -> None:
    with socket.socket() as end:
        born(clients.sockets, end)
        assert clients.socket_places() == {end.fileno(): "a.py:1 in f"}
        assert clients.news() == []
    dead = born(clients.sockets, Client("any"))
    assert dead.ref() is None
    assert [leak.kind for leak in clients.news()] == ["descriptors"]


def test_a_connection_is_excused_while_something_older_may_hold_it(clients: Clients) -> None:
    ends = socket.socketpair()
    try:
        target = "socket:[1]"
        assert not clients.excuses_descriptor(ends[0].fileno(), target)
        engine = Engine(database="/data/app.db")
        clients.engines.adopt(engine)
        assert clients.excuses_descriptor(ends[0].fileno(), target)
        with socket.socket() as unconnected:
            assert not clients.excuses_descriptor(unconnected.fileno(), target)
        assert clients.excuses_descriptor(-1, "/data/app.db-wal")
        assert not clients.excuses_descriptor(-1, "/data/other.txt")
    finally:
        for end in ends:
            end.close()


def test_a_thread_of_an_older_executor_is_excused(clients: Clients) -> None:
    executor = type("Executor", (), {"_thread_name_prefix": "pool-1"})()
    thread = threading.Thread(name="pool-1_0")
    assert not clients.excuses_thread(thread)
    clients.executors.adopt(executor)
    assert clients.excuses_thread(thread)
    assert not clients.excuses_thread(threading.Thread(name="pool-2_0"))

"""Hashing under load: the application's own hasher, which allows two at once in tests."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

import factories
from app import security
from app.hasher import PasswordHasher

LOGINS = 6


@pytest.fixture
def hasher(app: FastAPI) -> PasswordHasher:
    hasher: PasswordHasher = app.state.hasher
    return hasher


class Meter:
    """Stands in for scrypt and counts how many calls run at the same time."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.threads: set[int] = set()
        self._lock = threading.Lock()
        self._pair = threading.Barrier(2)

    def __call__(self, *_: Any) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.threads.add(threading.get_ident())
        self._pair.wait(5)  # until the second slot is taken too: the test does not depend on luck
        with self._lock:
            self.running -= 1
        return "hash"


async def test_a_burst_is_hashed_two_at_a_time(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    monkeypatch.setattr(security, "hash_password", meter)
    assert await asyncio.gather(*(hasher.hash("x") for _ in range(LOGINS))) == ["hash"] * LOGINS
    assert meter.most == 2


async def test_no_password_is_hashed_on_the_event_loop(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    monkeypatch.setattr(security, "hash_password", meter)
    await asyncio.gather(*(hasher.hash("x") for _ in range(LOGINS)))
    assert threading.get_ident() not in meter.threads


async def test_the_loop_keeps_running_while_a_password_is_verified(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop_ran = threading.Event()
    monkeypatch.setattr(security, "verify_password", lambda *_: loop_ran.wait(5))
    verifying = asyncio.create_task(hasher.verify("x", "y"))
    await asyncio.sleep(0)
    loop_ran.set()
    assert await verifying is True


async def test_passwords_of_many_users_do_not_mix(hasher: PasswordHasher) -> None:
    passwords = [f"correct-horse-{number}" for number in range(LOGINS)]
    stored = await asyncio.gather(*map(hasher.hash, passwords))
    assert all(await asyncio.gather(*map(hasher.verify, passwords, stored)))
    assert not any(await asyncio.gather(*map(hasher.verify, passwords, reversed(stored))))


def fails(message: str) -> Callable[..., str]:
    def fail(*_: Any) -> str:
        raise MemoryError(message)

    return fail


async def test_a_failed_hash_gives_its_turn_back(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(security, "hash_password", fails("scrypt"))
        failed = await asyncio.gather(*(hasher.hash("x") for _ in range(LOGINS)), return_exceptions=True)
    assert [str(error) for error in failed] == ["scrypt"] * LOGINS
    assert await asyncio.wait_for(hasher.verify("x", await hasher.hash("x")), 5)


async def test_a_cancelled_login_gives_its_turn_back(hasher: PasswordHasher) -> None:
    burst = [asyncio.create_task(hasher.hash("x")) for _ in range(LOGINS)]
    await asyncio.sleep(0)
    for task in burst:
        task.cancel()
    await asyncio.gather(*burst, return_exceptions=True)
    assert await asyncio.wait_for(hasher.hash("x"), 5)


async def test_a_hash_of_another_cost_is_out_of_date(hasher: PasswordHasher) -> None:
    assert hasher.is_current(await hasher.hash("x"))
    assert not hasher.is_current(security.hash_password("x", security.Cost(2, 1, 1)))
    assert hasher.cost == factories.CHEAP

"""Real databases under the runner: what a killed test held is free again, and every slot has its own.

PostgreSQL: 127.0.0.1:5432, trust authentication, database ``test``. Redis: 127.0.0.1:6379. Where one of them does not
answer, its tests are skipped and say so.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project

pytestmark = [pytest.mark.services, pytest.mark.processes]

POSTGRES = ("127.0.0.1", 5432)
REDIS = ("127.0.0.1", 6379)
URL = "postgresql://postgres@127.0.0.1:5432/test"


def answers(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=2):
            return True
    except OSError:
        return False


needs_postgres = pytest.mark.skipif(not answers(POSTGRES), reason="no PostgreSQL answers on 127.0.0.1:5432")
needs_redis = pytest.mark.skipif(not answers(REDIS), reason="no Redis answers on 127.0.0.1:6379")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("pytest.ini", "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    return project


@needs_postgres
def test_a_lock_of_a_hung_test_does_not_outlive_it(project: Project) -> None:
    project.plan(
        "defaults: {test_timeout: 2s, grace: 200ms, pytest_args: [-p, pytest_asyncio.plugin]}\nphases: [{name: db}]"
    )
    project.write(
        "test_locks.py",
        f"""
        import asyncio, os, signal, asyncpg

        LOCK = f"SELECT pg_advisory_xact_lock(hashtext('{{os.environ['RUN_UNDER_TEST']}}'))"  # of this run alone

        async def test_1_hangs_with_the_lock_and_hears_no_signal():
            for number in set(signal.valid_signals()) - {{signal.SIGKILL, signal.SIGSTOP}}:
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            connection = await asyncpg.connect("{URL}")
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(LOCK)
            await asyncio.Event().wait()  # idle in its transaction: the server sees at once that the client has gone

        async def test_2_gets_the_lock():
            connection = await asyncpg.connect("{URL}")
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '20s'")
                await connection.execute(LOCK)
            await connection.close()
        """,
    )

    run = project.run().check(1)

    assert run.outcome("test_1_hangs_with_the_lock_and_hears_no_signal") is Outcome.TIMED_OUT
    assert run.outcome("test_2_gets_the_lock") is Outcome.PASSED
    assert run.processes("db") == 2


@needs_postgres
def test_a_hang_inside_a_query_is_failed_from_inside_and_names_the_await(project: Project) -> None:
    project.plan("defaults: {test_timeout: 1s, pytest_args: [-p, pytest_asyncio.plugin]}\nphases: [{name: db}]")
    project.write(
        "test_query.py",
        f"""
        import asyncpg

        async def ask(connection):
            return await connection.fetchval("SELECT pg_sleep(20)")

        async def test_hangs():
            connection = await asyncpg.connect("{URL}")
            await ask(connection)

        def test_after(): pass
        """,
    )

    run = project.run().check(1)

    assert run.outcome("test_hangs") is Outcome.TIMED_OUT
    assert "in ask" in run.text("test_hangs")
    assert run.outcome("test_after") is Outcome.PASSED
    assert run.processes("db") == 1


@needs_redis
def test_every_slot_has_a_database_of_its_own(project: Project) -> None:
    project.plan(
        """
        defaults: {pytest_args: [-p, pytest_asyncio.plugin]}
        phases:
          - name: cache
            isolation: test
            workers: 2
            env: {REDIS_URL: "redis://127.0.0.1:6379/{slot}"}
        """
    )
    project.write(
        "test_cache.py",
        """
        import os, pytest, redis.asyncio

        @pytest.mark.parametrize("name", ["one", "two", "three", "four"])
        async def test_nobody_else_writes_here(name):
            client = redis.asyncio.from_url(os.environ["REDIS_URL"])
            key = os.environ["RUN_UNDER_TEST"]  # of this run alone
            for _ in range(50):
                await client.set(key, name)
                assert await client.get(key) == name.encode()
            await client.delete(key)
            await client.aclose()
        """,
    )

    run = project.run().check(0)

    slots = [test.attempts[-1].slot for test in run.tests.values()]
    assert sorted(set(slots)) == [0, 1]


@needs_postgres
def test_nothing_of_a_run_stays_connected(project: Project) -> None:
    project.plan(
        "defaults: {pytest_args: [-p, pytest_asyncio.plugin]}\nphases: [{name: db, isolation: test, workers: 2}]"
    )
    project.write(
        "test_leaks.py",
        f"""
        import asyncpg, os, pytest

        NAME = os.environ["RUN_UNDER_TEST"]

        @pytest.mark.parametrize("number", range(4))
        async def test_leaves_its_connection_open(number):
            connection = await asyncpg.connect("{URL}", server_settings={{"application_name": NAME}})
            assert await connection.fetchval("SELECT 1") == 1
            if number == 3:
                os._exit(0)
        """,
    )

    run = project.run().check(1)

    assert sorted(run.outcomes.values()) == [Outcome.CRASHED] + [Outcome.PASSED] * 3
    assert asyncio.run(_connections(run.mark)) == 0


async def _connections(name: str) -> int:
    """How many connections of that name the server still has, once it has noticed what has gone."""
    import asyncpg

    connection = await asyncpg.connect(URL)
    try:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
        async with asyncio.timeout(20):
            while await connection.fetchval(count, name):
                await asyncio.sleep(0.05)
        return int(await connection.fetchval(count, name))
    finally:
        await connection.close()

"""The desk alone: no application, no database."""

import asyncio

import pytest
from async_test_runner.kit import DeadlineExceededError, deadline

from app.desk import Desk

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("cleanup_tasks")]


async def test_jobs_are_done_one_after_another() -> None:
    seen: list[str] = []

    async def job(name: str) -> None:
        seen.append(f"{name} begins")
        await asyncio.sleep(0)
        seen.append(f"{name} ends")

    desk = Desk()
    async with desk.open():
        await asyncio.gather(desk.do(lambda: job("first")), desk.do(lambda: job("second")))
    assert seen == ["first begins", "first ends", "second begins", "second ends"]


async def test_the_error_of_a_job_reaches_who_asked_for_it_and_the_desk_goes_on() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def answer() -> int:
        return 42

    desk = Desk()
    async with desk.open():
        with pytest.raises(ValueError, match="no"):
            await desk.do(fail)
        assert await desk.do(answer) == 42


async def test_a_job_whose_client_has_gone_is_not_done() -> None:
    done: list[str] = []

    async def job() -> None:
        done.append("job")

    desk = Desk()
    gone = asyncio.create_task(desk.do(job))
    await asyncio.sleep(0)
    gone.cancel()
    async with desk.open():
        await desk.do(job)
    assert done == ["job"]


async def test_nobody_works_at_a_closed_desk_and_a_deadline_says_where_it_hangs() -> None:
    async def job() -> None:
        pass

    with pytest.raises(DeadlineExceededError, match="return await done"):
        await deadline(Desk().do(job), 0.05)


async def test_the_clerk_ends_with_the_desk() -> None:
    async with Desk().open():
        assert "clerk" in {task.get_name() for task in asyncio.all_tasks()}
    assert "clerk" not in {task.get_name() for task in asyncio.all_tasks()}

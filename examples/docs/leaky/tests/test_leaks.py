import asyncio
import os
import socket

import pytest


async def poll() -> None:
    while True:
        await asyncio.sleep(60)


@pytest.mark.asyncio
async def test_a_task_is_left() -> None:
    asyncio.create_task(poll())
    await asyncio.sleep(0)


def test_a_socket_is_left() -> None:
    test_a_socket_is_left.socket = socket.socket()


def test_a_variable_is_left() -> None:
    os.environ["SHOP_CURRENCY"] = "EUR"

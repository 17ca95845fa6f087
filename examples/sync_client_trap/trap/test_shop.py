"""A shop's tests, as one writes them first. Two pass, three hang, one fails."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from app.main import create_app
from app.models import Item

app = create_app()
client = TestClient(app)


def test_a_new_item() -> None:
    """Passes, as long as nothing of the application has to be started."""
    assert client.post("/items", json={"name": "pen", "stock": 3}).status_code == 201


def test_an_order_is_placed() -> None:
    """Hangs: without ``with TestClient(app)`` the lifespan does not run, and nobody works at the desk."""
    item = client.post("/items", json={"name": "ink", "stock": 3}).json()
    assert client.post("/orders", json={"item_id": item["id"]}).status_code == 201


@pytest.mark.asyncio
async def test_an_item_of_the_test_is_listed(session: AsyncSession, session_of_test: dict[Any, Any]) -> None:
    """Hangs: the test holds the one connection, and the blocking call keeps its loop from giving it back."""
    session.add(Item(name="nib", stock=1))
    await session.flush()
    app.dependency_overrides.update(session_of_test)
    assert [item["name"] for item in client.get("/items").json()] == ["nib"]


@pytest.mark.asyncio
async def test_an_order_of_too_many(session_client: AsyncClient) -> None:
    """Hangs: the clerk lives on the session's loop, which stands still while this test's loop runs."""
    assert (await session_client.post("/orders", json={"item_id": 1, "quantity": 99})).status_code == 409


@pytest.mark.asyncio
async def test_items_are_listed() -> None:
    """Fails: TestClient is synchronous, there is nothing to await."""
    response = await client.get("/items")  # type: ignore[misc]
    assert response.status_code == 200


def test_an_item_without_a_name() -> None:
    """Passes: validation needs neither lifespan nor database."""
    assert client.post("/items", json={"stock": 1}).status_code == 422

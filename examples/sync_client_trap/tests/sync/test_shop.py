"""Synchronous tests that work: `sync_client` runs the lifespan, and its requests use the session of the test."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.models import Item, Order


@pytest.fixture
def item(sync_session: Session) -> Item:
    item = Item(name="pen", stock=3)
    sync_session.add(item)
    sync_session.commit()
    return item


def test_a_new_item(sync_client: TestClient) -> None:
    response = sync_client.post("/items", json={"name": "pen", "stock": 3})
    assert response.status_code == 201
    assert sync_client.get("/items").json() == [response.json()]


def test_an_item_of_the_test_is_listed(sync_client: TestClient, item: Item) -> None:
    assert [found["name"] for found in sync_client.get("/items").json()] == ["pen"]


def test_an_order_is_placed(sync_client: TestClient, item: Item, sync_session: Session) -> None:
    response = sync_client.post("/orders", json={"item_id": item.id, "quantity": 2})
    assert response.status_code == 201
    sync_session.refresh(item)
    assert item.stock == 1
    assert sync_session.query(Order).one().quantity == 2


def test_an_order_of_too_many(sync_client: TestClient, item: Item) -> None:
    response = sync_client.post("/orders", json={"item_id": item.id, "quantity": 4})
    assert (response.status_code, response.json()) == (409, {"detail": "3 left, 4 wanted"})


def test_an_order_of_nothing_there_is(sync_client: TestClient) -> None:
    assert sync_client.post("/orders", json={"item_id": 42}).status_code == 404


@pytest.mark.parametrize("body", [{"stock": 1}, {"name": ""}, {"name": "pen", "stock": -1}], ids=str)
def test_an_item_that_cannot_be(sync_client: TestClient, body: dict[str, object]) -> None:
    assert sync_client.post("/items", json=body).status_code == 422


@pytest.mark.parametrize("time", ["first", "second"])
def test_no_state_leaks_from_test_to_test(sync_client: TestClient, time: str) -> None:
    assert sync_client.get("/items").json() == []
    assert sync_client.post("/items", json={"name": "pen"}).status_code == 201

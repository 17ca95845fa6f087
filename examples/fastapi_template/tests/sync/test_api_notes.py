"""Notes over HTTP, on the synchronous driver."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

import factories
from app.models import Note, User


@pytest.fixture
def headers(test_user_token: str) -> dict[str, str]:
    return factories.bearer(test_user_token)


def test_a_note_is_created_and_read_back(sync_client: TestClient, headers: dict[str, str]) -> None:
    created = sync_client.post("/api/v1/notes", json={"title": "Milk", "body": "Two bottles"}, headers=headers)
    assert created.status_code == 201, created.text
    assert sync_client.get(f"/api/v1/notes/{created.json()['id']}", headers=headers).json() == created.json()


def test_a_note_belongs_to_the_caller(
    sync_client: TestClient, headers: dict[str, str], test_user: User, sync_session: Session
) -> None:
    created = sync_client.post("/api/v1/notes", json={"title": "Milk"}, headers=headers).json()
    note = sync_session.get(Note, created["id"])
    assert note is not None
    assert note.owner_id == test_user.id


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_s_note_does_not_exist(
    method: str, sync_client: TestClient, headers: dict[str, str], test_admin: User, sync_session: Session
) -> None:
    note = factories.note(test_admin)
    sync_session.add(note)
    sync_session.commit()
    response = sync_client.request(method, f"/api/v1/notes/{note.id}", headers=headers, json={"title": "Mine now"})
    assert response.status_code == 404
    sync_session.refresh(note)
    assert note.title != "Mine now"


def test_a_change_touches_what_was_sent_only(sync_client: TestClient, headers: dict[str, str]) -> None:
    note = sync_client.post("/api/v1/notes", json={"title": "Milk", "body": "Two bottles"}, headers=headers).json()
    changed = sync_client.patch(f"/api/v1/notes/{note['id']}", json={"status": "published"}, headers=headers).json()
    assert (changed["title"], changed["body"], changed["status"]) == ("Milk", "Two bottles", "published")
    assert changed["updated_at"] > note["updated_at"]


def test_a_deleted_note_is_gone(sync_client: TestClient, headers: dict[str, str]) -> None:
    note = sync_client.post("/api/v1/notes", json={"title": "Milk"}, headers=headers).json()
    assert sync_client.delete(f"/api/v1/notes/{note['id']}", headers=headers).status_code == 204
    assert sync_client.get(f"/api/v1/notes/{note['id']}", headers=headers).status_code == 404


def test_an_unknown_sort_is_refused_with_the_known_ones(sync_client: TestClient, headers: dict[str, str]) -> None:
    response = sync_client.get("/api/v1/notes", params={"sort": "owner_id"}, headers=headers)
    assert response.status_code == 400
    assert "created_at, title, updated_at" in response.json()["detail"]


def test_a_user_starts_without_notes(sync_client: TestClient, headers: dict[str, str]) -> None:
    page = sync_client.get("/api/v1/notes", headers=headers).json()
    assert page == {"items": [], "total": 0, "limit": 20, "offset": 0}


def test_the_service_says_that_it_is_ready(sync_client: TestClient) -> None:
    assert sync_client.get("/api/v1/health/ready").json() == {"status": "ready"}

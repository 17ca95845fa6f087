"""Search, filters, order and pages, as the database sees them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

import factories
from app.models import NoteStatus, User

pytestmark = pytest.mark.async_db


@pytest.fixture
def headers(db_user: User, auth: Callable[[User], dict[str, str]]) -> dict[str, str]:
    return auth(db_user)


@pytest.fixture
async def notes(async_session: AsyncSession, db_user: User, db_admin: User) -> None:
    """Four notes of the caller, one a month, and one of somebody else."""
    rows: list[dict[str, Any]] = [
        {"title": "Milk", "body": "Buy two bottles", "status": NoteStatus.draft},
        {"title": "Budget 100%", "body": "Plan for next year", "status": NoteStatus.published},
        {"title": "Plan_B", "body": "If the budget fails", "status": NoteStatus.published},
        {"title": "Élan", "body": "Old ideas", "status": NoteStatus.archived},
    ]
    for month, row in enumerate(rows, start=1):
        async_session.add(factories.note(db_user, created_at=datetime(2026, month, 1, tzinfo=UTC), **row))
    async_session.add(factories.note(db_admin, title="Milk of another"))
    await async_session.commit()


async def titles(client: AsyncClient, headers: dict[str, str], **params: Any) -> list[str]:
    response = await client.get("/api/v1/notes", params=params, headers=headers)
    assert response.status_code == 200, response.text
    return [item["title"] for item in response.json()["items"]]


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("milk", {"Milk"}),
        ("BUDGET", {"Budget 100%", "Plan_B"}),
        ("budget plan", {"Budget 100%", "Plan_B"}),
        ("%", {"Budget 100%"}),
        ("nothing like it", set()),
    ],
    ids=["title", "any case", "every word", "wildcard", "no match"],
)
async def test_a_search_finds(q: str, found: set[str], async_client: AsyncClient, headers: dict[str, str]) -> None:
    assert set(await titles(async_client, headers, q=q)) == found


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "published"}, ["Plan_B", "Budget 100%"]),
        ({"created_after": "2026-03-01T00:00:00Z"}, ["Élan", "Plan_B"]),
        ({"created_before": "2026-02-01T00:00:00Z"}, ["Milk"]),
        ({"created_after": "2026-03-01T02:00:00+02:00"}, ["Élan", "Plan_B"]),
    ],
    ids=["state", "from", "until", "other time zone"],
)
async def test_a_filter_leaves(
    params: dict[str, str], found: list[str], async_client: AsyncClient, headers: dict[str, str]
) -> None:
    assert await titles(async_client, headers, **params) == found


@pytest.mark.usefixtures("notes")
async def test_notes_sort_by_title(async_client: AsyncClient, headers: dict[str, str]) -> None:
    ascending = await titles(async_client, headers, sort="title", q="a")
    assert ascending == sorted(ascending)
    assert await titles(async_client, headers, sort="-title", q="a") == ascending[::-1]


@pytest.mark.usefixtures("notes")
async def test_pages_do_not_overlap_and_know_the_total(async_client: AsyncClient, headers: dict[str, str]) -> None:
    first = (await async_client.get("/api/v1/notes", params={"limit": 3}, headers=headers)).json()
    second = (await async_client.get("/api/v1/notes", params={"limit": 3, "offset": 3}, headers=headers)).json()
    assert (first["total"], second["total"]) == (4, 4)
    shown = [item["title"] for item in first["items"] + second["items"]]
    assert shown == ["Élan", "Plan_B", "Budget 100%", "Milk"]


async def test_notes_of_the_same_moment_have_one_order_on_all_pages(
    async_client: AsyncClient, headers: dict[str, str], async_session: AsyncSession, db_user: User
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    async_session.add_all([factories.note(db_user, title=f"{n}", created_at=moment) for n in range(6)])
    await async_session.commit()
    shown = [(await titles(async_client, headers, limit=2, offset=offset)) for offset in (0, 2, 4)]
    assert sorted(title for page in shown for title in page) == ["0", "1", "2", "3", "4", "5"]


async def test_a_title_that_is_sql_stays_a_title(async_client: AsyncClient, headers: dict[str, str]) -> None:
    title = "'; DROP TABLE notes; --"
    await async_client.post("/api/v1/notes", json={"title": title}, headers=headers)
    assert await titles(async_client, headers, q="'; DROP") == [title]

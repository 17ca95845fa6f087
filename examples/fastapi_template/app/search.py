"""From query parameters to a SELECT: the one place that knows how notes and users are searched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.models import Note, NoteStatus, User

NOTE_ORDERS: Mapping[str, InstrumentedAttribute[Any]] = {
    "created_at": Note.created_at,
    "updated_at": Note.updated_at,
    "title": Note.title,
}
USER_ORDERS: Mapping[str, InstrumentedAttribute[Any]] = {"created_at": User.created_at, "email": User.email}


class UnknownOrderError(ValueError):
    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        super().__init__(f"cannot sort by {name!r}, use one of: {', '.join(sorted(known))}")


@dataclass(frozen=True, slots=True)
class Window:
    limit: int = 20
    offset: int = 0


def words(text: str | None) -> list[str]:
    """What the user typed, as words that all have to occur."""
    return (text or "").split()


def matches(text: str | None, *columns: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
    """One condition per word; ``%`` and ``_`` are ordinary characters, case does not matter."""
    return [or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words(text)]


def order_by(sort: str, known: Mapping[str, InstrumentedAttribute[Any]]) -> ColumnElement[Any]:
    """``title`` ascends, ``-title`` descends. Raises `UnknownOrderError`."""
    name = sort.removeprefix("-")
    if name not in known:
        raise UnknownOrderError(name, known)
    return known[name].desc() if sort.startswith("-") else known[name].asc()


def note_query(
    owner_id: int,
    *,
    q: str | None = None,
    status: NoteStatus | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    sort: str = "-created_at",
) -> Select[Any]:
    query = select(Note).where(Note.owner_id == owner_id, *matches(q, Note.title, Note.body))
    if status is not None:
        query = query.where(Note.status == status)
    if created_after is not None:
        query = query.where(Note.created_at >= created_after)
    if created_before is not None:
        query = query.where(Note.created_at < created_before)
    # The id settles ties: without it two pages may show the same row.
    return query.order_by(order_by(sort, NOTE_ORDERS), Note.id)


def user_query(*, q: str | None = None, is_active: bool | None = None, sort: str = "email") -> Select[Any]:
    query = select(User).where(*matches(q, User.email, User.full_name))
    if is_active is not None:
        query = query.where(User.is_active.is_(is_active))
    return query.order_by(order_by(sort, USER_ORDERS), User.id)


async def page(session: AsyncSession, query: Select[Any], window: Window) -> tuple[list[Any], int]:
    """The rows of one page, and how many rows there are on all of them."""
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = await session.scalars(query.limit(window.limit).offset(window.offset))
    return list(rows), total or 0

"""Who did what. The table exists through migration 0002 only, and is append-only for this service.

It is deliberately no ORM model: ``Base.metadata.create_all`` must not be able to make it, so that a test database
built without the migrations fails loudly at the first audited action.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Integer, RowMapping, String, column, func, insert, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import UtcDateTime, utcnow

audit_logs = table(
    "audit_logs",
    column("id", Integer),
    column("actor_id", Integer),
    column("action", String),
    column("target", String),
    column("detail", JSON),
    column("created_at", UtcDateTime),
)

SECRET_WORDS = ("password", "secret", "token", "hash")


class Action(StrEnum):
    user_registered = "user.registered"
    user_logged_in = "user.logged_in"
    login_failed = "user.login_failed"
    user_updated = "user.updated"
    password_changed = "user.password_changed"
    key_created = "api_key.created"
    key_revoked = "api_key.revoked"
    note_created = "note.created"
    note_updated = "note.updated"
    note_deleted = "note.deleted"


def redact(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail without values that a log must never hold, at any depth."""
    return {
        key: "***"
        if any(word in key.lower() for word in SECRET_WORDS)
        else redact(value)
        if isinstance(value, Mapping)
        else value
        for key, value in detail.items()
    }


async def record(
    session: AsyncSession, action: Action, *, actor_id: int | None, target: str = "", **detail: Any
) -> None:
    """Adds the entry to the caller's transaction: it is written if, and only if, the action is."""
    entry = {
        "actor_id": actor_id,
        "action": action.value,
        "target": target,
        "detail": redact(detail),
        "created_at": utcnow(),
    }
    await session.execute(insert(audit_logs).values(**entry))


async def find(
    session: AsyncSession,
    *,
    action: Action | None = None,
    actor_id: int | None = None,
    since: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[Sequence[RowMapping], int]:
    """The newest entries first, and how many there are in all."""
    wanted = select(audit_logs)
    if action is not None:
        wanted = wanted.where(audit_logs.c.action == action.value)
    if actor_id is not None:
        wanted = wanted.where(audit_logs.c.actor_id == actor_id)
    if since is not None:
        wanted = wanted.where(audit_logs.c.created_at >= since)
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    page = await session.execute(wanted.order_by(audit_logs.c.id.desc()).limit(limit).offset(offset))
    return page.mappings().all(), total or 0

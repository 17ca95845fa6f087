from fastapi import APIRouter, HTTPException, status
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.audit import audit_logs
from app.deps import Session

router = APIRouter(prefix="/health", tags=["health"])


@router.get("")
async def alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready")
async def ready(session: Session) -> dict[str, str]:
    """Ready means: the database answers and its migrations have run (only they make ``audit_logs``)."""
    try:
        await session.execute(select(audit_logs.c.id).limit(1))
    except (SQLAlchemyError, OSError):
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "the database is not ready") from None
    return {"status": "ready"}

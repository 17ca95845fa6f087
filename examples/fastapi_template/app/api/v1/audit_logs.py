from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from app import audit
from app.deps import Admin, Session
from app.schemas import AuditOut, Page

router = APIRouter(prefix="/audit-logs", tags=["audit logs"])


@router.get("")
async def search_audit_logs(
    admin: Admin,
    session: Session,
    action: audit.Action | None = None,
    actor_id: int | None = None,
    since: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Page[AuditOut]:
    rows, total = await audit.find(session, action=action, actor_id=actor_id, since=since, limit=limit, offset=offset)
    return Page(items=[AuditOut.model_validate(dict(row)) for row in rows], total=total, limit=limit, offset=offset)

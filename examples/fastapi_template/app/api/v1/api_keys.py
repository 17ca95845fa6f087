from fastapi import APIRouter, HTTPException, status
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import audit, security
from app.db import utcnow
from app.deps import Caller, Session
from app.models import ApiKey
from app.schemas import KeyCreated, KeyOut, KeyRequest

router = APIRouter(prefix="/api-keys", tags=["api keys"])


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_key(body: KeyRequest, user: Caller, session: Session) -> KeyCreated:
    new = security.make_key()
    user_id = user.id
    key = ApiKey(user_id=user_id, name=body.name, prefix=new.prefix, key_hash=new.digest)
    session.add(key)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise HTTPException(status.HTTP_409_CONFLICT, "you have a key of this name") from None
    await audit.record(session, audit.Action.key_created, actor_id=user_id, target=new.prefix, name=body.name)
    await session.commit()
    return KeyCreated(**KeyOut.model_validate(key).model_dump(), key=new.secret)


@router.get("")
async def list_keys(user: Caller, session: Session) -> list[KeyOut]:
    keys = await session.scalars(select(ApiKey).where(ApiKey.user_id == user.id).order_by(ApiKey.id))
    return [KeyOut.model_validate(key) for key in keys]


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_key(key_id: int, user: Caller, session: Session) -> None:
    """Revoked keys stay listed: the audit log refers to their prefix."""
    key = await session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user.id))
    if key is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such key")
    if key.revoked_at is None:
        key.revoked_at = utcnow()
        await audit.record(session, audit.Action.key_revoked, actor_id=user.id, target=key.prefix)
        await session.commit()

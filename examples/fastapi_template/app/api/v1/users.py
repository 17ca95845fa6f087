from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, status

from app import audit
from app.deps import Admin, Caller, Hasher, Session
from app.models import User
from app.schemas import Page, PasswordChange, ProfileChange, UserChange, UserOut
from app.search import UnknownOrderError, Window, page, user_query

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me")
async def read_me(user: Caller) -> UserOut:
    return UserOut.model_validate(user)


@router.patch("/me")
async def change_me(body: ProfileChange, user: Caller, session: Session) -> UserOut:
    user.full_name = body.full_name
    await audit.record(
        session, audit.Action.user_updated, actor_id=user.id, target=user.email, full_name=body.full_name
    )
    await session.commit()
    return UserOut.model_validate(user)


@router.post("/me/password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(body: PasswordChange, user: Caller, session: Session, hasher: Hasher) -> None:
    if not await hasher.verify(body.current.get_secret_value(), user.password_hash):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "the current password is wrong")
    user.password_hash = await hasher.hash(body.new.get_secret_value())
    await audit.record(session, audit.Action.password_changed, actor_id=user.id, target=user.email)
    await session.commit()


@router.get("")
async def search_users(
    admin: Admin,
    session: Session,
    q: Annotated[str | None, Query(max_length=200)] = None,
    is_active: bool | None = None,
    sort: str = "email",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Page[UserOut]:
    try:
        query = user_query(q=q, is_active=is_active, sort=sort)
    except UnknownOrderError as error:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, str(error)) from None
    users, total = await page(session, query, Window(limit, offset))
    return Page(items=[UserOut.model_validate(user) for user in users], total=total, limit=limit, offset=offset)


@router.patch("/{user_id}")
async def change_user(user_id: int, body: UserChange, admin: Admin, session: Session) -> UserOut:
    if user_id == admin.id:
        raise HTTPException(status.HTTP_409_CONFLICT, "administrators cannot change themselves")
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such user")
    changes = body.model_dump(exclude_none=True)
    for name, value in changes.items():
        setattr(user, name, value)
    await audit.record(session, audit.Action.user_updated, actor_id=admin.id, target=user.email, **changes)
    await session.commit()
    return UserOut.model_validate(user)

"""``/api/v1/users/``"""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Response, status
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import get_session
from app.models import User
from app.schemas import UserCreate, UserRead, UserUpdate

router = APIRouter(prefix="/api/v1/users", tags=["users"])
Session = Annotated[AsyncSession, Depends(get_session)]


async def user_of_path(user_id: int, session: Session) -> User:
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no user {user_id}")
    return user


async def save(session: AsyncSession) -> None:
    """Commit. The database decides whether an address is taken: asking it first would leave room for a race."""
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise HTTPException(status.HTTP_409_CONFLICT, "this address is taken") from error


@router.get("/", response_model=list[UserRead])
async def list_users(
    session: Session,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
    active: bool | None = None,
) -> list[User]:
    query = select(User).order_by(User.id).limit(limit).offset(offset)
    if active is not None:
        query = query.where(User.is_active == active)
    return list(await session.scalars(query))


@router.post("/", response_model=UserRead, status_code=status.HTTP_201_CREATED)
async def create_user(body: UserCreate, session: Session, response: Response) -> User:
    user = User(email=body.email, name=body.name)
    session.add(user)
    await save(session)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return user


@router.get("/{user_id}", response_model=UserRead)
async def read_user(user: Annotated[User, Depends(user_of_path)]) -> User:
    return user


@router.patch("/{user_id}", response_model=UserRead)
async def update_user(body: UserUpdate, user: Annotated[User, Depends(user_of_path)], session: Session) -> User:
    for name, value in body.model_dump(exclude_unset=True).items():
        setattr(user, name, value)
    await save(session)
    return user

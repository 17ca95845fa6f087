from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import audit, security
from app.deps import AppSettings, Hasher, Session, limit_logins, unauthorized
from app.models import User
from app.schemas import Registration, Token, UserOut

router = APIRouter(prefix="/auth", tags=["auth"])

LoginForm = Annotated[OAuth2PasswordRequestForm, Depends()]


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(body: Registration, session: Session, hasher: Hasher) -> UserOut:
    password_hash = await hasher.hash(body.password.get_secret_value())
    user = User(email=body.email, full_name=body.full_name, password_hash=password_hash)
    session.add(user)
    try:
        # The unique constraint decides, not a SELECT before it: two registrations may arrive at once.
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise HTTPException(status.HTTP_409_CONFLICT, "this e-mail address is registered") from None
    await audit.record(session, audit.Action.user_registered, actor_id=user.id, target=user.email)
    await session.commit()
    return UserOut.model_validate(user)


@router.post("/login", dependencies=[Depends(limit_logins)])
async def login(form: LoginForm, session: Session, settings: AppSettings, hasher: Hasher) -> Token:
    password, email = form.password, form.username.strip().lower()
    user = await session.scalar(select(User).where(User.email == email))
    if user is None:
        # As much work as for a known address, else the answer's timing tells which addresses exist.
        await hasher.hash(password)
    if user is None or not await hasher.verify(password, user.password_hash) or not user.is_active:
        await audit.record(session, audit.Action.login_failed, actor_id=user.id if user else None, target=email)
        await session.commit()
        raise unauthorized("wrong e-mail address or password")
    if not hasher.is_current(user.password_hash):
        # The only moment at which a hash can follow the settings.
        user.password_hash = await hasher.hash(password)
    await audit.record(session, audit.Action.user_logged_in, actor_id=user.id, target=user.email)
    await session.commit()
    return Token(access_token=security.issue_token(user.id, settings), expires_in=settings.token_seconds)

"""Registration, login and accounts, over HTTP, on the synchronous driver."""

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

import factories
from app.audit import audit_logs
from app.models import User
from app.security import Cost, cost_of, hash_password, read_token
from app.settings import Settings


def test_a_registration_makes_a_user_with_a_hashed_password(sync_client: TestClient, sync_session: Session) -> None:
    email = factories.email("ada")
    response = sync_client.post("/api/v1/auth/register", json={"email": email, "password": "long-enough-1"})
    assert response.status_code == 201, response.text
    user = sync_session.scalars(select(User).where(User.email == email)).one()
    assert response.json()["id"] == user.id
    assert user.password_hash.startswith("scrypt$16$8$1$")


def test_an_address_registers_once(sync_client: TestClient, test_user: User) -> None:
    body = {"email": test_user.email.upper(), "password": "long-enough-1"}
    assert sync_client.post("/api/v1/auth/register", json=body).status_code == 409


def test_a_refused_registration_leaves_nothing_behind(
    sync_client: TestClient, test_user: User, sync_session: Session
) -> None:
    sync_client.post("/api/v1/auth/register", json={"email": test_user.email, "password": "long-enough-1"})
    logged = select(audit_logs.c.action).where(audit_logs.c.target == test_user.email)
    assert sync_session.scalars(logged).all() == []


def test_a_login_gives_a_token_of_the_user(sync_client: TestClient, test_user: User, settings: Settings) -> None:
    response = sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user))
    assert response.status_code == 200, response.text
    assert read_token(response.json()["access_token"], settings) == test_user.id
    assert response.json()["expires_in"] == settings.token_seconds


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(sync_client: TestClient, test_user: User) -> None:
    wrong = sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user, "wrong-password-1"))
    unknown = sync_client.post(
        "/api/v1/auth/login", data={"username": factories.email(), "password": "wrong-password-1"}
    )
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 401


def test_an_inactive_user_does_not_log_in(sync_client: TestClient, test_user: User, sync_session: Session) -> None:
    test_user.is_active = False
    sync_session.commit()
    assert sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user)).status_code == 401


def test_a_login_brings_an_old_hash_up_to_date(
    sync_client: TestClient, test_user: User, sync_session: Session, settings: Settings
) -> None:
    test_user.password_hash = hash_password(factories.PASSWORD, Cost(2, 1, 1))
    sync_session.commit()
    assert sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user)).status_code == 200
    sync_session.refresh(test_user)
    assert cost_of(test_user.password_hash) == Cost.of(settings)


def test_the_sixth_login_of_a_minute_is_refused(sync_client: TestClient, test_user: User) -> None:
    answers = [sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


def test_a_token_opens_the_own_account(sync_client: TestClient, test_user: User, test_user_token: str) -> None:
    response = sync_client.get("/api/v1/users/me", headers=factories.bearer(test_user_token))
    assert response.json()["email"] == test_user.email


def test_a_token_of_a_deleted_user_opens_nothing(
    sync_client: TestClient, test_user: User, test_user_token: str, sync_session: Session
) -> None:
    sync_session.delete(test_user)
    sync_session.commit()
    assert sync_client.get("/api/v1/users/me", headers=factories.bearer(test_user_token)).status_code == 401


def test_a_profile_change_is_stored(
    sync_client: TestClient, test_user: User, test_user_token: str, sync_session: Session
) -> None:
    headers = factories.bearer(test_user_token)
    assert sync_client.patch("/api/v1/users/me", json={"full_name": "Ada L."}, headers=headers).status_code == 200
    sync_session.refresh(test_user)
    assert test_user.full_name == "Ada L."


def test_a_password_change_needs_the_current_password(sync_client: TestClient, test_user_token: str) -> None:
    body = {"current": "not-the-password-1", "new": "another-horse-2"}
    response = sync_client.post("/api/v1/users/me/password", json=body, headers=factories.bearer(test_user_token))
    assert response.status_code == 403


def test_a_new_password_replaces_the_old_one(sync_client: TestClient, test_user: User, test_user_token: str) -> None:
    body = {"current": factories.PASSWORD, "new": "another-horse-2"}
    headers = factories.bearer(test_user_token)
    assert sync_client.post("/api/v1/users/me/password", json=body, headers=headers).status_code == 204
    assert sync_client.post("/api/v1/auth/login", data=factories.login_form(test_user)).status_code == 401
    form = factories.login_form(test_user, "another-horse-2")
    assert sync_client.post("/api/v1/auth/login", data=form).status_code == 200


def test_users_are_for_administrators(sync_client: TestClient, test_user_token: str) -> None:
    assert sync_client.get("/api/v1/users", headers=factories.bearer(test_user_token)).status_code == 403


def test_an_administrator_finds_a_user(sync_client: TestClient, test_user: User, test_admin_token: str) -> None:
    params = {"q": test_user.email}
    page = sync_client.get("/api/v1/users", params=params, headers=factories.bearer(test_admin_token)).json()
    assert [user["id"] for user in page["items"]] == [test_user.id]
    assert page["total"] == 1


def test_an_administrator_locks_a_user_out(
    sync_client: TestClient, test_user: User, test_user_token: str, test_admin_token: str
) -> None:
    path, admin = f"/api/v1/users/{test_user.id}", factories.bearer(test_admin_token)
    assert sync_client.patch(path, json={"is_active": False}, headers=admin).json()["is_active"] is False
    assert sync_client.get("/api/v1/users/me", headers=factories.bearer(test_user_token)).status_code == 401


def test_an_administrator_does_not_lock_himself_out(
    sync_client: TestClient, test_admin: User, test_admin_token: str
) -> None:
    path = f"/api/v1/users/{test_admin.id}"
    response = sync_client.patch(path, json={"is_active": False}, headers=factories.bearer(test_admin_token))
    assert response.status_code == 409

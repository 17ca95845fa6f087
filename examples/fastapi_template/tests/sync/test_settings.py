import pytest
from pydantic import ValidationError

import factories
from app.db import async_url, sync_url
from app.settings import Settings


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "x" * 32)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/notes")
    monkeypatch.setenv("LOGIN_ATTEMPTS", "3")
    settings = Settings()  # type: ignore[call-arg]
    assert settings.database_url == "postgresql+asyncpg://db.example.com/notes"
    assert settings.login_attempts == 3


def test_the_default_database_is_a_sqlite_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert Settings(jwt_secret="x" * 32).database_url == "sqlite+aiosqlite:///app.db"  # type: ignore[arg-type]


def test_there_is_no_default_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    with pytest.raises(ValidationError, match="jwt_secret"):
        Settings()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "bad",
    [{"jwt_secret": "short"}, {"scrypt_n": 1000}, {"login_attempts": 0}, {"database_url": "mysql://localhost/notes"}],
    ids=lambda bad: next(iter(bad)),
)
def test_a_bad_setting_is_named(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        factories.settings(**bad)


def test_settings_do_not_show_the_secret() -> None:
    assert "a-secret-for-tests" not in repr(factories.settings())


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        factories.settings().login_attempts = 1000


@pytest.mark.parametrize(
    ("url", "for_service", "for_migrations"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db", "sqlite+pysqlite:///a.db"),
        ("sqlite+aiosqlite:////tmp/a.db", "sqlite+aiosqlite:////tmp/a.db", "sqlite+pysqlite:////tmp/a.db"),
        ("postgresql://u:p%40ss@h:1/d", "postgresql+asyncpg://u:p%40ss@h:1/d", "postgresql+psycopg://u:p%40ss@h:1/d"),
    ],
    ids=["plain", "with driver", "password kept"],
)
def test_one_database_has_a_url_per_driver(url: str, for_service: str, for_migrations: str) -> None:
    assert async_url(url) == for_service
    assert sync_url(for_service) == for_migrations

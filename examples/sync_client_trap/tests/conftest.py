"""The kit, and what it has to know of this application. `sync_client` and `async_client` are its fixtures."""

from collections.abc import Callable
from typing import Any

import pytest
from async_test_runner.kit import DatabaseSettings
from fastapi import FastAPI

from app.database import get_session
from app.main import create_app
from app.models import Base

pytest_plugins = ["async_test_runner.kit"]


@pytest.fixture(scope="session")
def database_settings() -> DatabaseSettings:
    return DatabaseSettings(metadata=Base.metadata)


@pytest.fixture
def app() -> FastAPI:
    """An application per test: its desk belongs to the loop that it is opened on."""
    return create_app()


@pytest.fixture
def session_dependency() -> Callable[..., Any]:
    return get_session

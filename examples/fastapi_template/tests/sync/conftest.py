"""Sync tests share a process: each has an application of its own, and with it rate limits that nobody else has used."""

import pytest
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import sqlite

from app.audit import audit_logs
from app.db import UtcDateTime
from app.models import Base

DIALECT = sqlite.dialect()


def test_the_models_know_no_audit_table() -> None:
    assert "audit_logs" not in Base.metadata.tables


def test_create_all_makes_no_audit_table() -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    assert set(inspect(engine).get_table_names()) == {"users", "api_keys", "notes"}
    engine.dispose()


def test_the_audit_table_belongs_to_no_metadata() -> None:
    assert not hasattr(audit_logs, "metadata")


def test_every_constraint_of_the_models_has_a_name() -> None:
    unnamed = [item for table in Base.metadata.tables.values() for item in table.constraints if not item.name]
    assert unnamed == []


def test_a_naive_time_never_reaches_the_database() -> None:
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), DIALECT)


def test_a_time_of_another_zone_is_stored_in_utc() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert UtcDateTime().process_bind_param(noon, DIALECT) == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_a_time_comes_back_aware() -> None:
    assert UtcDateTime().process_result_value(datetime(2026, 1, 1), DIALECT) == datetime(2026, 1, 1, tzinfo=UTC)

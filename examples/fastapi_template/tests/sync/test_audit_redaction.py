import pytest

from app.audit import redact


@pytest.mark.parametrize("name", ["password", "new_password", "API_TOKEN", "secret", "key_hash"])
def test_a_secret_is_not_logged(name: str) -> None:
    assert redact({name: "value"}) == {name: "***"}


def test_what_is_no_secret_is_logged() -> None:
    assert redact({"full_name": "Ada", "fields": ["title"]}) == {"full_name": "Ada", "fields": ["title"]}


def test_secrets_are_found_at_any_depth() -> None:
    assert redact({"a": {"b": {"password": "x", "c": 1}}}) == {"a": {"b": {"password": "***", "c": 1}}}


def test_the_caller_s_detail_is_left_alone() -> None:
    detail = {"password": "x"}
    redact(detail)
    assert detail == {"password": "x"}

"""Validation by itself: no application, no database."""

import pytest
from pydantic import ValidationError

from app.schemas import UserCreate, UserUpdate


def test_an_address_is_trimmed_and_lowered() -> None:
    assert UserCreate(email="  Ada@Example.COM ", name=" Ada ").model_dump() == {
        "email": "ada@example.com",
        "name": "Ada",
    }


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a@b@c.de"])
def test_what_is_no_address(email: str) -> None:
    with pytest.raises(ValidationError, match="email"):
        UserCreate(email=email, name="Ada")


def test_an_update_knows_what_was_given() -> None:
    assert UserUpdate(is_active=False).model_dump(exclude_unset=True) == {"is_active": False}


def test_an_update_of_nothing_is_none() -> None:
    with pytest.raises(ValidationError, match="at least one field"):
        UserUpdate()

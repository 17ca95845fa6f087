import pytest
from pydantic import ValidationError

from app.models import NoteStatus
from app.schemas import NoteFilter, NoteIn, Registration, UserChange, UserOut


def registration(**overrides: object) -> Registration:
    return Registration.model_validate({"email": "a@example.com", "password": "long-enough-1"} | overrides)


@pytest.mark.parametrize("address", ["", "a", "@example.com", "a@", "a@example", "a b@example.com", "a@.com."])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="email"):
        registration(email=address)


def test_an_address_has_one_spelling() -> None:
    assert registration(email="  Ada@Example.COM ").email == "ada@example.com"


@pytest.mark.parametrize(
    "password", ["short-1", "1234567890123", "onlyletters", "x1" * 65], ids=["short", "digits", "letters", "long"]
)
def test_a_weak_or_huge_password_is_refused(password: str) -> None:
    with pytest.raises(ValidationError, match="password"):
        registration(password=password)


def test_a_registration_does_not_show_its_password() -> None:
    assert "long-enough-1" not in repr(registration())


def test_nobody_registers_as_administrator() -> None:
    with pytest.raises(ValidationError, match="is_admin"):
        registration(is_admin=True)


def test_a_title_is_trimmed_and_not_empty() -> None:
    assert NoteIn(title="  Milk  ").title == "Milk"
    with pytest.raises(ValidationError, match="title"):
        NoteIn(title="   ")


def test_a_new_note_is_a_draft() -> None:
    assert NoteIn(title="Milk").status is NoteStatus.draft


def test_a_filter_refuses_a_misspelled_name() -> None:
    with pytest.raises(ValidationError, match="stauts"):
        NoteFilter.model_validate({"stauts": "draft"})


def test_a_filter_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        NoteFilter.model_validate({"created_after": "2026-01-01T00:00:00"})


def test_what_was_not_said_is_not_changed() -> None:
    assert UserChange(is_active=False).model_dump(exclude_none=True) == {"is_active": False}


def test_a_user_goes_out_without_the_hash() -> None:
    assert "password_hash" not in UserOut.model_fields

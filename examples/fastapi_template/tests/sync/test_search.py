from datetime import UTC, datetime

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql, sqlite

from app.models import Note, NoteStatus
from app.search import NOTE_ORDERS, UnknownOrderError, matches, note_query, order_by, user_query, words

SQLITE = sqlite.dialect()
POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]


def sql(query: Select[tuple[Note]]) -> str:
    return str(query.compile(dialect=SQLITE, compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, []), ("", []), ("  ", []), ("milk", ["milk"]), (" milk  and tea", ["milk", "and", "tea"])],
)
def test_a_search_text_is_a_list_of_words(text: str | None, expected: list[str]) -> None:
    assert words(text) == expected


def test_every_word_is_a_condition_of_its_own() -> None:
    assert len(matches("milk tea", Note.title, Note.body)) == 2


def test_wildcards_are_ordinary_characters() -> None:
    assert "100/%" in sql(note_query(1, q="100%"))
    assert "a/_b" in sql(note_query(1, q="a_b"))


def test_case_does_not_matter_on_either_database() -> None:
    assert "lower(notes.title) LIKE" in sql(note_query(1, q="Milk"))
    assert "ILIKE" in str(note_query(1, q="Milk").compile(dialect=POSTGRES))


def test_notes_are_always_those_of_one_owner() -> None:
    assert "notes.owner_id = 7" in sql(note_query(7))


def test_a_state_filters() -> None:
    assert "notes.status = 'published'" in sql(note_query(1, status=NoteStatus.published))


def test_the_end_of_a_period_is_exclusive() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    text = str(note_query(1, created_after=start, created_before=end).compile(dialect=SQLITE))
    assert "notes.created_at >= ?" in text
    assert "notes.created_at < ?" in text


def test_the_newest_note_comes_first_and_ties_are_settled() -> None:
    assert sql(note_query(1)).endswith("ORDER BY notes.created_at DESC, notes.id")


def test_a_sort_without_minus_ascends() -> None:
    assert str(order_by("title", NOTE_ORDERS)) == "notes.title ASC"


@pytest.mark.parametrize("name", ["owner_id", "password_hash", "", "--title", "title; DROP TABLE notes"])
def test_only_known_columns_sort(name: str) -> None:
    with pytest.raises(UnknownOrderError, match="created_at, title, updated_at"):
        order_by(name, NOTE_ORDERS)


def test_users_are_found_by_address_or_name() -> None:
    text = sql(user_query(q="ada"))
    assert "users.email" in text
    assert "users.full_name" in text


def test_inactive_users_can_be_asked_for() -> None:
    assert "users.is_active IS 0" in sql(user_query(is_active=False))

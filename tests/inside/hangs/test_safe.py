"""Nothing that a test makes can do anything by being looked at."""

from __future__ import annotations

from collections import deque
from typing import Any

from async_test_run_inside.hangs import safe


class Hostile:
    """Raises for everything that is asked of it."""

    def __init__(self) -> None:
        object.__setattr__(self, "x", 1)

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __repr__(self) -> str:
        raise AssertionError("repr")

    __str__ = __repr__
    __class__ = property(__repr__)  # type: ignore[assignment]


class Name(str):
    def translate(self, table: Any) -> str:
        raise AssertionError("a method of the test's")


def test_text_is_one_line_of_bounded_length() -> None:
    assert safe.text("a\nb\x1b[31m\u2028c") == "a\\x0ab\\x1b[31m\\u2028c"
    assert len(safe.text("x" * 10_000)) == 200
    assert safe.text("x" * 10_000).endswith("…")


def test_what_is_no_string_is_only_named() -> None:
    assert safe.text(Name("a")) == f"<{__name__}.Name>"
    assert safe.text(Hostile()) == f"<{__name__}.Hostile>"


def test_the_type_is_asked_and_not_the_object() -> None:
    assert safe.is_kind(Hostile(), Hostile)
    assert not safe.is_kind(Hostile(), int)


def test_a_field_is_read_past_whatever_the_class_says() -> None:
    assert safe.field(Hostile(), "x") == 1
    assert safe.field(Hostile(), "y") is None
    assert safe.field(3, "x") is None


def test_only_pythons_own_containers_are_counted() -> None:
    class Sized(list[int]):
        def __len__(self) -> int:
            raise AssertionError("len")

    assert safe.size([1, 2]) == safe.size(deque([1, 2])) == 2
    assert safe.size(Sized()) == safe.size(Hostile()) == 0


def test_a_number_is_a_number() -> None:
    assert safe.number(2) == 2.0
    assert safe.number(True) is None
    assert safe.number(Hostile()) is None


def test_what_lives_of_a_class_is_found_with_its_subclasses_and_nothing_that_only_says_so() -> None:
    class Kind:
        pass

    class Special(Kind):
        pass

    class Liar:
        __class__ = Kind  # type: ignore[assignment]

    plain, special, liar = Kind(), Special(), Liar()
    assert isinstance(liar, Kind)
    found = safe.living(Kind)
    assert sorted(map(id, found)) == sorted(map(id, (plain, special)))

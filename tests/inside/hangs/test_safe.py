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


def test_what_a_class_keeps_in_a_slot_is_read_past_its_subclass() -> None:
    class Slotted:
        __slots__ = ("x", "y")

        def __init__(self) -> None:
            self.x = 1

    class Liar(Slotted):
        @property
        def x(self) -> int:  # type: ignore[override]
            raise AssertionError("asked")

        @x.setter
        def x(self, value: int) -> None:
            Slotted.x.__set__(self, value)  # type: ignore[attr-defined]

    assert safe.own(Slotted(), "x") == safe.own(Liar(), "x") == 1
    assert safe.own(Slotted(), "y") is None
    assert safe.own(Slotted(), "z") is None
    assert safe.own(Hostile(), "x") == 1

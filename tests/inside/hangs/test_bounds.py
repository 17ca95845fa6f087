"""A report looks at so much and no more, and says what it left out. What is counted here is work, never time."""

from __future__ import annotations

import gc

import pytest
from async_test_run_inside.hangs import bounds
from async_test_run_inside.hangs.bounds import Look


@pytest.fixture
def small_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of this process may be larger than what is searched: other tests have run in it."""
    monkeypatch.setattr(bounds, "_blocks", lambda: 1000)


@pytest.mark.usefixtures("small_heap")
def test_what_lives_of_a_class_is_found_with_its_subclasses_and_nothing_that_only_says_so() -> None:
    class Kind:
        pass

    class Special(Kind):
        pass

    class Liar:
        __class__ = Kind  # type: ignore[assignment]

    plain, special, liar = Kind(), Special(), Liar()
    assert isinstance(liar, Kind)
    found = Look(seconds=3600).living(Kind, "them")
    assert sorted(map(id, found)) == sorted(map(id, (plain, special)))


def test_so_many_are_looked_at_and_the_rest_is_told() -> None:
    look = Look(seconds=3600)
    assert list(look.some(range(5), 3, "things", 5)) == [0, 1, 2]
    assert list(look.some(range(2), 3, "others", 2)) == [0, 1]
    assert look.looked == {"things": 3, "others": 2}
    assert look.cut == ("only 3 of 5 things were looked at",)


def test_when_the_time_is_over_nothing_more_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(bounds, "_monotonic", lambda: next(clock))
    look = Look(seconds=3)
    assert list(look.some(range(10), 100, "things", 10)) == [0, 1]
    assert not look.has_time()
    assert look.cut == ("only 2 of 10 things were looked at",)


def test_what_is_cut_is_told_once_for_each_kind() -> None:
    look = Look()
    look.leave_out("frames", "a stack is deep")
    look.leave_out("frames", "another is deep too")
    assert look.cut == ("a stack is deep",)


def test_a_large_heap_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> list[object]:
        raise AssertionError("searched")

    monkeypatch.setattr(bounds, "_blocks", lambda: bounds.BLOCKS + gc.get_freeze_count() + 1)
    monkeypatch.setattr(bounds, "_get_objects", never)
    look = Look(seconds=3600)
    assert look.living(dict, "them") == []
    assert look.looked == {}
    assert look.cut == ("the heap is large, and was not searched for them",)


@pytest.mark.usefixtures("small_heap")
def test_the_search_does_not_thaw_what_a_host_has_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_generation: int | None = None) -> list[object]:
        raise AssertionError("asked where it would thaw")

    monkeypatch.setattr(gc, "get_objects", never)
    look = Look(seconds=3600)
    look.living(bounds.Look, "them")
    assert look.looked["objects"] > 0

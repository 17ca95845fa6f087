"""Where instances come from."""

from __future__ import annotations

import gc
import inspect
import sys
import types
from collections.abc import Iterator

import pytest
from async_test_run_inside.leaks.births import Birth, Births, instances_in_modules


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A module with a class, whose name no installed one has."""
    module = types.ModuleType("a_library")

    class Client:
        def __init__(self, name: str = "", *, fails: bool = False) -> None:
            if fails:
                raise ValueError(name)

    module.Client = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_library", module)
    yield module


def births(**options: bool) -> tuple[Births, list[Birth]]:
    fresh: list[Birth] = []
    found = Births("a_library", "Client", ("a_library",), fresh=fresh, **options)
    return found, fresh


def test_a_class_that_is_not_there_is_waited_for(library: types.ModuleType) -> None:
    later = Births("not_there", "Client", (), fresh=[])
    assert not later.install()
    found, _ = births()
    assert found.install()


def test_an_instance_is_remembered_weakly_with_the_line_that_made_it(library: types.ModuleType) -> None:
    found, fresh = births()
    found.install()
    client = library.Client("x")
    (birth,) = found.new
    assert fresh == [birth]
    assert birth.ref() is client
    assert "test_an_instance_is_remembered_weakly" in birth.where
    assert found.of(client) is birth
    del client
    gc.collect()
    assert birth.ref() is None


def test_the_class_looks_and_behaves_as_before(library: types.ModuleType) -> None:
    signature = inspect.signature(library.Client)
    found, _ = births()
    found.install()
    assert inspect.signature(library.Client) == signature
    with pytest.raises(ValueError, match="x"):
        library.Client("x", fails=True)
    assert found.new == []


def test_what_is_taken_is_old_from_then_on(library: types.ModuleType) -> None:
    found, _ = births()
    found.install()
    client = library.Client()
    assert [birth.ref() for birth in found.take()] == [client]
    assert found.new == found.take() == []
    assert list(found.living()) == [client]


def test_what_is_held_lives_until_somebody_lets_go_of_it(library: types.ModuleType) -> None:
    found, _ = births(hold=True)
    found.install()
    library.Client()
    gc.collect()
    (birth,) = found.new
    assert birth.held is birth.ref() is not None


def test_instances_that_modules_hold_are_found_without_asking_them_anything(library: types.ModuleType) -> None:
    class Hostile:
        @property
        def __class__(self) -> type:  # type: ignore[override]
            raise RuntimeError

    library.hostile = Hostile()  # type: ignore[attr-defined]
    library.one = library.same = library.Client()  # type: ignore[attr-defined]
    assert list(instances_in_modules((library.Client,))) == [library.one]

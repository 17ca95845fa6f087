"""What is drawn while tests are collected is the run's, what they draw themselves is nobody's."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from async_test_run_inside.collection.drawing import Drawing

from tests.support.inside import Config, through


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    state, seed = random.getstate(), random.seed
    yield
    random.seed = seed
    random.setstate(state)


def test_two_processes_draw_the_same_while_they_collect_and_not_later() -> None:
    drawn = []
    for _ in range(2):
        drawing = Drawing(7)
        collected = random.random()
        through(drawing.pytest_collection())
        drawn.append((collected, random.random()))
    (first, later), (second, other) = drawn
    assert first == second
    assert later != other


def test_another_run_draws_something_else() -> None:
    drawn = []
    for seed in (7, 8):
        drawing = Drawing(seed)
        drawn.append(random.random())
        through(drawing.pytest_collection())
    assert drawn[0] != drawn[1]


def test_who_seeds_by_himself_finds_what_he_expects() -> None:
    drawing = Drawing(7)
    random.seed(42)
    through(drawing.pytest_collection())
    assert random.random() == random.Random(42).random()


def test_what_somebody_else_has_put_in_the_place_of_seed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = Drawing(7)

    def theirs() -> None: ...

    random.seed = theirs
    through(drawing.pytest_collection())
    assert random.seed is theirs


@pytest.mark.parametrize(("asked", "has"), [("default", 7), ("last", "last"), (3, 3)])
def test_a_seed_that_a_plugin_would_draw_in_each_process_is_the_runs(asked: object, has: object) -> None:
    config = Config(randomly_seed=asked)
    Drawing(7).pytest_configure(config)  # type: ignore[arg-type]
    assert config.option.randomly_seed == has


def test_without_that_plugin_it_has_no_option() -> None:
    config = Config()
    Drawing(7).pytest_configure(config)  # type: ignore[arg-type]
    assert not hasattr(config.option, "randomly_seed")

"""Random numbers that are drawn while tests are collected: the same in all processes of a run, and of no other.

Parameters made of them would mean another test in each process. Tests themselves draw what no other process draws.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import pytest


class Drawing:
    """Seeds Python's own generator before the project is imported, and anew after the collection."""

    def __init__(self, seed: int) -> None:
        self._number = seed
        self._seed = random.seed
        self._is_theirs = False
        random.seed(seed)
        random.seed = self._noted

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """pytest-randomly would draw a seed of its own in each process; an order and an example belong to a run."""
        if getattr(config.option, "randomly_seed", None) == "default":
            config.option.randomly_seed = self._number

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, Any, Any]:
        """Not anew where the project has seeded it by itself: its tests count on that."""
        try:
            return (yield)
        finally:
            if random.seed == self._noted:
                random.seed = self._seed
            if not self._is_theirs:
                self._seed()

    def _noted(self, *arguments: Any, **named: Any) -> None:
        self._is_theirs = True
        self._seed(*arguments, **named)

"""Warnings of tests: the same message from the same place once, with its count and the first tests."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.inventory import SuiteWarning

KINDS = 1000  # different warnings of one run that are kept with their text
TESTS = 20  # tests named of each


class WarningFold:
    """All of them in the order in which they first came; beyond `KINDS` they are counted only."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], tuple[int, dict[str, None]]] = {}
        self._beyond = 0

    def add(self, warning: SuiteWarning) -> None:
        """Take one in, be it new or a repetition."""
        key = (warning.category, warning.where, warning.text)
        known = self._kinds.get(key)
        if not warning.category or (known is None and len(self._kinds) >= KINDS):
            self._beyond += warning.count
            return
        count, tests = known or (0, {})
        for test in warning.tests:
            if len(tests) < TESTS:
                tests.setdefault(test)
        self._kinds[key] = (count + warning.count, tests)

    def all(self, collected: Iterable[SuiteWarning]) -> tuple[SuiteWarning, ...]:
        """Those of the collection first, and what is only counted last."""
        whole = WarningFold()
        for warning in (*collected, *self._own()):
            whole.add(warning)
        return tuple(whole._own())

    def _own(self) -> list[SuiteWarning]:
        found = [SuiteWarning(*key, count, tuple(tests)) for key, (count, tests) in self._kinds.items()]
        return [*found, SuiteWarning("", "", "", self._beyond)] if self._beyond else found

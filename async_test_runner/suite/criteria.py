"""The criteria of phases, of `select` and of the command line, as questions about a collected test."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from ..model.errors import InternalError
from ..model.inventory import CollectedTest, Inventory
from ..model.plan import Phase, Plan
from ..words.globs import IdMatcher, PathMatcher, absolute, relative
from ..words.wording import listed, quoted
from . import red, targets


class Criterion(msgspec.Struct, frozen=True):
    """One condition of a phase or of `select`: as the plan writes it, and as a question."""

    shown: str
    holds: Callable[[CollectedTest], bool]


class Criteria:
    """Makes criteria; knows where files lie as seen from the plan, and which expressions pytest evaluated."""

    def __init__(self, plan: Plan, inventory: Inventory) -> None:
        self._root = plan.root.as_posix()
        self._rootdir = inventory.facts.rootdir or self._root
        self._positions = {expression: index for index, expression in enumerate(inventory.expressions)}
        self._tests = inventory.tests
        self._files: dict[str, str] = {}

    def file(self, test: CollectedTest) -> str:
        """The test's file, absolute: pytest names it relative to its rootdir, which need not be the plan's."""
        found = self._files.get(test.file)
        if found is None:
            found = self._files[test.file] = absolute(test.file, self._rootdir)
        return found

    def of(self, paths: tuple[str, ...], markers: str, keyword: str, tests: tuple[str, ...]) -> tuple[Criterion, ...]:
        """The criteria that are given; all of them must hold."""
        found = []
        if paths:
            found.append(Criterion(f"paths {listed(paths, 4)}", self.paths(paths)))
        if markers:
            found.append(Criterion(f"markers {quoted(markers, 120)}", self.expression("markers", markers)))
        if keyword:
            found.append(Criterion(f"keyword {quoted(keyword, 120)}", self.expression("keyword", keyword)))
        if tests:
            found.append(Criterion(f"tests {listed(tests, 4)}", self.ids(tests)))
        return tuple(found)

    def of_phase(self, phase: Phase) -> tuple[Criterion, ...]:
        return self.of(phase.paths, phase.markers, phase.keyword, phase.tests)

    @property
    def root(self) -> str:
        """The plan's root."""
        return self._root

    def paths(self, entries: tuple[str, ...]) -> Callable[[CollectedTest], bool]:
        matcher = PathMatcher(entries, self._root)
        return lambda test: matcher.matches(self.file(test))

    def target(self, target: targets.Target) -> Callable[[CollectedTest], bool]:
        return targets.matcher(target, self._tests, self.file)

    def red(self, entries: tuple[str, ...]) -> Callable[[CollectedTest], bool]:
        return red.matcher(entries, self._tests)

    def expression(self, kind: str, text: str) -> Callable[[CollectedTest], bool]:
        position = self._positions.get((kind, text))
        if position is None:
            raise InternalError(f"the collection did not evaluate {kind} {quoted(text, 120)}")
        return lambda test: position in test.matches

    def ids(self, entries: tuple[str, ...]) -> Callable[[CollectedTest], bool]:
        matcher = IdMatcher(entries)
        if self._rootdir == self._root:
            return lambda test: matcher.matches(test.id)
        return lambda test: matcher.matches(test.id) or matcher.matches(self._id_from_plan(test))

    def _id_from_plan(self, test: CollectedTest) -> str:
        seen = relative(self.file(test), self._root)
        return seen + test.id[len(test.file) :] if test.id.startswith(test.file) else test.id


def all_hold(criteria: Iterable[Criterion], test: CollectedTest) -> bool:
    return all(criterion.holds(test) for criterion in criteria)

"""Which tests of a session go to a worker together. Pure functions over pytest's items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import pytest

_SLICE = 25  # tests in a slice, at most
_SHARES = 8  # slices per worker, at least, so that none idles long at the end
_SEEN, _SHORT = 10, 8  # of the last so many clean processes, how many had one test only: then others get no more
_PROBE = 16  # of those that get one test only, every so manieth gets more: it may be clean again


def units(positions: Mapping[str, int], wanted: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Positions of the tests of each unit of a divided phase; ``positions`` is by id."""
    for unit in wanted:
        found = sorted(positions[id] for id in unit if id in positions)
        if found:
            yield found


def groups(items: Sequence[pytest.Item], workers: int) -> Iterator[list[int]]:
    """Positions in groups for one worker each: a file or a class where it has fixtures of that scope, else a slice."""
    size = max(1, min(_SLICE, len(items) // (workers * _SHARES)))
    scopes = [_scope(item) for item in items]
    group: list[int] = []
    for position, scope in enumerate(scopes):
        if group and (scope != scopes[position - 1] or (not scope and len(group) >= size)):
            yield group
            group = []
        group.append(position)
    if group:
        yield group


class Shares:
    """What waits for workers. Each has a share of its own, in order; who has none left takes the end of the largest.

    So workers begin far apart. Tests that stand beside each other share files, ports and fixtures most often.
    """

    def __init__(self, waiting: Iterable[list[int]], shares: int) -> None:
        """As many ``shares`` as there are workers; with one, all take from the same end."""
        every = list(waiting)
        total = sum(map(len, every))
        self._shares: list[deque[list[int]]] = [deque() for _ in range(shares)]
        before = 0
        for unit in every:
            self._shares[before * shares // total].append(unit)
            before += len(unit)

    def __len__(self) -> int:
        return sum(map(len, self._shares))

    def __iter__(self) -> Iterator[list[int]]:
        return chain.from_iterable(self._shares)

    def take(self, worker: int, fits: Callable[[list[int]], bool] = lambda unit: True) -> list[int] | None:
        """The next one for a worker; None where none fits now."""
        own = self._share(worker)
        found = next(filter(fits, own), None)
        if found is not None:
            own.remove(found)
            return found
        for other in sorted(self._shares, key=_tests, reverse=True):
            last = next(filter(fits, reversed(other)), None)
            if last is not None:
                other.remove(last)
                return last
        return None

    def give_back(self, worker: int, unit: list[int]) -> None:
        """It is the next one again."""
        self._share(worker).appendleft(unit)

    def clear(self) -> None:
        """Nothing of it will run."""
        for share in self._shares:
            share.clear()

    def _share(self, worker: int) -> deque[list[int]]:
        return self._shares[min(worker, len(self._shares) - 1)]


class Lone:
    """Whether a worker of a clean phase gets one test only, because nearly none has stayed clean for a second one.

    Such a worker does not have to be looked at, and costs what one of ``isolation: test`` costs.
    """

    def __init__(self) -> None:
        self._were_short: deque[bool] = deque(maxlen=_SEEN)
        self._given = 0  # workers since then

    def saw(self, tests: int, *, left: bool) -> None:
        """A worker that might have run more has ended after so many tests; ``left`` says that others were to follow."""
        if tests > 1 and self:
            self._were_short.clear()
        elif tests > 1 or (tests and left):
            self._were_short.append(tests == 1)

    def __bool__(self) -> bool:
        return sum(self._were_short) >= _SHORT

    def next(self) -> bool:
        """For the next worker."""
        self._given = self._given + 1 if self else 0
        return self._given % _PROBE > 0


def _tests(share: Iterable[list[int]]) -> int:
    return sum(map(len, share))


def _scope(item: pytest.Item) -> str:
    """The node whose tests must stay together with this one; empty when none must."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return str(item.nodeid).partition("::")[0]
    found = {str(definition.scope) for definitions in info.name2fixturedefs.values() for definition in definitions}
    if found & {"package", "module"}:
        return str(item.nodeid).partition("::")[0]
    parent = item.getparent(pytest.Class)
    return str(parent.nodeid) if "class" in found and parent is not None else ""

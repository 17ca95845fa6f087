"""What of a phase still waits for a process, and what of it can start now: order, resources, slots, delays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from ..contract.launching import Job
from ..model.inventory import CollectedTest
from ..model.plan import Phase
from ..model.result import Kept
from ..model.vocabulary import Isolation
from ..suite.units import unit_key, units
from .actions import Limits
from .aftermath import max_failures_reason
from .running import Running
from .telling import Teller


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that wait for a process."""

    tests: tuple[CollectedTest, ...]
    attempt: int = 1
    slot: int | None = None
    not_before: float = 0.0
    barren: int = 0
    recheck: bool = False


class Queue:
    """What waits, until it is closed: then nothing starts any more, and ``closed`` says why.

    ``whole`` says whether a session keeps the phase's units apart by itself, and so gets them all.

    A test is pending while it is red and something may still forgive it: another attempt, or a recheck. When as many
    have failed or are pending as the phase may have failures, no other test starts until that is decided.
    """

    def __init__(
        self,
        phase: Phase,
        tests: Sequence[CollectedTest],
        limits: Limits,
        teller: Teller,
        whole: Callable[[], bool],
    ) -> None:
        self._phase = phase
        self._limits = limits
        self._teller = teller
        self._whole = whole
        self._failures = 0
        self._workers = limits.workers
        self._pending: set[str] = set()
        self._clean = phase.isolation is Isolation.CLEAN
        self._divided = phase.isolation is not Isolation.PHASE
        self._is_sliced = False  # the tests of clean processes, among fresh ones
        self._tests = {test.id: test for test in tests}
        self._order = {test.id: position for position, test in enumerate(tests)}
        self._waiting: deque[Waiting] = deque()
        self._rechecks: deque[Waiting] = deque()
        self._numbers = limits.numbers
        self.closed = ""
        self.rechecks_closed = ""
        self._open(tests, limits.kept)

    def _open(self, tests: Sequence[CollectedTest], kept: Kept) -> None:
        """What is to be done: all of it, or what a run that is resumed has left."""
        fresh = tuple(test for test in tests if test.id not in kept.settled and test.id not in kept.attempts)
        if fresh:
            self._waiting.append(Waiting(tests=fresh))
        for id, attempt in kept.attempts.items():
            if id in self._tests:
                self.retry(id, attempt, None)
        for id, attempt in kept.rechecks.items():
            if id in self._tests:
                self.recheck(id, attempt, pending=self._phase.order_dependent == "pass")

    def __bool__(self) -> bool:
        return bool(self._waiting or self._rechecks)

    def close(self, why: str, *, rechecks: bool = True) -> None:
        """Start nothing more; what waits will not run. Without ``rechecks`` those still do."""
        self.closed = self.closed or why
        left = [test.id for waiting in self._waiting for test in waiting.tests]
        self._waiting.clear()
        self._teller.not_run(left, why)
        if rechecks:
            self.rechecks_closed = self.rechecks_closed or why
            for waiting in self._rechecks:
                self._teller.not_rechecked(waiting.tests[0].id, why)
            self._rechecks.clear()

    def failed(self, id: str) -> None:
        """A failure that is final: the phase may have had enough of them."""
        self._pending.discard(id)
        self._failures += 1
        if self.has_failed and not self.closed:
            self.close(max_failures_reason(self._limits.max_failures), rechecks=False)

    @property
    def has_failed(self) -> bool:
        """Whether so many tests have failed for good that no other one is to begin."""
        limit = self._limits.max_failures
        return bool(limit) and self._failures >= limit

    def forgiven(self, id: str) -> None:
        """A test that was pending is not red any more."""
        self._pending.discard(id)

    def given_up(self, ids: Sequence[str]) -> None:
        """These will not run again: those of them that were pending have failed."""
        for id in ids:
            if id in self._pending:
                self.failed(id)

    def retry(self, id: str, attempt: int, slot: int | None) -> None:
        """Run a test again, after the delay that the phase asks for."""
        self._pending.add(id)
        retry = Waiting(
            tests=(self._tests[id],),
            attempt=attempt,
            slot=slot if self._divided or self._phase.retries.isolation == "test" else None,
            not_before=self._teller.now + self._phase.retries.delay,
        )
        for position, other in enumerate(self._waiting):
            if self._share(retry, other):
                tests = tuple(sorted((*other.tests, *retry.tests), key=lambda test: self._order[test.id]))
                self._waiting[position] = msgspec.structs.replace(other, tests=tests, not_before=retry.not_before)
                return
        self._waiting.append(retry)

    def _share(self, retry: Waiting, other: Waiting) -> bool:
        """Whether a retry runs in the same process as what waits already."""
        if self._phase.retries.isolation != "same" or retry.attempt != other.attempt:
            return False
        isolation = self._phase.isolation
        return unit_key(isolation, retry.tests[0]) == unit_key(isolation, other.tests[0])

    def recheck(self, id: str, attempt: int, *, barren: int = 0, pending: bool = False) -> None:
        """Run a red test once more, alone; ``pending`` if that may forgive it."""
        if pending:
            self._pending.add(id)
        self._rechecks.append(Waiting(tests=(self._tests[id],), attempt=attempt, barren=barren, recheck=True))

    def fall_back(self) -> None:
        """Forks were wanted, and are not to be had: a fresh process costs a hundred times as much."""
        self._workers = min(self._workers, self._limits.fresh)

    def first(self, units: Sequence[tuple[str, ...]], attempt: int, barren: int) -> None:
        """Run these before all others, each unit in a fresh process."""
        for ids in reversed(units):
            self._waiting.appendleft(Waiting(tests=self._named(ids), attempt=attempt, barren=barren))

    def last(self, ids: Sequence[str], attempt: int) -> None:
        """Run these after all others."""
        self._waiting.append(Waiting(tests=self._named(ids), attempt=attempt))

    def _named(self, ids: Sequence[str]) -> tuple[CollectedTest, ...]:
        return tuple(self._tests[id] for id in ids)

    def startable(self, running: Collection[Running]) -> Iterator[Running]:
        """What starts now, beside what runs; each is to be running by the time that the next is asked for."""
        self._divide()
        now = self._teller.now
        limit = self._workers if self._divided else 1
        for waiting in [*self._waiting, *self._rechecks]:
            if len(running) >= limit:
                break
            if waiting.not_before > now or self._is_held(waiting) or not self._has_resources(waiting, running):
                continue
            job = self._job(waiting, running)
            if job is None:
                continue
            (self._rechecks if waiting.recheck else self._waiting).remove(waiting)
            yield Running(job, now, waiting.barren)

    def _is_held(self, waiting: Waiting) -> bool:
        limit = self._limits.max_failures
        return bool(limit) and waiting.attempt == 1 and not waiting.recheck and self._red_beside(waiting) >= limit

    def _red_beside(self, waiting: Waiting) -> int:
        """Tests that have failed or may still, those that wait here left out."""
        return self._failures + len(self._pending.difference(test.id for test in waiting.tests))

    def _divide(self) -> None:
        """Take what waits apart into units, unless a session does so by itself."""
        if self._clean:
            self._slice()
            return
        if not self._divided or self._whole() or all(len(waiting.tests) == 1 for waiting in self._waiting):
            return
        self._waiting = deque(
            msgspec.structs.replace(waiting, tests=unit)
            for waiting in self._waiting
            for unit in units(self._phase, waiting.tests)
        )

    def _slice(self) -> None:
        """Fresh processes share the tests of a clean phase: a slice for each at first, then what one has left."""
        if self._is_sliced or self._whole() or not self._waiting:
            return
        self._is_sliced = True
        shared = [each for each in self._waiting if each.attempt == 1 and not each.barren and len(each.tests) > 1]
        tests = [test for waiting in shared for test in waiting.tests]  # what is to run alone stays alone
        size = max(1, -(-len(tests) // self._workers))
        slices = [Waiting(tests=tuple(tests[at : at + size])) for at in range(0, len(tests), size)]
        self._waiting = deque([*(each for each in self._waiting if each not in shared), *slices])

    def _job(self, waiting: Waiting, running: Collection[Running]) -> Job | None:
        whole = len(waiting.tests) > 1 and (not self._divided or (self._whole() and waiting.attempt == 1))
        workers = min(self._limits.workers, len(waiting.tests)) if whole else 1
        slot = _slot(waiting.slot, workers, running)
        if slot is None:
            return None
        self._numbers += 1
        return Job(
            process=f"{self._phase.name}/{self._numbers:04d}",
            phase=self._phase,
            tests=waiting.tests,
            attempt=waiting.attempt,
            slot=slot,
            workers=workers,
            parallel=self._divided and self._limits.workers > 1,
            divided=whole and self._divided and not self._clean,
            clean=self._clean and len(waiting.tests) > 1,
            recheck=waiting.recheck,
            capacities=tuple(self._limits.capacities.items()),
            maxfail=self._maxfail(waiting),
        )

    def _maxfail(self, waiting: Waiting) -> int:
        """After how many failures, final or not, pytest is to stop: what is decided then tells whether it goes on."""
        if not self._limits.max_failures or len(waiting.tests) == 1:
            return 0
        return max(1, self._limits.max_failures - self._red_beside(waiting))

    def _has_resources(self, waiting: Waiting, running: Collection[Running]) -> bool:
        used: dict[str, int] = {}
        for session in running:
            for name in _resources(self._phase, session.job.tests):
                used[name] = used.get(name, 0) + 1
        wanted = _resources(self._phase, waiting.tests)
        return all(used.get(name, 0) < self._limits.capacities.get(name, 1) for name in wanted)


def _slot(wanted: int | None, count: int, running: Collection[Running]) -> int | None:
    """The lowest free slots; a retry waits for the one that it had."""
    taken = {slot for session in running for slot in session.slots}
    if wanted is not None:
        return None if wanted in taken else wanted
    slot = 0
    while taken & set(range(slot, slot + count)):
        slot += 1
    return slot


def _resources(phase: Phase, tests: Sequence[CollectedTest]) -> set[str]:
    """What these tests hold beyond what their phase holds anyway, as long as it runs."""
    return set[str]().union(*(test.resources for test in tests)) - set(phase.resources)

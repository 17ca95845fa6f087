"""The memory that test processes have resident, and deaths that only the lack of it explains."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from ..model.plan import Phase
from ..system.process import KILL
from ..words.deaths import describe_death
from ..words.sizes import format_above, format_size
from .actions import Action, Signal
from .running import Running


class Memory:
    """Watches the processes of a phase while they run tests.

    ``resident`` answers how many bytes a process has resident, None for one that is gone; ``oom_kills`` how many
    processes the kernel has killed for want of memory.
    """

    def __init__(self, phase: Phase, resident: Callable[[int], int | None], oom_kills: Callable[[], int]) -> None:
        self._limit = phase.memory
        self._resident = resident
        self._oom_kills = oom_kills
        self._kills_before: WeakKeyDictionary[Running, int] = WeakKeyDictionary()
        self._exhausted: WeakKeyDictionary[Running, dict[str, str]] = WeakKeyDictionary()  # worker -> in what way

    def begin(self, running: Running) -> None:
        """A session begins."""
        self._kills_before[running] = self._oom_kills()

    def greet(self, running: Running, worker: str) -> None:
        """A new process of a session has this name."""
        self._exhausted_in(running).pop(worker, None)

    def _exhausted_in(self, running: Running) -> dict[str, str]:
        return self._exhausted.setdefault(running, {})

    def due(self, running: Running) -> list[Action]:
        """Who has more than the limit is killed at once: what asks to end first may take the rest of the machine.

        Between tests nobody is: without a test to blame, its process would only be started again.
        """
        if self._limit is None or running.heard.finished is not None:
            return []
        actions: list[Action] = []
        exhausted = self._exhausted_in(running)
        for worker in running.flights.busy - exhausted.keys():
            hello = running.heard.processes.get(worker)
            size = self._resident(hello.pid) if hello is not None else None
            if size is not None and size > self._limit:
                limit = format_size(self._limit)
                exhausted[worker] = f"out of memory: limit {limit} (its process had {format_above(size, self._limit)})"
                actions.append(Signal(running.job.process, KILL, running.target(worker)))
        return actions

    def death(self, running: Running, worker: str, status: int | None) -> str:
        """Why a process of a session died, as far as memory explains it; else empty."""
        exhausted = self._exhausted_in(running)
        if worker in exhausted:
            return exhausted[worker]
        if running.escalation.signalled or status not in (None, -KILL):
            return ""
        if self._oom_kills() > self._kills_before[running]:
            how = describe_death(-KILL)
            return f"out of memory: {how}, and the kernel's OOM killer was at work meanwhile"
        return ""

"""The memory that test processes have resident, and deaths that only the lack of it explains."""

from __future__ import annotations

from collections.abc import Callable

from ..model.plan import Phase
from ..system.process import KILL
from ..words.deaths import describe_death
from ..words.sizes import format_size
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

    def begin(self, running: Running) -> None:
        """A session begins."""
        running.oom_kills = self._oom_kills()

    def due(self, running: Running) -> list[Action]:
        """Who has more than the limit is killed at once: what asks to end first may take the rest of the machine.

        Between tests nobody is: without a test to blame, its process would only be started again.
        """
        if self._limit is None or running.finished is not None:
            return []
        actions: list[Action] = []
        for worker in {flight.worker for flight in running.in_flight.values()} - running.exhausted.keys():
            hello = running.processes.get(worker)
            size = self._resident(hello.pid) if hello is not None else None
            if size is not None and size > self._limit:
                limit = format_size(self._limit)
                running.exhausted[worker] = f"out of memory: limit {limit} (its process had {format_size(size)})"
                actions.append(Signal(running.job.process, KILL, running.target(worker)))
        return actions

    def death(self, running: Running, worker: str, status: int | None) -> str:
        """Why a process of a session died, as far as memory explains it; else empty."""
        if worker in running.exhausted:
            return running.exhausted[worker]
        if status in (None, -KILL) and not running.signalled and self._oom_kills() > running.oom_kills:
            how = describe_death(-KILL)
            return f"out of memory: {how}, and the kernel's OOM killer was at work meanwhile"
        return ""

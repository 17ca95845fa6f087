"""How much a report looks at: so many things of each kind, and so much time. What is cut is said in the report."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

# As they are now: tests replace them, and a forked session has others that thaw what its host has frozen.
_monotonic, _get_objects, _blocks = time.monotonic, gc.get_objects, sys.getallocatedblocks

SECONDS = 0.5  # for looking; to decide and to write takes a tenth of that
BLOCKS = 1_000_000  # of memory, of a heap that is searched: about 300 000 objects, which take 20 ms


class Look:
    """One look at the process. ``root`` is the project's directory; ``looked`` counts, ``cut`` says what was left out.

    ``seconds`` of ``clock`` are the most that it may take: then the rest of everything is left out.
    """

    def __init__(self, root: str = "", seconds: float = SECONDS) -> None:
        self.root = root
        self.looked: dict[str, int] = {}
        self._until = _monotonic() + seconds
        self._cut: dict[str, str] = {}

    @property
    def cut(self) -> tuple[str, ...]:
        """What was left out, a line for each kind of thing."""
        return tuple(self._cut.values())

    def has_time(self) -> bool:
        """Whether there is time for more."""
        return _monotonic() < self._until

    def some(self, things: Iterable[Any], most: int, kind: str, of: int | None = None) -> Iterator[Any]:
        """The first ``most`` of some things, ``of`` so many, as long as there is time."""
        for number, thing in enumerate(things):
            if number >= most or not self.has_time():
                whole = f" of {of:,}" if of is not None else ""
                self.leave_out(kind, f"only {number:,}{whole} {kind} were looked at")
                return
            self.count(kind)
            yield thing

    def count(self, kind: str, number: int = 1) -> None:
        """Note that so many things of a kind are looked at."""
        self.looked[kind] = self.looked.get(kind, 0) + number

    def leave_out(self, kind: str, words: str) -> None:
        """Say what was not looked at; once for each kind of thing."""
        self._cut.setdefault(kind, words)

    def living(self, cls: type, what: str) -> list[Any]:
        """The objects of a class that the garbage collector knows; none of a heap so large that it takes seconds.

        What was frozen before a fork is older than anything that runs in it, and stays frozen.
        """
        if not self.has_time() or _blocks() - gc.get_freeze_count() > BLOCKS:
            self.leave_out("objects", f"the heap is large, and was not searched for {what}")
            return []
        classes = [cls]
        for known in classes:  # grows while it is read
            classes += type.__subclasses__(known)
        objects, kinds = _get_objects(), frozenset(classes)
        self.count("objects", len(objects))
        return [thing for thing in objects if type(thing) in kinds]

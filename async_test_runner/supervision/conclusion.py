"""How an attempt of a test ended, and what follows."""

from __future__ import annotations

import msgspec

from ..contract.messages import Finished
from ..model.result import Detail
from ..model.vocabulary import Outcome
from .running import Flight


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one attempt. ``message`` is pytest's word about it, None where the runner says how it ended.

    ``flight`` is None for a test that was not known to run. ``followed``: a plugin has tried it again by itself.
    """

    id: str
    attempt: int
    outcome: Outcome
    details: tuple[Detail, ...]
    message: Finished | None = None
    flight: Flight | None = None
    followed: bool = False

    @property
    def worker(self) -> str:
        """The worker that it ran in, "" for the session itself."""
        return self.message.worker if self.message else self.flight.worker if self.flight else ""


class Follows(msgspec.Struct, frozen=True):
    """What follows: another attempt, a failure although it is green, a run alone.

    ``alone``: a test that was red after others has passed on a retry of its own, which shows what a recheck would.
    """

    retry: bool = False
    fails: bool = False
    alone: bool = False
    recheck: bool = False

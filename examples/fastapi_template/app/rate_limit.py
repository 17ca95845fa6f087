"""How often one client may call: a sliding window per key, in the memory of this process."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    limit: int
    remaining: int
    retry_after: float  # seconds until the next call is allowed; 0 when this one was

    def headers(self) -> dict[str, str]:
        shown = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining)}
        if not self.allowed:
            shown["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return shown


class RateLimiter:
    """At most `limit` calls in any `window` seconds for each key. A refused call does not count."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.window = window
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._swept = clock()

    def __len__(self) -> int:
        return len(self._calls)

    def hit(self, key: str) -> Verdict:
        now = self._clock()
        self._sweep(now)
        calls = self._calls.setdefault(key, deque())
        _drop_before(calls, now - self.window)
        if len(calls) >= self.limit:
            return Verdict(False, self.limit, 0, calls[0] + self.window - now)
        calls.append(now)
        return Verdict(True, self.limit, self.limit - len(calls), 0.0)

    def _sweep(self, now: float) -> None:
        """Once per window, forget the clients that have gone: the table must not grow with every address seen."""
        if now - self._swept < self.window:
            return
        self._swept = now
        for key in [key for key, calls in self._calls.items() if calls[-1] <= now - self.window]:
            del self._calls[key]


def _drop_before(calls: deque[float], horizon: float) -> None:
    while calls and calls[0] <= horizon:
        calls.popleft()

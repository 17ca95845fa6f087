"""``gc.freeze`` before a fork, and the truth for whoever asks the garbage collector afterwards.

What is frozen is not looked through, so a fork keeps sharing its pages, and a session's automatic collections are
short. But ``gc.get_objects`` and ``gc.get_referrers`` do not see it either, and ``gc.collect`` does not free it: a test
that counts its clients would find none, and hypothesis takes a module's random generator for one that nobody holds.
Who asks one of them therefore thaws this process first. It pays then what it pays without us. Only pytest's own
collections, five of them when a session is over, let things be: what was garbage before the fork is gone already.
"""

from __future__ import annotations

import gc
import os
from types import ModuleType
from typing import Any

_collect, _get_objects, _get_referrers = gc.collect, gc.get_objects, gc.get_referrers
_OLDEST = 2

_frozen = False


def freeze() -> None:
    """All that is alive now stays out of collections, in this process and in its forks."""
    global _frozen
    _collect()
    gc.freeze()
    _frozen = True


def answer_truly() -> None:
    """Put the functions that thaw in the places of the collector's own; before the project is imported."""
    gc.collect, gc.get_objects, gc.get_referrers = _thawed_collect, _thawed_objects, _thawed_referrers
    gc.__class__ = _Collector


class _Collector(ModuleType):
    """The module ``gc``: a test that asks it by name thaws, and then asks the collector itself.

    A function of ours between a coroutine and the collector would be seen: as long as a function of Python's runs, the
    values of its caller are on record, and the coroutine refers to them. anyio and trio test that nobody does.
    """

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        own = _OWN.get(name)
        if own is None or found is not own[0] or "PYTEST_CURRENT_TEST" not in os.environ:
            return found
        _thaw()
        return own[1]


def _thaw() -> None:
    global _frozen
    if _frozen:  # what a project froze itself is not ours to thaw
        gc.unfreeze()
        _frozen = False


def _thawed_collect(generation: int = _OLDEST) -> int:
    if generation == _OLDEST and "PYTEST_CURRENT_TEST" in os.environ:
        _thaw()
    return _collect(generation)


def _thawed_objects(generation: int | None = None) -> list[Any]:
    _thaw()
    return _get_objects(generation)


def _thawed_referrers(*objs: Any) -> list[Any]:
    _thaw()
    return [found for found in _get_referrers(*objs) if found is not objs]


# What stands in the place of each, while nobody else has put something there, and the collector's own.
_OWN = {"get_objects": (_thawed_objects, _get_objects), "get_referrers": (_thawed_referrers, _get_referrers)}

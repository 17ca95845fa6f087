"""Where instances of some classes of the standard library and of well-known libraries come from.

Their ``__init__`` is wrapped once the library is there; each instance is remembered weakly, with the line that made it.
What was made before, while the tests were imported, is looked up in the modules.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from ..hangs.makers import maker
from .found import MACHINERY, caller, frame_place, made_place, module_of


class Birth:
    """An instance: where it was made, by which test, and whether by what runs tests."""

    __slots__ = ("ended", "held", "is_machinery", "name", "number", "owner", "ref", "where")

    def __init__(self, instance: object, where: str, owner: str, *, is_machinery: bool, hold: bool) -> None:
        self.ref = weakref.ref(instance)
        self.number = id(instance)  # what it is found by while it is being destroyed
        self.name = type(instance).__qualname__
        self.held = instance if hold else None
        self.where = where
        self.owner = owner
        self.is_machinery = is_machinery
        self.ended = False  # it was closed in the way that it wants to be


class Births:
    """The instances of one class. ``through`` names packages whose frames are passed over on the way to the maker.

    With ``hold`` what a test makes stays alive until it has been looked at, for classes that nobody misses in between.
    """

    def __init__(
        self, module: str, name: str, through: tuple[str, ...], *, fresh: list[Birth], hold: bool = False
    ) -> None:
        self.module = module
        self._name = name
        self._through = through
        self._hold = hold
        self._fresh = fresh  # of all classes: whether anything was made at all is asked after every test
        self.cls: type | None = None
        self.new: list[Birth] = []  # since somebody took them
        self.old: list[Birth] = []
        self._latest: dict[int, Birth] = {}  # of the new ones, by the identity that an instance has, or had last
        self.owner = ""
        self.on = True

    def install(self) -> bool:
        """Begin, if the class is there; False as long as it is not."""
        cls = getattr(sys.modules.get(self.module), self._name, None)
        if not isinstance(cls, type):
            return False
        self.cls = cls
        _after_init(cls, self._register)
        return True

    def _register(self, instance: object) -> None:
        if not self.on:
            return
        frame = caller(self._through)
        where = made_place(maker(frame)) or (frame_place(frame) if frame is not None else "")
        is_machinery = frame is not None and module_of(frame) in MACHINERY
        try:
            birth = Birth(instance, where, self.owner, is_machinery=is_machinery, hold=self._hold)
        except TypeError:  # a subclass that cannot be referred to weakly
            return
        self.new.append(birth)
        self._fresh.append(birth)
        self._latest[id(instance)] = birth

    def of(self, instance: object) -> Birth | None:
        """The birth of a new instance, also while it is being destroyed."""
        return self._latest.get(id(instance))

    def adopt(self, instance: object) -> None:
        """Take in what was made before anybody looked."""
        self.old.append(Birth(instance, "", "", is_machinery=False, hold=False))

    def take(self) -> list[Birth]:
        """What was made since the last call; from now on it is old."""
        new = self.set_aside()
        self._latest.clear()
        self.old = [birth for birth in self.old if birth.ref() is not None]
        self.old += new
        return new

    def set_aside(self) -> list[Birth]:
        """What was made since the last call, for somebody who gives it back to ``new`` when it may become old."""
        new, self.new = self.new, []
        return new

    def living(self) -> Iterator[Any]:
        """The old instances that are still there."""
        for birth in self.old:
            instance = birth.ref()
            if instance is not None:
                yield instance


def _after_init(cls: Any, then: Callable[[object], None]) -> None:
    original = cls.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes that place
        __tracebackhide__ = True
        original(self, *args, **kwargs)
        then(self)

    cls.__init__ = __init__


def instances_in_modules(classes: tuple[type, ...]) -> Iterator[object]:
    """What the imported modules hold of these classes under a name of their own. Asks types, never an object."""
    known: dict[type, bool] = {}
    seen: set[int] = set()
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if type(namespace) is not dict:
            continue
        for value in list(namespace.values()):
            kind = type(value)
            wanted = known.get(kind)
            if wanted is None:
                wanted = known[kind] = any(base in classes for base in kind.__mro__)
            if wanted and id(value) not in seen:
                seen.add(id(value))
                yield value

"""What a hang report is made of: plain values, taken from live objects once."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A line that a frame is at. ``own`` says that it is the project's: no library, no standard library, no pytest."""

    file: str
    line: int
    function: str
    code: str = ""
    own: bool = False

    def __str__(self) -> str:
        code = f": {self.code}" if self.code else ""
        return f"{self.file}:{self.line} in {self.function}{code}"


class Thread(NamedTuple):
    """A thread; ``places`` outermost first. ``idle``: it runs an event loop that has nothing to do."""

    name: str
    places: tuple[Place, ...] = ()
    main: bool = False
    daemon: bool = False
    loop: int | None = None
    idle: bool = False
    waits: str = ""


class Task(NamedTuple):
    """A task of any loop. ``on`` holds the positions of the tasks that it waits for; ``root``: somebody blocks on it.

    ``age`` is None where nobody has seen its beginning; ``current``: it is the one whose turn it is in its loop.
    """

    name: str
    loop: int = 0
    age: float | None = None
    places: tuple[Place, ...] = ()
    waits: str = ""
    on: tuple[int, ...] = ()
    root: bool = False
    current: bool = False


class Loop(NamedTuple):
    """An event loop. ``thread`` names the one that runs it; empty: nobody does."""

    number: int
    kind: str
    thread: str = ""
    closed: bool = False


class Situation(NamedTuple):
    """What the process was at when it was asked."""

    id: str = ""
    stage: str = ""
    age: float = 0.0
    busy: float = 0.0  # seconds of processor time that the main thread has spent on it
    fixture: str = ""


class Snapshot(NamedTuple):
    """All that was found."""

    situation: Situation = Situation()
    threads: tuple[Thread, ...] = ()
    loops: tuple[Loop, ...] = ()
    tasks: tuple[Task, ...] = ()
    sockets: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Report(NamedTuple):
    """``likely`` is the one line that most likely hangs, and why; ``text`` the whole, with that line first."""

    likely: str
    text: str

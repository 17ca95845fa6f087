"""What a hang report is made of: plain values, taken from live objects once."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A line that a frame is at. ``own`` says that it is the project's: no library, no standard library, no pytest.

    ``machinery``: it is of what runs tests, be it this runner, pytest or an event loop, which is never to blame.
    """

    file: str
    line: int
    function: str
    code: str = ""
    own: bool = False
    machinery: bool = False

    def __str__(self) -> str:
        code = f": {self.code}" if self.code else ""
        return f"{self.file}:{self.line} in {self.function}{code}"


class Reading(NamedTuple):
    """Somebody reads the body of a response, at a line of the project's; ``parts`` have come, if that is known."""

    place: Place
    parts: int | None = None


class Writing(NamedTuple):
    """An application produces the body of a response: ``what`` does, and where it is."""

    what: str
    place: Place


class Thread(NamedTuple):
    """A thread; ``places`` outermost first. ``idle``: it runs an event loop that has nothing to do.

    ``joins`` is the name of the thread whose end it waits for.
    """

    name: str
    places: tuple[Place, ...] = ()
    main: bool = False
    daemon: bool = False
    loop: int | None = None
    idle: bool = False
    waits: str = ""
    joins: str = ""
    reading: Reading | None = None
    writing: Writing | None = None


class Task(NamedTuple):
    """A task of any loop. ``on`` holds the positions of the tasks that it waits for; ``root``: somebody blocks on it.

    ``age`` is None where nobody has seen its beginning; ``current``: it is the one whose turn it is in its loop.
    ``cancelled`` says that it was cancelled and goes on all the same, and why.
    """

    name: str
    loop: int = 0
    age: float | None = None
    places: tuple[Place, ...] = ()
    waits: str = ""
    on: tuple[int, ...] = ()
    root: bool = False
    current: bool = False
    cancelled: str = ""
    reading: Reading | None = None
    writing: Writing | None = None


class Loop(NamedTuple):
    """An event loop. ``thread`` names the one that runs it; empty: nobody does. ``tasks`` counts those pending."""

    number: int
    kind: str
    thread: str = ""
    closed: bool = False
    tasks: int = 0


class Situation(NamedTuple):
    """What the process was at when it was asked. ``subject`` is where its fixture, or else its test, is defined."""

    id: str = ""
    stage: str = ""
    age: float = 0.0
    busy: float = 0.0  # seconds of processor time that the main thread has spent on it
    fixture: str = ""
    subject: Place | None = None


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

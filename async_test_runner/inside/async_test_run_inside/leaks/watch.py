"""What a test leaves behind: a cheap look at everything after each test, a close one at what has changed.

What there is when a test begins is nobody's leak, nor is what a fixture of a wider scope makes while it is set up:
that is looked for once the fixture is over. Each thing is told once.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from ..early import standard_library
from . import threads
from .births import Birth, Births
from .clients import Clients
from .descriptors import Descriptors
from .found import Leak, LeakKind
from .processes import Processes
from .project import Change, Project
from .state import State
from .teardowns import Teardowns
from .threads import Threads

if TYPE_CHECKING:
    from .loops import Loops

_MOST = 20  # leaks of one test that are named
_UNRETURNED = "The garbage collector is trying to clean up non-checked-in connection"


class Watch:
    """Looks for leaks in this process. ``policies`` says by kind: ``ignore``, ``report`` or ``fail``.

    ``alone`` says that no other process of this runner runs tests at the same time. ``clean`` says that the process is
    to end after a test that leaves anything behind: then all is looked for, and ``dirt`` says what was found.
    """

    def __init__(
        self, policies: Mapping[str, str], directory: str, runner: int, *, alone: bool, clean: bool = False
    ) -> None:
        self._policies = {kind: policies.get(kind, "ignore") for kind in get_args(LeakKind)}
        self._directory = directory
        self._runner = runner
        self._alone = alone
        self.clean = clean
        self.on = clean or any(policy != "ignore" for policy in self._policies.values())
        self.dirt = ""
        self.is_last = False  # nothing follows the current test in this process, so it may be dirty
        self._project: Project | None = None
        self._fresh: list[Birth] = []  # what was made since the last look
        self._clients = Clients(self._fresh)
        self._apps = Births("fastapi", "FastAPI", ("fastapi",), fresh=self._fresh)
        self._loop_births = [
            Births("asyncio", "BaseEventLoop", ("asyncio",), fresh=self._fresh),
            Births("uvloop", "Loop", ("uvloop", "asyncio"), fresh=self._fresh),
        ]
        self._missing = [*self._clients.all(), self._apps, *self._loop_births] if self.on else []
        self._loops: Loops | None = None
        self._is_ready = self._was_ready = False
        self._modules = 0
        self._teardowns = Teardowns()
        self._made: dict[Any, list[Leak]] = {}  # by fixture: what came with its setup
        self._over: list[Any] = []  # fixtures that ended during the current test
        self._own_apps: list[Birth] = []  # applications that the current test made: what it does with them is its own
        self._early: list[tuple[str, Leak]] = []  # of the current test, found before it was over
        self._late: list[tuple[str, Leak]] = []  # of earlier tests
        self._id = ""

    def prepare(self) -> None:
        """See what there is: before the first test, and in a process whose forks run the tests before it forks."""
        if not self.on:
            return
        self._install()
        threads.watch()
        self._threads = Threads()
        self._processes = Processes(self._runner, alone=self._alone)
        self._state = State(self._apps)
        self._project = Project() if self.clean else None
        self._descriptors = Descriptors(self._directory)
        self._is_ready = self._was_ready = True

    def renew(self) -> None:
        """After a fork: threads, children and descriptors are others."""
        self._is_ready = False

    def _renewed(self) -> None:
        self._threads = Threads()
        self._processes = Processes(self._runner, alone=self._alone)
        self._descriptors.renew()
        self._state.news()
        self._is_ready = True

    def _install(self) -> None:
        """Watch the classes of what has been imported meanwhile."""
        self._modules = len(sys.modules)
        installed = [births for births in self._missing if births.install()]
        if not installed:
            return
        self._missing = [births for births in self._missing if births not in installed]
        for births in installed:
            self._clients.installed(births)
        self._clients.adopt_from_modules(installed)
        if self._loops is None and any(births in self._loop_births for births in installed):
            with standard_library():
                from .loops import Loops

            self._loops = Loops(self._loop_births, self._clients.place_of)

    # -------------------------------------------------------------------------------------------------------- tests

    def begin(self, id: str, nodeid: str) -> None:
        """A test is about to be set up."""
        if not self.on:
            return
        self._id = id
        if self._is_ready:
            self._catch_up()
        elif self._was_ready:
            self._renewed()
        else:
            self.prepare()
        self._processes.nodeid = nodeid
        if self._loops is not None:
            self._loops.owner = id
        self._own(id)

    def _catch_up(self) -> None:
        """What others have done between two tests is none of the next one's."""
        if len(sys.modules) != self._modules:
            self._install()
        if self._descriptors.differs():
            self._descriptors.news()
        if self._threads.differs():
            self._threads.news(settle=False)

    def _own(self, id: str) -> None:
        """Whose the loops are that are made from now on; those of nobody are for whichever test runs in them."""
        for births in self._loop_births:
            births.owner = id

    def end(self) -> list[Leak]:
        """The test is torn down: what it has left, of the kinds that are not ignored."""
        if not self._is_ready:
            return []
        early, self._early = self._early, []
        found = [(id, leak) for id, leak in early if not leak.gone()]  # asked first: what was put back is no news
        found += [*self._of_fixtures(), *self._look(settle=True)]
        if found:
            self.soil(found[0][1].what)
        self._late += [(id, leak) for id, leak in found if id != self._id and self._is_wanted(leak)]
        return _bounded([leak for id, leak in found if id == self._id and self._is_wanted(leak)])

    def note(self, id: str, leak: Leak) -> None:
        """Somebody else has noticed that a test left something."""
        self.soil(leak.what)
        if self._is_wanted(leak):
            self._late.append((id, leak))

    def late(self) -> list[tuple[str, Leak]]:
        """What has come up of tests that are over, once."""
        found, self._late = self._late, []
        return found

    def forbidden(self, leaks: list[Leak]) -> list[Leak]:
        """Those that make a test red."""
        return [leak for leak in leaks if self._policies[leak.kind] == "fail"]

    def soil(self, why: str) -> None:
        """This process is not clean any more; the first reason counts."""
        if self.clean:
            self.dirt = self.dirt or why

    def outside(self) -> None:
        """All of a test is over, what pytest puts back around it too."""
        if self._project is not None and self._is_ready and not (self.dirt or self.is_last):
            self.soil(self._project.outside())

    def _is_wanted(self, leak: Leak) -> bool:
        return not isinstance(leak, Change) and self._policies[leak.kind] != "ignore"

    # --------------------------------------------------------------------------------------------------------- looks

    def _look(self, *, settle: bool) -> list[tuple[str, Leak]]:
        try:
            return self._new(settle=settle)
        except Exception:  # noqa: BLE001 - a test can damage whatever is looked at; that is no fault of the next one
            traceback.print_exc(file=sys.__stderr__)
            return []

    def _new(self, *, settle: bool) -> list[tuple[str, Leak]]:
        """What is there that was not there at the last look. What excuses must be asked before it takes in the new."""
        found: list[Leak] = []
        if self._threads.differs():
            found += self._threads.news(settle=settle, is_excused=self._excuses_thread)
        if self._processes.differs():
            found += self._processes.news(settle=settle)
        if self._descriptors.differs():
            found += self._open_descriptors()
        made = bool(self._fresh)
        self._fresh.clear()
        if made or self._clients.differs():
            found += self._clients.news()
        if self._state.differs():
            found += self._state.news()
        if self._project is not None and not (found or self.dirt or self.is_last) and self._project.differs():
            found += self._project.news()
        if settle:
            self._apps.new += self._own_apps
            self._own_apps.clear()
        if self._apps.new:
            self._apps.take()
            self._state.news()  # the overrides that an application is made with are its own
        others = self._loops.news() if self._loops is not None and (made or self._loops.differs()) else []
        return [*((self._id, leak) for leak in found), *others]

    def _open_descriptors(self) -> list[Leak]:
        needed = self._loops.descriptors() if self._loops is not None else set()
        places = self._clients.socket_places()

        def is_excused(fd: int, target: str) -> bool:
            return fd in needed or self._clients.excuses_descriptor(fd, target)

        return self._descriptors.news(is_excused=is_excused, places=places)

    def _excuses_thread(self, thread: threading.Thread) -> bool:
        loops = self._loops is not None and self._loops.excuses_thread(thread)
        return loops or self._clients.excuses_thread(thread)

    # ------------------------------------------------------------------------------------------------------ fixtures

    def learn_fixture(self, name: str, function: Any) -> None:
        """Look at it now, so that no fork has to."""
        self._teardowns.of(name, function)

    def fixture_begins(self, name: str, function: Any) -> None:
        """A fixture is about to be set up for the test."""
        leak = self._teardowns.of(name, function)
        if leak is not None:
            self._early.append((self._id, leak))

    def before_fixture(self) -> None:
        """A fixture of a wider scope is about to be set up: what has come up so far is the test's."""
        if self._is_ready:
            self._own_apps += self._apps.set_aside()
            self._early += self._look(settle=False)
            self._own("")

    def after_fixture(self, fixture: Any) -> None:
        """It is set up."""
        if self._is_ready:
            made = [leak for _, leak in self._look(settle=False)]
            self._own(self._id)
            self._made.setdefault(fixture, []).extend(made)

    def fixture_over(self, fixture: Any) -> None:
        """It is torn down; what it left is looked for when its last test is."""
        if fixture in self._made:
            self._over.append(fixture)

    def _of_fixtures(self) -> list[tuple[str, Leak]]:
        over, self._over = self._over, []
        return [
            (self._id, leak._replace(what=f"{leak.what}; left by fixture {fixture.argname}"))
            for fixture in over
            for leak in self._made.pop(fixture, ())
            if not leak.gone()
        ]


def noticed_by_warning(category: type[Warning], text: str) -> Leak | None:
    """A leak that a library has warned of."""
    if text.startswith(_UNRETURNED):
        return Leak("clients", "SQLAlchemy: a connection was not returned to its pool; the garbage collector did it")
    if issubclass(category, ResourceWarning) and text.startswith("unclosed file"):
        return Leak("descriptors", f"{text}; the garbage collector closed it")
    return None


def explained(leaks: list[Leak]) -> str:
    """Why a test that left these is red."""
    parts = (f"  {leak.kind}: {leak.what}" + (f"\n      made at {leak.where}" if leak.where else "") for leak in leaks)
    return "\n".join([f"left behind, which the plan forbids (leaks): {leaks[0].what}", *parts])


def _bounded(leaks: list[Leak]) -> list[Leak]:
    if len(leaks) <= _MOST:
        return leaks
    more = leaks[_MOST - 1 :]
    return [*leaks[: _MOST - 1], more[0]._replace(what=f"{len(more)} more of them, the first: {more[0].what}")]

"""Inventory -> a proposed ``runner.yaml``. Pure: what a suite shows about itself decides its phases.

The shape is always the same, and cautious: what is green in one pytest process is to be green in these phases.

- ``sync`` has no criteria, so it takes whatever no other phase takes. It keeps pytest's way of running: one process, or
  the ``-n`` of its configuration.
- Coroutine tests get processes of their own: one per test as long as they are few, else one per file. As many run side
  by side as there are processors, or as the project runs already.
- Coroutine tests with a database are a phase that runs one process at a time.
- Tests with a mark such as ``slow`` come last.

Phases select by marks where marks tell. Where they do not (database fixtures, ``IsolatedAsyncioTestCase``), they name
directories, files, classes or functions. The first phase that selects a test has it, so those come before the marks.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
import yaml

from ..model.inventory import CollectedTest, Inventory, LeftOut, PytestFacts
from ..model.vocabulary import Isolation
from ..words.expressions import holds
from ..words.wording import listed
from .assignment import Assignment, Expression

MANY = 20  # coroutine tests in a phase from which on a process per file is worth more than one per test
_MOST_ENTRIES = 20  # names in a phase; beyond, whole classes and files are named, whoever else is in them
_WIDTH = 100
_KIT = "_kit_databases"  # the fixture below all database fixtures of `async_test_runner.kit`
_KIT_CLIENT = frozenset({"async_client", "session_dependency"})  # those of a test whose client takes such a fixture

_LOOP_MARKS = frozenset({"asyncio", "anyio", "trio", "asyncio_cooperative", "gen_test", "twisted"})
_SLOW_MARKS = frozenset({"slow", "integration", "e2e", "end2end", "end_to_end", "network", "internet", "online"})
_ORDER_MARKS = frozenset({"order", "run", "dependency", "incremental"})
_MARK = re.compile(r"[A-Za-z_]\w*")

# Words of fixture and mark names that mean a database by themselves, and words of which it takes two different ones:
# a `session` may be one of HTTP, a `connection` a socket, an `engine` one of templates.
_DATABASE_WORDS = re.compile(
    r"db|dbs|databases?|postgres|postgresql|pg|mysql|mariadb|sqlite3?|sql|sqlalchemy|sqlmodel|mongo|mongodb|redis"
    r"|asyncpg|aiopg|psycopg[23]?|aiomysql|aiosqlite|motor|alembic|migrations|tortoise"
)
_VAGUE_WORDS = re.compile(r"(session|connection|engine|transaction|cursor)(?:s|maker|al)?")
_NO_DATABASE = re.compile(r"https?|web|ws|websockets?|client|aiohttp|requests|httpx|ssh|browser")
_WORD = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+")
_AUTOUSE = re.compile(r"_|django_db_(?!mark)|event_loop|anyio_backend")  # pytest-django's: every test has them


class ProposedPhase(msgspec.Struct, frozen=True, kw_only=True):
    """A phase as it is to be written: ``why`` is its comment. Without criteria it takes what is left."""

    name: str
    why: str
    markers: str = ""
    paths: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    isolation: Isolation = Isolation.PHASE
    workers: str = ""
    for_coroutines: bool = True


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to be written, and what its reader should know about the project's pytest configuration."""

    phases: tuple[ProposedPhase, ...]
    notes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    python: str = "auto"


def propose(
    inventory: Inventory, root: str, *, processors: int = 1, paths: tuple[str, ...] = (), python: str = "auto"
) -> Proposal:
    """The phases for a suite. ``root`` is the plan's directory, absolute; ``paths`` are its ``select.paths``.

    A number of workers (``-n``) that equals the ``processors`` was probably not meant as a number.
    """
    suite = _Suite(inventory, root, processors)
    others = (*suite.unmarked(), *suite.marked())
    database = suite.database()
    named = {name.removesuffix("/**") for phase in (*others, *database) for name in (*phase.paths, *phase.tests)}
    # Marks tell phases apart wherever they stand; names take effect only before the marks of the other phases.
    coroutines = (*database, *others) if any(phase.paths or phase.tests for phase in database) else (*others, *database)
    return Proposal(
        phases=(*suite.sync(named), *coroutines, *suite.slow()),
        notes=tuple(_notes(inventory)),
        paths=paths,
        python=python,
    )


def simplest(proposal: Proposal, why_not: str) -> Proposal:
    """The plan that holds for every suite: one phase for all. ``why_not`` says why the division did not hold."""
    why = "All tests, in one pytest process. No division of this suite could be proven to take each test once."
    phase = ProposedPhase(name="all", why=why)
    note = f"all tests are one phase, because a division of them did not hold: {why_not}"
    return msgspec.structs.replace(proposal, phases=(phase,), notes=(*proposal.notes, note))


# ------------------------------------------------------------------------------------------------------- the phases


class _Suite:
    """The tests of a suite, divided by kind."""

    def __init__(self, inventory: Inventory, root: str, processors: int) -> None:
        self._facts = inventory.facts
        self._processors = processors
        self._same_root = inventory.facts.rootdir in ("", root)
        self._all = inventory.tests
        slow = _known(mark for test in self._all for mark in test.marks if mark in _SLOW_MARKS)
        self._slow = [test for test in self._all if _bears(test, slow)]
        self._slow_marks = slow if len(self._slow) < len(self._all) else ()
        if not self._slow_marks:
            self._slow = []
        self._rest = [test for test in self._all if not _bears(test, self._slow_marks)]
        self._coroutines = [test for test in self._rest if test.is_async or _bears(test, _LOOP_MARKS)]
        self._loops = _known(mark for test in self._coroutines for mark in test.marks if mark in _LOOP_MARKS)
        self._fixtures = {test.id: database_fixtures(test.fixtures) for test in self._coroutines}
        self._with_database = [t for t in self._coroutines if self._fixtures[t.id] or database_fixtures(t.marks)]
        self._database_marks, self._database_needs_loop = self._marks_of_database()
        taken = {test.id for test in self._with_database}
        self._without = [test for test in self._coroutines if test.id not in taken]

    def sync(self, named: Collection[str]) -> list[ProposedPhase]:
        """Everything else; ``named`` is what other phases take by name, with whoever else bears it."""
        coroutines = {test.id for test in self._coroutines}
        if all(test.id in coroutines or not _named_by(test).isdisjoint(named) for test in self._rest):
            return []
        alone = len(self._rest) == len(self._all) and not self._coroutines
        who = "All tests; none is a coroutine." if alone else "Whatever no other phase takes: ordinary functions."
        how = "Workers as in pytest's configuration (-n)."
        if self._facts.numprocesses < 2:
            how = (
                "They share one process, as in plain pytest; if they are independent of each other, `workers: auto` "
                "runs them in parallel."
            )
        why = f"{who} {how}"
        return [ProposedPhase(name="sync", why=why, for_coroutines=False)]

    def database(self) -> list[ProposedPhase]:
        """Coroutine tests with a database."""
        tests = self._with_database
        if not tests:
            return []
        names = sorted({name for test in tests for name in self._fixtures[test.id]})
        by = f"the fixtures {listed(filter(_MARK.fullmatch, names), 8)}" if names else "their marks"
        apart = all(_KIT in test.fixtures or set(test.fixtures) >= _KIT_CLIENT for test in tests)
        many = "the testing kit gives each worker its own" if apart else "one process at a time"
        why = f"Coroutine tests with a database, told by {by}; {many}. "
        isolation, how = self._isolation(tests)
        paths, named = ((), ()) if self._database_marks else self._criteria(tests, self._rest, _BY_FUNCTION)
        loops = _any(self._loops) if self._database_needs_loop else ""
        markers = _all(loops, _any(self._database_marks), self._not_slow())
        return [
            ProposedPhase(
                name="async-db",
                why=why + how,
                markers=markers,
                isolation=isolation,
                workers=self._workers() if apart else "1",
                paths=paths,
                tests=named,
            )
        ]

    def unmarked(self) -> list[ProposedPhase]:
        """Coroutine tests that no mark tells: they are named."""
        tests = [test for test in self._without if not _bears(test, self._loops)]
        if not tests:
            return []
        isolation, how = self._isolation(tests)
        taken = {test.id for test in self._with_database}
        name = "async-unmarked" if len(tests) < len(self._without) else "async"
        why = (
            "Coroutine tests without a mark, such as methods of IsolatedAsyncioTestCase, by file, class or function: "
            "new ones elsewhere must be added here. "
        )
        paths, named = self._criteria(tests, [test for test in self._rest if test.id not in taken], _BY_CASE)
        return [
            ProposedPhase(
                name=name,
                why=why + how,
                markers=_all(self._not_database(), self._not_slow()),
                isolation=isolation,
                workers=self._workers(),
                paths=paths,
                tests=named,
            )
        ]

    def marked(self) -> list[ProposedPhase]:
        """Coroutine tests by the marks of their plugins, which plugins in their auto mode add by themselves."""
        tests = [test for test in self._without if _bears(test, self._loops)]
        if not tests:
            return []
        isolation, how = self._isolation(tests)
        markers = _all(_any(self._loops), self._not_database(), self._not_slow())
        why = f"Coroutine tests{' without a database' if self._with_database else ''}. "
        return [
            ProposedPhase(name="async", why=why + how, markers=markers, isolation=isolation, workers=self._workers())
        ]

    def slow(self) -> list[ProposedPhase]:
        """The slow ones, of either kind."""
        if not self._slow:
            return []
        mixed = any(test.is_async for test in self._slow)
        how = "a process per file, because coroutine tests are among them" if mixed else "one process"
        return [
            ProposedPhase(
                name=self._slow_marks[0].replace("_", "-") if len(self._slow_marks) == 1 else "slow",
                why=f"Tests marked {listed(self._slow_marks)}, last: {how}.",
                markers=" or ".join(self._slow_marks),
                isolation=Isolation.FILE if mixed else Isolation.PHASE,
            )
        ]

    def _marks_of_database(self) -> tuple[tuple[str, ...], bool]:
        """Marks that take the coroutine tests with a database and no other, and whether they need a loop's mark for it.

        No marks where marks do not tell.
        """
        wanted = {test.id for test in self._with_database}
        marks = _known(mark for test in self._with_database for mark in test.marks if database_fixtures((mark,)))
        bearers = {test.id: test for test in self._rest if _bears(test, marks)}
        if wanted == bearers.keys():
            return marks, False
        if wanted == {id for id, test in bearers.items() if _bears(test, self._loops)}:
            return marks, True
        return (), False

    def _not_database(self) -> str:
        return f"not {_any(self._database_marks)}" if self._database_marks else ""

    def _not_slow(self) -> str:
        return f"not {_any(self._slow_marks)}" if self._slow_marks else ""

    def _workers(self) -> str:
        wanted = self._facts.numprocesses
        if wanted < 2:
            return "auto"
        return "auto" if wanted == self._processors else str(wanted)

    def _isolation(self, tests: Sequence[CollectedTest]) -> tuple[Isolation, str]:
        ordered = [mark for mark in ("order", "dependency", "incremental") if any(mark in t.marks for t in tests)]
        if ordered:
            return Isolation.FILE, f"A process per file: the mark {ordered[0]} says that tests build on earlier ones."
        if len(tests) > MANY:
            return (
                Isolation.FILE,
                "They are many: a process per file. `isolation: test` separates them further, but starts pytest "
                "for each of them.",
            )
        return (
            Isolation.TEST,
            "They are few: a process per test, so that no event loop, connection or task of one reaches another. "
            "`isolation: file` starts fewer processes.",
        )

    def _criteria(
        self, tests: Sequence[CollectedTest], universe: Sequence[CollectedTest], finest: tuple[_Level, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """``paths`` where files and directories tell, else ``tests``."""
        wanted = {test.id for test in tests}
        for levels in (finest, _BY_CLASS, _BY_FILE):
            names, whole = _entries(wanted, universe, levels)
            if len(names) <= _MOST_ENTRIES:
                break
        if whole and self._same_root:
            return names, ()
        directories = _above(universe)
        return (), tuple(f"{name}/**" if name in directories else name for name in names)


def database_fixtures(names: Iterable[str]) -> tuple[str, ...]:
    """Those of a test's fixtures (or marks) that speak of a database; vague names count when two of them do."""
    words = {name: _words(name) for name in names if not _AUTOUSE.match(name)}
    clear = {name for name in words if any(map(_DATABASE_WORDS.fullmatch, words[name]))}
    vague = {name: _vague(words[name]) for name in words if not any(map(_NO_DATABASE.fullmatch, words[name]))}
    kinds = {kind for found in vague.values() for kind in found}
    counted = {name for name, found in vague.items() if found and (clear or len(kinds) > 1)}
    return tuple(name for name in words if name in clear | counted)


def _vague(words: Iterable[str]) -> set[str]:
    return {found[1] for found in map(_VAGUE_WORDS.fullmatch, words) if found}


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _known(marks: Iterable[str]) -> tuple[str, ...]:
    """Distinct marks that an expression can name, in a stable order."""
    return tuple(sorted({mark for mark in marks if _MARK.fullmatch(mark)}))


def _bears(test: CollectedTest, marks: Collection[str]) -> bool:
    return any(mark in marks for mark in test.marks)


def _any(marks: Sequence[str]) -> str:
    return f"({' or '.join(marks)})" if len(marks) > 1 else "".join(marks)


def _all(*expressions: str) -> str:
    return " and ".join(expression for expression in expressions if expression)


# ------------------------------------------------------------------------------------------------ tests by their names

_Level = Callable[[CollectedTest], str]


def _file(test: CollectedTest) -> str:
    return test.file if test.id.startswith(f"{test.file}::") else test.id.partition("::")[0]


def _class(test: CollectedTest) -> str:
    return test.class_id or _file(test)


def _function(test: CollectedTest) -> str:
    return test.id.partition("[")[0]


def _named_by(test: CollectedTest) -> set[str]:
    """Every name that takes this test: its own, and those of its function, class, file and directories."""
    return {test.id, _function(test), _class(test), _file(test), *_parents(_file(test))}


_BY_FUNCTION: tuple[_Level, ...] = (_file, _class, _function, lambda test: test.id)
_BY_CASE: tuple[_Level, ...] = (_file, lambda test: test.class_id or _function(test))  # new methods join their class
_BY_CLASS: tuple[_Level, ...] = (_file, _class)
_BY_FILE: tuple[_Level, ...] = (_file,)


def _entries(
    wanted: set[str], universe: Sequence[CollectedTest], levels: tuple[_Level, ...]
) -> tuple[tuple[str, ...], bool]:
    """The fewest names that take all that is wanted: whole files first, then classes, functions, single ids.

    The last of ``levels`` takes what the earlier ones could not, whoever else bears its name. The answer's second part
    is whether all names are files and directories.
    """
    names: dict[str, None] = {}
    left = [test for test in universe if test.id in wanted]
    for level in levels[:-1]:
        impure = {level(test) for test in universe if test.id not in wanted}
        names.update(dict.fromkeys(level(test) for test in left if level(test) not in impure))
        left = [test for test in left if level(test) in impure]
    names.update(dict.fromkeys(levels[-1](test) for test in left))
    files = {_file(test) for test in universe}
    return _folded(names, files), all(name in files for name in names)


def _folded(names: Iterable[str], files: set[str]) -> tuple[str, ...]:
    """Directories in place of their files, where all of several files below are named."""
    found = list(names)
    for directory in sorted({parent for name in found if name in files for parent in _parents(name)}):
        below = [file for file in files if file.startswith(f"{directory}/")]
        if len(below) > 1 and set(below) <= set(found):
            first = min(found.index(file) for file in below)
            found[first] = directory
            found = [name for name in found if name not in below]
    return tuple(found)


def _parents(file: str) -> list[str]:
    parts = file.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _above(tests: Iterable[CollectedTest]) -> set[str]:
    return {parent for test in tests for parent in _parents(_file(test))}


# -------------------------------------------------------------------------------------------------------------- notes


def _notes(inventory: Inventory) -> Iterable[str]:
    facts = inventory.facts
    if facts.numprocesses > 1:
        yield f"pytest's configuration asks for {facts.numprocesses} workers (-n): undivided phases keep them"
    if facts.maxfail:
        said = f"stops after {facts.maxfail} failure{'s' if facts.maxfail > 1 else ''} (-x, --maxfail)"
        yield f"pytest's configuration {said}: each phase does; `max_failures: 0` under `defaults` runs everything"
    if facts.coverage is not None:
        yield "pytest's configuration measures coverage (--cov): that of all processes is combined after the last phase"
    if facts.junit_xml:
        yield f"pytest's configuration names a JUnit file: the merged one of all phases is written to {facts.junit_xml}"
    for group in inventory.left_out:
        yield f"not in the plan: {_counted(group)} left out by {group.reason}"


def _counted(group: LeftOut) -> str:
    return f"1 {group.what[:-1]}" if group.count == 1 else f"{group.count} {group.what}"


def misplaced(proposal: Proposal, assignment: Assignment) -> tuple[str, ...]:
    """Coroutine tests that a plan gives to a phase which is not meant for them."""
    others = {phase.name for phase in proposal.phases if not phase.for_coroutines}
    taken = (assigned.tests for assigned in assignment.phases if assigned.phase.name in others)
    return tuple(test.id for tests in taken for test in tests if test.is_async)


def evaluated(inventory: Inventory, expressions: tuple[Expression, ...]) -> Inventory:
    """The same with the marker expressions of a proposal, as pytest would evaluate them: they are made of marks."""
    tests = tuple(
        msgspec.structs.replace(
            test, matches=tuple(number for number, (_, text) in enumerate(expressions) if holds(text, test.marks))
        )
        for test in inventory.tests
    )
    return msgspec.structs.replace(inventory, tests=tests, expressions=expressions)


# --------------------------------------------------------------------------------------------------------------- text


def text(proposal: Proposal, facts: PytestFacts, *, schema: str) -> str:
    """The commented YAML. ``schema`` is where the schema lies, seen from the plan."""
    lines = [
        f"# yaml-language-server: $schema={schema}",
        "#",
        "# The phases of this test suite, written by `async-test-run init`. Every test belongs to exactly one phase:",
        "#   async-test-run plan      shows which",
        "#   async-test-run           runs them",
        "#   async-test-run schema    describes every key",
        "",
        "version: 1",
        *_select(proposal),
        *_defaults(proposal),
        "",
        "phases:",
    ]
    for position, phase in enumerate(proposal.phases):
        lines += ["", *_phase(phase)] if position else _phase(phase)
    if not facts.junit_xml:
        lines += ["", "# The merged JUnit XML of all phases, besides the one in the run's own directory:"]
        lines += ["# reports: {junit: reports/junit.xml}"]
    return "\n".join(lines) + "\n"


def _select(proposal: Proposal) -> list[str]:
    if not proposal.paths:
        return []
    return [
        "",
        "# What pytest collects; without this, its own configuration decides.",
        "select:",
        *_list("paths", proposal.paths, "  "),
    ]


def _defaults(proposal: Proposal) -> list[str]:
    lines = ["", "defaults:", "  test_timeout: 60s  # a test that takes longer is ended, with its stacks in the report"]
    if proposal.python != "auto":
        lines += [f"  python: {scalar(proposal.python)}"]
    return lines


def _phase(phase: ProposedPhase) -> list[str]:
    lines = [f"  # {line}" for line in textwrap.wrap(phase.why, _WIDTH, break_on_hyphens=False)]
    lines.append(f"  - name: {scalar(phase.name)}")
    if phase.markers:
        lines.append(f"    markers: {scalar(phase.markers)}")
    for key, values in (("paths", phase.paths), ("tests", phase.tests)):
        lines += _list(key, values, "    ") if values else []
    if phase.isolation is not Isolation.PHASE:
        lines.append(f"    isolation: {phase.isolation}")
    if phase.workers:
        lines.append(f"    workers: {phase.workers}")
    return lines


def _list(key: str, values: Iterable[str], indent: str) -> list[str]:
    return [f"{indent}{key}:", *(f"{indent}  - {scalar(value)}" for value in values)]


def scalar(value: str) -> str:
    """A string as YAML on one line, quoted where it must be; what is not printable is escaped."""
    plain = value.isprintable()
    style = None if plain else '"'
    dumped: str = yaml.safe_dump([value], allow_unicode=plain, default_style=style, width=float("inf"))
    return dumped.removeprefix("- ").removesuffix("\n")

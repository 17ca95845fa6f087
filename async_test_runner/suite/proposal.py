"""Inventory -> a proposed ``runner.yaml``. Pure: what a suite shows about itself decides its phases.

The shape is always the same, and cautious: what is green in one pytest process is to be green in these phases.

- ``sync`` has no criteria, so it takes whatever no other phase takes. It keeps pytest's way of running: one process, or
  the ``-n`` of its configuration.
- Coroutine tests get processes of their own: one per test as long as they are few, else as many as stay clean.
  As many run side by side as there are processors, or as the project runs already.
- Coroutine tests with a database are a phase that runs one process at a time, where marks tell them. Elsewhere all
  coroutine tests run one at a time.
- Where coroutine tests bear no mark, such as methods of ``IsolatedAsyncioTestCase``, the phase without criteria is
  called ``rest`` and has a process per file.
- Tests with a mark such as ``slow`` come last.

Phases select by marks only. Names of files and tests would be right today, and would miss the test of tomorrow.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Sequence

import msgspec
import yaml

from ..model.inventory import CollectedTest, Inventory, LeftOut, PytestFacts
from ..model.vocabulary import Isolation
from ..words.expressions import holds
from ..words.wording import listed
from .assignment import Assignment, Expression

MANY = 20  # coroutine tests in a phase from which on fewer processes are worth more than one per test
_WIDTH = 100
_KIT = "_kit_databases"  # the fixture below all database fixtures of `async_test_runner.kit`
_KIT_CLIENT = frozenset({"async_client", "session_dependency"})  # those of a test whose client takes such a fixture

_LOOP_MARKS = frozenset({"asyncio", "anyio", "trio", "asyncio_cooperative", "gen_test", "twisted"})
_SLOW_MARKS = frozenset({"slow", "integration", "e2e", "end2end", "end_to_end", "network", "internet", "online"})
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
    inventory: Inventory, *, processors: int = 1, paths: tuple[str, ...] = (), python: str = "auto"
) -> Proposal:
    """The phases for a suite; ``paths`` are the ``select.paths`` of its plan.

    A number of workers (``-n``) that equals the ``processors`` was probably not meant as a number.
    """
    suite = _Suite(inventory, processors)
    return Proposal(
        phases=(*suite.others(), *suite.marked(), *suite.database(), *suite.slow()),
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

    def __init__(self, inventory: Inventory, processors: int) -> None:
        self._facts = inventory.facts
        self._processors = processors
        self._all = inventory.tests
        slow = _known(mark for test in self._all for mark in test.marks if mark in _SLOW_MARKS)
        self._slow = [test for test in self._all if _bears(test, slow)]
        self._slow_marks = slow if len(self._slow) < len(self._all) else ()
        if not self._slow_marks:
            self._slow = []
        self._rest = [test for test in self._all if not _bears(test, self._slow_marks)]
        self._coroutines = [test for test in self._rest if test.is_async or _bears(test, _LOOP_MARKS)]
        self._loops = _known(mark for test in self._coroutines for mark in test.marks if mark in _LOOP_MARKS)
        self._with_database = [test for test in self._coroutines if _has_database(test)]
        self._database_marks, self._database_needs_loop = self._marks_of_database()
        apart = {test.id for test in self._with_database} if self._database_marks else set()
        self._without = [t for t in self._coroutines if t.id not in apart and _bears(t, self._loops)]
        taken = apart | {test.id for test in self._without}
        self._others = [test for test in self._rest if test.id not in taken]

    def others(self) -> list[ProposedPhase]:
        """Whatever no other phase takes: ordinary functions, and coroutine tests that no mark tells."""
        if not self._others:
            return []
        if any(test.is_async for test in self._others):
            return [self._unmarked()]
        alone = len(self._rest) == len(self._all) and not self._coroutines
        who = "All tests; none is a coroutine." if alone else "Whatever no other phase takes: ordinary functions."
        how = "Workers as in pytest's configuration (-n)."
        if self._facts.numprocesses < 2:
            how = (
                "They share one process, as in plain pytest; if they are independent of each other, `workers: auto` "
                "runs them in parallel."
            )
        return [ProposedPhase(name="sync", why=f"{who} {how}", for_coroutines=False)]

    def _unmarked(self) -> ProposedPhase:
        why = (
            "Whatever no other phase takes. Coroutine tests without a mark are among them, such as methods of "
            "IsolatedAsyncioTestCase: a process per file."
        )
        workers, how = self._side_by_side(self._others)
        return ProposedPhase(name="rest", why=f"{why} {how}".rstrip(), isolation=Isolation.FILE, workers=workers)

    def database(self) -> list[ProposedPhase]:
        """Coroutine tests with a database, where marks tell them."""
        tests = self._with_database
        if not tests or not self._database_marks:
            return []
        apart = all(map(_is_of_the_kit, tests))
        many = "the testing kit gives each worker its own" if apart else "one process at a time"
        why = f"Coroutine tests with a database, told by their marks; {many}. "
        isolation, how = self._isolation(tests)
        loops = _any(self._loops) if self._database_needs_loop else ""
        return [
            ProposedPhase(
                name="async-db",
                why=why + how,
                markers=_all(loops, _any(self._database_marks), self._not_slow()),
                isolation=isolation,
                workers=self._workers() if apart else "1",
            )
        ]

    def marked(self) -> list[ProposedPhase]:
        """Coroutine tests by the marks of their plugins, which plugins in their auto mode add by themselves."""
        tests = self._without
        if not tests:
            return []
        isolation, how = self._isolation(tests)
        workers, many = self._side_by_side(tests)
        markers = _all(_any(self._loops), self._not_database(), self._not_slow())
        why = f"Coroutine tests{' without a database' if self._database_marks else ''}. "
        return [
            ProposedPhase(
                name="async", why=f"{why}{how} {many}".rstrip(), markers=markers, isolation=isolation, workers=workers
            )
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

    def _side_by_side(self, tests: Sequence[CollectedTest]) -> tuple[str, str]:
        """How many processes at once: one where tests may share a database, and why."""
        stored = [test for test in tests if _has_database(test) and not _is_of_the_kit(test)]
        names = sorted({name for test in stored for name in database_fixtures(test.fixtures)})
        by = listed(filter(_MARK.fullmatch, names), 8) or "marks"
        if not stored:
            return self._workers(), ""
        return "1", f"One at a time, because some have a database ({by}): a mark of their own would tell them apart."

    def _isolation(self, tests: Sequence[CollectedTest]) -> tuple[Isolation, str]:
        ordered = [mark for mark in ("order", "dependency", "incremental") if any(mark in t.marks for t in tests)]
        if ordered:
            return Isolation.FILE, f"A process per file: the mark {ordered[0]} says that tests build on earlier ones."
        if len(tests) > MANY:
            return (
                Isolation.CLEAN,
                "They are many: they share a process as long as it stays clean. After a test that fails or leaves "
                "anything behind, the next one gets a new process.",
            )
        return (
            Isolation.TEST,
            "They are few: a process per test, so that no event loop, connection or task of one reaches another. "
            "`isolation: file` starts fewer processes.",
        )


def _has_database(test: CollectedTest) -> bool:
    return bool(database_fixtures(test.fixtures) or database_fixtures(test.marks))


def _is_of_the_kit(test: CollectedTest) -> bool:
    """Its database belongs to its worker."""
    return _KIT in test.fixtures or set(test.fixtures) >= _KIT_CLIENT


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

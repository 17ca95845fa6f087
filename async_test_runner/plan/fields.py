"""The one table of the plan's keys: validation, the JSON Schema and the reference in the docs come from it."""

from __future__ import annotations

from typing import Any

from ..model.plan import Phase, Plan, Select
from ..model.vocabulary import Isolation
from ..reports.formats import FORMATS
from ..words.expressions import expression_problem
from ..words.templates import template_problem
from .arguments import VARIABLE, refused_arguments, text_problem
from .document import Node
from .kinds import NAME_SHAPE, NAME_TEXT, Boolean, Choice, Duration, Schema, Size, Text, Version, Whole
from .leaks import LeaksKind
from .parts import Arguments, Capacities, ListOf, Variables
from .table import CommandKind, Field, Fields, Level, Record, RetriesKind

OFF = "off"  # instead of the file of a report: nothing for the log of that CI service either
RESERVED_NAMES = ("collection", "unassigned")
_MOST_WILDCARDS = 8
_LEAST_MEMORY = 16 * 1000**2  # bytes: no Python with pytest in it is smaller
_LEAST_OUTPUT = 1000

_SELECTS: tuple[Level, ...] = ("phase",)
POLICY: tuple[Level, ...] = ("defaults", "phase")


def _path_problem(text: str) -> str:
    if text.startswith("-"):
        return f'begins with "-", which pytest would take for an option; write "./{text}"'
    if "::" in text:
        return "is the id of a test, not a path; give it under `tests` of a phase"
    return _wildcard_problem(text)


def _test_problem(text: str) -> str:
    if text.startswith("-"):
        return 'begins with "-"; write a node id such as tests/test_app.py::test_login'
    return _wildcard_problem(text)


def _wildcard_problem(text: str) -> str:
    if text.replace("**", "*").count("*") > _MOST_WILDCARDS:
        return f"has more than {_MOST_WILDCARDS} wildcards; write several entries"
    return ""


def _name_problem(text: str) -> str:
    if text in RESERVED_NAMES:
        return f'"{text}" is the runner\'s own name; choose another, such as "{text}-tests"'
    return ""


def _file_problem(text: str) -> str:
    return "names a directory; write the name of a file, such as reports/junit.xml" if text.endswith("/") else ""


_PATHS = ListOf(Text("a path or glob", "tests/unit", check=_path_problem), shown="list of paths or globs", least=1)
_TEST = Text("a node id or glob", "tests/test_app.py::test_login", check=_test_problem)
_TESTS = ListOf(_TEST, shown="list of node ids or globs", least=1)
_MARKERS = Text("a marker expression", "not slow", check=expression_problem, shown="pytest's `-m` expression")
_KEYWORD = Text(
    "a keyword expression", "login and not admin", check=expression_problem, shown="pytest's `-k` expression"
)
_NAME = Text(f"a name ({NAME_TEXT})", "sync", shape=NAME_SHAPE, check=_name_problem, shown="name")
_PHASE_NAMES = ListOf(Text("the name of an earlier phase", "sync", shape=NAME_SHAPE), shown="list of names")
_RESOURCE_NAMES = ListOf(Text("the name of a resource", "database", shape=NAME_SHAPE), shown="list of names")
_COMMANDS = ListOf(CommandKind(), shown="list of commands", unique=False)
_OUTPUT = Text("the name of a file", "reports/junit.xml", check=_file_problem, shown="path")
_OUTPUT_OR_OFF = Text(f"the name of a file or {OFF}", OFF, check=_file_problem, shown=f"path or `{OFF}`")


# ------------------------------------------------------------------------------------- the fields, level by level

_SELECT_FIELDS = (
    Field(
        key="paths",
        kind=_PATHS,
        levels=("select",),
        help="Files, directories or globs that are collected, relative to the plan.",
        default="pytest's own `testpaths`",
        example="[tests]",
    ),
    Field(
        key="markers",
        kind=_MARKERS,
        levels=("select",),
        help="Only tests whose marks make this expression true. The others are counted and shown.",
        default="all",
        example="not slow",
    ),
    Field(
        key="keyword",
        kind=_KEYWORD,
        levels=("select",),
        help="Only tests whose names make this expression true. The others are counted and shown.",
        default="all",
        example="not flaky",
    ),
)

_REPORT_FIELDS = tuple(
    Field(
        key=format.key,
        kind=_OUTPUT_OR_OFF if format.service else _OUTPUT,
        levels=("reports",),
        help=f"Where {format.title} is written, relative to the plan. The run directory "
        + ("always has a copy." if format.always else "has a copy then.")
        + (f" `{OFF}`: a run in a job of that service adds nothing to its log." if format.service else ""),
        default="the run directory only" if format.always else "not written",
        example=format.example,
    )
    for format in FORMATS.values()
)

# What other tools call it.
_ISOLATIONS = {
    "process": "test", "subprocess": "test", "fork": "test", "forked": "test", "function": "test", "method": "test",
    "each": "test", "per_test": "test", "module": "file", "loadfile": "file", "files": "file",
    "classes": "class", "loadscope": "class", "session": "phase", "none": "phase", "suite": "phase", "shared": "phase",
    "evidence": "clean", "auto": "clean", "dirty": "clean",
}  # fmt: skip
_PASS_OR_FAIL = {
    "ok": "pass", "green": "pass", "allow": "pass", "ignore": "pass", "red": "fail", "error": "fail", "forbid": "fail",
}  # fmt: skip
_LAUNCHERS = {
    "fork": "warm", "forked": "warm", "forkserver": "warm", "spawn": "exec", "fresh": "exec", "subprocess": "exec",
}  # fmt: skip

_PHASE_FIELDS = (
    Field(
        key="name",
        kind=_NAME,
        levels=_SELECTS,
        required=True,
        help=f"The phase in reports and directories. It has {NAME_TEXT}. Every phase has a name of its own.",
        example="async-db",
    ),
    Field(
        key="paths",
        kind=_PATHS,
        levels=_SELECTS,
        help="Selects tests in these files or directories, relative to the plan. In globs `*` stays within one "
        "directory, and `**` goes across. All criteria of a phase must hold. A phase without any takes what no other "
        "phase takes.",
        default="any",
        example="[tests/integration, 'tests/**/test_db_*.py']",
    ),
    Field(
        key="markers",
        kind=_MARKERS,
        levels=_SELECTS,
        help="Selects tests whose marks make this expression true.",
        default="any",
        example="asyncio and not async_db",
    ),
    Field(
        key="keyword",
        kind=_KEYWORD,
        levels=_SELECTS,
        help="Selects tests whose names make this expression true.",
        default="any",
        example="login and not admin",
    ),
    Field(
        key="tests",
        kind=_TESTS,
        levels=_SELECTS,
        help="Selects tests by node id. A file, class or function stands for everything below it. In globs `*` is "
        "anything but `::`, `**` is anything, and `?` is one character; brackets stand for themselves.",
        default="any",
        example="[tests/test_app.py::test_login, '*::test_db_*']",
    ),
    Field(
        key="isolation",
        kind=Choice(*(isolation.value for isolation in Isolation), meant=_ISOLATIONS),
        levels=POLICY,
        help="Which tests share a process: those of the whole `phase`, of a `file`, of a `class`, or none (`test`). "
        "With `clean` they share it as long as each passes and leaves nothing behind; then a fresh one follows.",
        example="test",
    ),
    Field(
        key="workers",
        kind=Whole(1, 1024, word="auto"),
        levels=POLICY,
        help="How many processes run tests at the same time. `auto` is one per available core.",
        default="`1`, or the `-n` of pytest's `addopts` for an undivided phase",
        example="auto",
    ),
    Field(
        key="launcher",
        kind=Choice("auto", "exec", "warm", meant=_LAUNCHERS),
        levels=POLICY,
        help="How processes are made. `warm` forks the pytest process that has collected. `exec` starts a fresh pytest "
        "each time. `auto` forks on Linux, where that is safe.",
        example="exec",
    ),
    Field(
        key="preload",
        kind=Boolean(),
        levels=POLICY,
        help="Import once, before the fork, what tests import late. Earlier processes and runs have shown what that "
        "is. It holds for the standard library and installed packages, never for the project's own modules.",
        example="false",
    ),
    Field(
        key="timeout",
        kind=Duration(),
        levels=POLICY,
        help="The time that the phase may take, without its setup. Tests that are left over are not run. "
        "Null means no limit, here and below.",
        example="10m",
    ),
    Field(
        key="test_timeout",
        kind=Duration(),
        levels=POLICY,
        help="The time that one test may take, with its fixtures. Then its process is ended, and the rest goes on.",
        example="60s",
    ),
    Field(
        key="slow_after",
        kind=Duration(),
        levels=POLICY,
        help="The time after which a running test is called slow, with the line that it waits on. The message comes "
        "again each time that this time has passed. Null never says it.",
        example="30s",
    ),
    Field(
        key="setup_timeout",
        kind=Duration(),
        levels=POLICY,
        help="The time that each command of `setup` and `teardown` may take.",
        example="2m",
    ),
    Field(
        key="grace",
        kind=Duration(zero=True, nullable=False),
        levels=POLICY,
        help="The time between asking a process to end and killing it.",
        example="5s",
    ),
    Field(
        key="max_failures",
        kind=Whole(0, 1_000_000, nullable=True),
        levels=POLICY,
        help="The phase stops after so many tests that are red and have no attempts left. The rest is reported as not "
        "run. Null leaves it to `-x` and `--maxfail` in pytest's `addopts`; 0 never stops.",
        example="10",
    ),
    Field(
        key="retries",
        kind=RetriesKind(),
        levels=POLICY,
        help="How often, and after which outcomes, a red test is run again in a fresh process.",
        default="`0`",
        example="{count: 2, delay: 1s, on: [crashed]}",
    ),
    Field(
        key="flaky",
        kind=Choice("pass", "fail", meant=_PASS_OR_FAIL),
        levels=POLICY,
        help="What becomes of a test that passes on a retry. It passes and is shown as flaky, or it fails.",
        example="fail",
    ),
    Field(
        key="recheck",
        kind=Boolean(),
        levels=POLICY,
        help="Run a red test once more, alone, if other tests ran before it in its process. If it passes there, it "
        "depends on the order, and the report says what ran before it. This is no retry: its outcome stands. "
        "A retry that passes alone shows the same.",
        default="`false`, and `true` with `isolation: clean`",
        example="true",
    ),
    Field(
        key="order_dependent",
        kind=Choice("pass", "fail", meant=_PASS_OR_FAIL),
        levels=POLICY,
        help="What becomes of a test that passes alone, in its `recheck` or on a retry. It stays red, or it passes and "
        "is shown as order-dependent.",
        example="pass",
    ),
    Field(
        key="memory",
        kind=Size(_LEAST_MEMORY, example="512MB", nullable=True),
        levels=POLICY,
        help="The memory that each test process may have resident, with what it was forked with. Beyond that it is "
        "killed, its test is red as out of memory, and the rest goes on. Linux only.",
        example="2GiB",
    ),
    Field(
        key="output",
        kind=Size(_LEAST_OUTPUT, example="1MB"),
        levels=POLICY,
        help="How much of what a test prints is kept. The middle of longer output is left out, and the report says how "
        "much.",
        default="`1MB`",
        example="64kB",
    ),
    Field(
        key="leaks",
        kind=LeaksKind(),
        levels=POLICY,
        help="What becomes of a test that leaves something behind. `report` tells of it, `fail` also makes the test "
        "red, and `ignore` does not look for it.",
        default="`report`",
        example="{default: report, tasks: fail}",
    ),
    Field(
        key="leak_timeout",
        kind=Duration(zero=True, nullable=False),
        levels=POLICY,
        help="The time that a process may take to exit after its tests. Then it dumps its stacks and is ended.",
        example="2s",
    ),
    Field(
        key="needs",
        kind=_PHASE_NAMES,
        levels=_SELECTS,
        help="Earlier phases that must have passed. Otherwise this phase is not run, and says so.",
        example="[sync]",
    ),
    Field(
        key="resources",
        kind=_RESOURCE_NAMES,
        levels=POLICY,
        help="Resources, declared at the top, that the phase holds while it runs.",
        example="[database]",
    ),
    Field(
        key="setup",
        kind=_COMMANDS,
        levels=POLICY,
        help="Commands before the phase, in the plan's directory. When one fails, the phase is not run.",
        example="[alembic upgrade head]",
    ),
    Field(
        key="teardown",
        kind=_COMMANDS,
        levels=POLICY,
        help="Commands after the phase, whatever its result.",
        example="[{run: docker compose down, timeout: 30s}]",
    ),
    Field(
        key="env",
        kind=Variables(template_problem, {VARIABLE: text_problem}),
        levels=POLICY,
        help="Environment variables of the phase's processes and commands, added to those of `defaults`. `{phase}`, "
        "`{run_dir}`, `{worker}` and `{slot}`, the number of a concurrent process, are filled in. `{{` is a brace. "
        "Options in `PYTEST_ADDOPTS` are refused like those of `pytest_args`.",
        example="{DATABASE_URL: 'sqlite:///{run_dir}/app-{slot}.db'}",
    ),
    Field(
        key="pytest_args",
        kind=Arguments(refused_arguments),
        levels=POLICY,
        help="More arguments for pytest. Options that have a key of their own are refused.",
        example="[-p, 'no:cacheprovider']",
    ),
    Field(
        key="python",
        kind=Text("auto or the path of a Python", ".venv/bin/python", shown="`auto` or path"),
        levels=POLICY,
        help="The Python that runs pytest. `auto` is the active environment, else that of the runner, else `.venv`.",
        example=".venv/bin/python",
    ),
)


def _fields_of(level: Level) -> tuple[Field, ...]:
    return tuple(field for field in _PHASE_FIELDS if level in field.levels)


def _elsewhere_at_top(key: str) -> str:
    return "it belongs at the top level of the plan" if key in {field.key for field in _TOP_FIELDS} else ""


def _elsewhere_in_phases(key: str) -> str:
    if key in ("name", "needs") or key not in {field.key for field in _PHASE_FIELDS}:
        return ""
    return "it belongs into a phase" + (" or into `defaults`" if key in {f.key for f in _fields_of("defaults")} else "")


def _elsewhere_in_defaults(key: str) -> str:
    return f"it cannot have a default; give {key} in each phase" if key in {f.key for f in _fields_of("phase")} else ""


SELECT = Fields(_SELECT_FIELDS, Select)
REPORTS = Fields(_REPORT_FIELDS)
PHASE = Fields(_fields_of("phase"), Phase, _elsewhere_at_top)
DEFAULTS = Fields(_fields_of("defaults"), Phase, _elsewhere_in_defaults)


class PhasesKind:
    """The list of phases; `plan` reads each of them, in order, because they refer to each other."""

    shown = "list of phases"

    def read(self, node: Node, key: str, problems: Any) -> Node:
        return node

    def schema(self) -> Schema:
        return {"type": "array", "minItems": 1, "items": PHASE.schema()}


_TOP_FIELDS = (
    Field(
        key="version",
        kind=Version(),
        levels=("top",),
        required=True,
        help="The version of the plan's format.",
        example="1",
    ),
    Field(
        key="name",
        kind=Text("a name", "shop", shown="text"),
        levels=("top",),
        help="The plan's name in reports.",
        default="the name of the plan's directory",
        example="shop",
    ),
    Field(
        key="select",
        kind=Record(SELECT, lambda values: Select(**values)),
        levels=("top",),
        help="The tests that the plan is about. What it leaves out is counted and shown.",
        default="everything that pytest collects",
        example='{paths: [tests], markers: "not slow"}',
    ),
    Field(
        key="unassigned",
        kind=Choice("error", "run", "ignore"),
        levels=("top",),
        help="What becomes of tests that no phase takes. `error` stops before anything runs. `run` runs them in a last "
        "phase, with a process per test. `ignore` counts and shows them.",
        example="run",
    ),
    Field(
        key="overlap",
        kind=Choice("first", "error"),
        levels=("top",),
        help="What becomes of tests that several phases select. The first phase takes them, or it is an error.",
        example="error",
    ),
    Field(
        key="collect_errors",
        kind=Choice("fail", "continue"),
        levels=("top",),
        help="What becomes of a run with files that pytest cannot collect. `fail` runs nothing, `continue` runs the "
        "rest. The run is red either way.",
        example="continue",
    ),
    Field(
        key="collect_timeout",
        kind=Duration(),
        levels=("top",),
        help="The time that the collection may take.",
        example="2m",
    ),
    Field(
        key="run_timeout",
        kind=Duration(),
        levels=("top",),
        help="The time that the whole run may take.",
        example="30m",
    ),
    Field(
        key="keep_runs",
        kind=Whole(1, 100_000, nullable=True),
        levels=("top",),
        help="How many runs that have come to their end are kept in the run directory. Older ones are deleted after a "
        "run. Runs that were interrupted or killed are kept, and so are those to which somebody has added a file. Null "
        "keeps all.",
        example="200",
    ),
    Field(
        key="defaults",
        kind=DEFAULTS,
        levels=("top",),
        help="The policy of every phase that does not say otherwise. `python`, `pytest_args` and `env` hold for the "
        "collection too.",
        default="none",
        example="{timeout: 10m, test_timeout: 60s}",
    ),
    Field(
        key="resources",
        kind=Capacities(),
        levels=("top",),
        help="Named resources and how many phases or tests may hold each at the same time.",
        example="{database: 1}",
    ),
    Field(
        key="phases",
        kind=PhasesKind(),
        levels=("top",),
        required=True,
        help="The phases, in the order in which they claim tests and run.",
        example="[{name: all}]",
    ),
    Field(
        key="reports",
        kind=Record(REPORTS, dict),
        levels=("top",),
        help="Where reports are written besides the run directory.",
        default="none",
        example="{junit: reports/junit.xml}",
    ),
)


TOP = Fields(_TOP_FIELDS, Plan, _elsewhere_in_phases)

"""Good plans: what every key comes to, what `defaults` fill in, and how text becomes values."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from async_test_runner.model.plan import Command, Leaks, Phase, Plan, Retries, Select
from async_test_runner.model.vocabulary import Isolation, LeakKind
from async_test_runner.plan.fields import DEFAULTS, PHASE, REPORTS, SELECT, TOP
from async_test_runner.plan.reading import load, parse, reference
from async_test_runner.plan.schema import reference as render_reference
from async_test_runner.plan.table import COMMAND_FIELDS, RETRY_FIELDS, Fields

DESIGN = """\
version: 1
select: {paths: [tests], markers: "not slow"}
unassigned: error
overlap: first
collect_errors: fail
defaults: {timeout: 10m, test_timeout: 60s, grace: 5s}
resources: {database: 1}
phases:
  - name: sync
    markers: "not asyncio and not async_db"
    workers: auto
    max_failures: 10
  - name: async
    markers: "asyncio and not async_db"
    isolation: test
  - name: async-db
    markers: async_db
    isolation: test
    workers: 1
    resources: [database]
    setup: ["alembic upgrade head"]
    env: {DATABASE_URL: "sqlite+aiosqlite:///{run_dir}/app-{slot}.db"}
    max_failures: 1
reports: {junit: reports/junit.xml}
"""


def plan_of(text: str) -> Plan:
    return parse(text, Path("project/runner.yaml"))


def phase_of(keys: str) -> Phase:
    """The only phase of a plan, with these keys."""
    lines = "".join(f"    {line}\n" for line in keys.split("\n"))
    return plan_of(f"version: 1\nresources: {{db: 2, api: 1}}\nphases:\n  - name: only\n{lines}").phases[0]


def test_the_plan_of_the_design_is_read_in_full() -> None:
    plan = plan_of(DESIGN)
    shared = {"timeout": 600.0, "test_timeout": 60.0, "grace": 5.0}
    assert plan.phases == (
        Phase(name="sync", markers="not asyncio and not async_db", workers="auto", max_failures=10, line=9, **shared),
        Phase(name="async", markers="asyncio and not async_db", isolation=Isolation.TEST, line=13, **shared),
        Phase(
            name="async-db",
            markers="async_db",
            isolation=Isolation.TEST,
            workers=1,
            resources=("database",),
            setup=(Command(("alembic", "upgrade", "head")),),
            env=(("DATABASE_URL", "sqlite+aiosqlite:///{run_dir}/app-{slot}.db"),),
            max_failures=1,
            line=16,
            **shared,
        ),
    )
    assert plan.select == Select(paths=("tests",), markers="not slow")
    assert plan.resources == (("database", 1),)
    assert plan.reports == {"junit": "reports/junit.xml"}


def test_the_smallest_plan_has_the_models_defaults() -> None:
    plan = plan_of("version: 1\nphases: [{name: all}]\n")
    assert plan.phases == (Phase(name="all", line=2),)
    root = Path("project").resolve()
    assert plan == Plan(path=root / "runner.yaml", root=root, name="project", phases=plan.phases)


def test_every_top_level_key_is_kept() -> None:
    plan = plan_of(
        "version: 1\nname: shop tests\nunassigned: run\noverlap: error\ncollect_errors: continue\n"
        "collect_timeout: 90\nrun_timeout: 1h30m\nselect: {keyword: not flaky}\n"
        "reports: {junit: a.xml, summary: b.md}\nphases: [{name: a}]\n"
    )
    assert (plan.name, plan.unassigned, plan.overlap, plan.collect_errors) == ("shop tests", "run", "error", "continue")
    assert (plan.collect_timeout, plan.run_timeout) == (90.0, 5400.0)
    assert plan.select.keyword == "not flaky"
    assert plan.reports == {"junit": "a.xml", "summary": "b.md"}


def test_off_writes_no_file_and_says_nothing_to_the_service() -> None:
    plan = parse(
        "version: 1\nreports: {github: off, gitlab: off, junit: off}\nphases: [{name: a}]\n", Path("/p/runner.yaml")
    )
    assert (plan.reports, plan.silent) == ({"junit": "off"}, {"github", "gitlab"})
    plan = parse("version: 1\nreports: {github: x.txt}\nphases: [{name: a}]\n", Path("/p/runner.yaml"))
    assert (plan.reports, plan.silent) == ({"github": "x.txt"}, frozenset())


def test_null_means_no_limit() -> None:
    plan = plan_of(
        "version: 1\ncollect_timeout: null\nphases: [{name: a, timeout: ~, test_timeout: , setup_timeout: null}]"
    )
    phase = plan.phases[0]
    assert plan.collect_timeout is None
    assert (phase.timeout, phase.test_timeout, phase.setup_timeout, phase.max_failures) == (None, None, None, None)


def test_null_takes_a_default_away_again() -> None:
    defaults = "defaults: {timeout: 1m, max_failures: 3}"
    plan = plan_of(f"version: 1\n{defaults}\nphases: [{{name: a, timeout: null, max_failures: }}]")
    assert (plan.phases[0].timeout, plan.phases[0].max_failures) == (None, None)


def test_a_phase_overrides_defaults_and_its_environment_is_merged_key_by_key() -> None:
    plan = plan_of(
        "version: 1\ndefaults:\n  isolation: file\n  workers: 4\n  env: {A: 1, B: 2}\n"
        "phases:\n  - {name: one, markers: x}\n  - {name: two, isolation: class, env: {B: 3, C: 4}}\n"
    )
    one, two = plan.phases
    assert (one.isolation, one.workers, dict(one.env)) == (Isolation.FILE, 4, {"A": "1", "B": "2"})
    assert (two.isolation, two.workers, dict(two.env)) == (Isolation.CLASS, 4, {"A": "1", "B": "3", "C": "4"})


def test_the_collection_and_the_rest_phase_run_under_the_defaults() -> None:
    defaults = "defaults: {python: py3, pytest_args: -q, env: {A: x}, isolation: file, timeout: 7}"
    plan = plan_of(f"version: 1\n{defaults}\nphases: [{{name: a}}]")
    assert (plan.python, plan.pytest_args, plan.env) == ("py3", ("-q",), (("A", "x"),))
    assert plan.rest.name == "unassigned"
    assert plan.rest.isolation is Isolation.TEST
    assert (plan.rest.timeout, plan.rest.env) == (7.0, (("A", "x"),))
    assert plan.phase("unassigned") is plan.rest


def test_a_phase_is_found_by_name_or_not_at_all() -> None:
    plan = plan_of(DESIGN)
    assert plan.phase("async").line == 13
    with pytest.raises(KeyError):
        plan.phase("nightly")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", "1"),
        ("1.50", "1.50"),
        ("true", "true"),
        ("False", "False"),
        ("yes", "yes"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        ("2026-11-20", "2026-11-20"),
        ("12:30:00", "12:30:00"),
        ('""', ""),
        ('"two\\nlines"', "two\nlines"),
        ("'{{literal}} {slot}'", "{{literal}} {slot}"),
    ],
)
def test_environment_values_are_the_text_that_is_written(written: str, read: str) -> None:
    assert phase_of(f"env:\n  VALUE: {written}").env == (("VALUE", read),)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3", Retries(count=3)),
        ("0", Retries()),
        ("{count: 2, delay: 500ms, on: [crashed]}", Retries(count=2, delay=0.5, on=("crashed",))),
        ("{count: 1, on: timed_out}", Retries(count=1, on=("timed_out",))),
        ("{count: 1, isolation: same}", Retries(count=1, isolation="same")),
    ],
)
def test_retries_are_a_number_or_a_mapping(written: str, read: Retries) -> None:
    assert phase_of(f"retries: {written}").retries == read


def test_what_becomes_of_tests_that_are_not_simply_red_or_green() -> None:
    phase = phase_of("flaky: fail\nrecheck: true\norder_dependent: pass")
    assert (phase.flaky, phase.recheck, phase.order_dependent) == ("fail", True, "pass")
    plain = phase_of("workers: 1")
    assert (plain.flaky, plain.recheck, plain.order_dependent) == ("pass", False, "fail")


@pytest.mark.parametrize(
    ("written", "bytes"), [("512MB", 512_000_000), ("2GiB", 2 << 30), ("100000000", 100_000_000), ("null", None)]
)
def test_a_limit_of_memory_is_a_size_or_none(written: str, bytes: int | None) -> None:
    assert phase_of(f"memory: {written}").memory == bytes


def test_output_is_kept_up_to_a_size() -> None:
    assert phase_of("output: 64kB").output == 64_000
    assert phase_of("workers: 1").output == 1_000_000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("fail", Leaks(default="fail")),
        ("{tasks: fail}", Leaks(kinds={LeakKind.TASKS: "fail"})),
        ("{default: ignore, threads: report}", Leaks("ignore", {LeakKind.THREADS: "report"})),
    ],
)
def test_leaks_are_one_policy_or_one_by_kind(written: str, read: Leaks) -> None:
    assert phase_of(f"leaks: {written}").leaks == read


def test_a_kind_of_leak_that_is_not_named_follows_the_default() -> None:
    leaks = Leaks("ignore", {LeakKind.TASKS: "fail"})
    assert leaks.by_kind() == {**dict.fromkeys(LeakKind, "ignore"), "tasks": "fail"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("alembic upgrade head", Command(("alembic", "upgrade", "head"))),
        ("[alembic upgrade head]", Command(("alembic", "upgrade", "head"))),
        ("[[sleep, 1, true]]", Command(("sleep", "1", "true"))),
        ("[\"echo 'a b'\"]", Command(("echo", "a b"))),
        ("{run: make db}", Command(("make", "db"))),
        ("[{run: [make, d b], timeout: 30s}]", Command(("make", "d b"), timeout=30.0)),
        ('{run: "a && b | c", shell: true}', Command(("a && b | c",), shell=True)),
        ("[\"sh -c 'a && b'\"]", Command(("sh", "-c", "a && b"))),
    ],
)
def test_commands_are_text_arguments_or_mappings(written: str, read: Command) -> None:
    phase = phase_of(f"setup: {written}\nteardown: {written}")
    assert phase.setup == (read,)
    assert phase.teardown == (read,)


def test_several_commands_keep_their_order_and_may_repeat() -> None:
    phase = phase_of("setup:\n  - make a\n  - [make, b]\n  - make a")
    assert [command.shown for command in phase.setup] == ["make a", "make b", "make a"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("-q --tb=short", ("-q", "--tb=short")),
        ("[-p, 'no:cacheprovider', --own, 5]", ("-p", "no:cacheprovider", "--own", "5")),
        ("\"-o 'addopts='\"", ("-o", "addopts=")),
        ("[]", ()),
        ("[--cov=src, -W, 'ignore::DeprecationWarning']", ("--cov=src", "-W", "ignore::DeprecationWarning")),
        ("-lvv --tb=long -s", ("-lvv", "--tb=long", "-s")),
    ],
)
def test_pytest_arguments_that_do_not_fight_the_runner_are_kept(written: str, read: tuple[str, ...]) -> None:
    assert phase_of(f"pytest_args: {written}").pytest_args == read


def test_a_single_item_stands_for_a_list() -> None:
    phase = phase_of("paths: tests/unit\ntests: '*::test_a'\nresources: db")
    assert (phase.paths, phase.tests, phase.resources) == (("tests/unit",), ("*::test_a",), ("db",))


def test_an_expression_over_several_lines_becomes_one() -> None:
    assert phase_of("markers: |\n  asyncio\n  and not slow\n").markers == "asyncio and not slow"


def test_needs_name_earlier_phases() -> None:
    plan = plan_of(
        "version: 1\nphases:\n- {name: a, markers: x}\n- {name: b, markers: y}\n- {name: c, needs: [a, b]}\n"
    )
    assert plan.phases[2].needs == ("a", "b")


def test_anchors_repeat_values() -> None:
    plan = plan_of("version: 1\nphases:\n- {name: a, markers: x, env: &e {A: 1}}\n- {name: b, env: *e}\n")
    assert plan.phases[0].env == plan.phases[1].env == (("A", "1"),)


def test_a_catch_all_may_stand_anywhere_once() -> None:
    plan = plan_of("version: 1\nphases:\n- {name: rest}\n- {name: b, markers: x}\n")
    assert [phase.name for phase in plan.phases] == ["rest", "b"]


@pytest.mark.parametrize(
    "encoded", [DESIGN.encode(), DESIGN.encode("utf-8-sig"), DESIGN.replace("\n", "\r\n").encode()]
)
def test_byte_order_marks_and_line_ends_do_not_matter(encoded: bytes) -> None:
    assert parse(encoded, Path("project/runner.yaml")) == plan_of(DESIGN)


def test_text_beyond_ascii_is_kept() -> None:
    plan = parse(
        "version: 1\nname: Prüfläufe 🧪\nphases: [{name: a, paths: [tests/größe]}]".encode(), Path("runner.yaml")
    )
    assert plan.name == "Prüfläufe 🧪"
    assert plan.phases[0].paths == ("tests/größe",)


def test_a_file_is_loaded_with_its_real_directory_as_root(tmp_path: Path) -> None:
    (tmp_path / "project" / "tests").mkdir(parents=True)
    (tmp_path / "project" / "ci.yaml").write_text(DESIGN)
    (tmp_path / "link").symlink_to(tmp_path / "project")
    plan = load(tmp_path / "link" / "ci.yaml")
    assert plan.root == Path(os.path.realpath(tmp_path / "project"))
    assert plan.path == plan.root / "ci.yaml"
    assert plan.name == "project"


# ------------------------------------------------------------------------------------------------ the field table


@pytest.mark.parametrize(
    ("fields", "model", "ours"),
    [
        (TOP, Plan, {"version", "defaults"}),
        (SELECT, Select, set()),
        (PHASE, Phase, set()),
        (DEFAULTS, Phase, set()),
        (RETRY_FIELDS, Retries, set()),
    ],
)
def test_every_key_of_the_table_is_a_field_of_the_model(
    fields: Fields, model: type[msgspec.Struct], ours: set[str]
) -> None:
    assert set(fields.by_key) - ours <= {field.name for field in msgspec.structs.fields(model)}


def test_every_field_of_a_phase_is_a_key() -> None:
    assert {field.name for field in msgspec.structs.fields(Phase)} - {"line"} == set(PHASE.by_key)


@pytest.mark.parametrize("field", PHASE.by_key.values(), ids=lambda field: field.key)
def test_the_example_of_a_phase_key_is_a_plan(field) -> None:  # type: ignore[no-untyped-def]
    first = "- {name: sync, markers: x}\n"
    name = "" if field.key == "name" else "  name: b\n"
    plan = plan_of(f"version: 1\nresources: {{database: 1}}\nphases:\n{first}- {field.key}: {field.example}\n{name}")
    value = getattr(plan.phases[1], field.key)
    assert value != getattr(Phase(name=""), field.key) or field.key in ("grace", "launcher")


@pytest.mark.parametrize("field", TOP.by_key.values(), ids=lambda field: field.key)
def test_the_example_of_a_top_level_key_is_a_plan(field) -> None:  # type: ignore[no-untyped-def]
    needed = {"version": "1", "phases": "[{name: a}]"} | {field.key: field.example}
    assert plan_of("".join(f"{key}: {value}\n" for key, value in needed.items())).phases


def test_the_reference_names_every_key_with_its_default() -> None:
    text = reference()
    for fields in (TOP, PHASE):
        for key in fields.by_key:
            assert f"### `{key}`" in text
    for prefix, fields in (("select", SELECT), ("reports", REPORTS), ("retries", RETRY_FIELDS)):
        for key in fields.by_key:
            assert f"### `{prefix}.{key}`\n" in text
    assert all(f"### `command.{key}`\n" in text for key in COMMAND_FIELDS.by_key)
    assert "\nduration or null · default: `5m` · example: `test_timeout: 60s` · also under `defaults`\n" in text
    assert "\nduration or null · default: no limit · example: `timeout: 10m` · also under `defaults`\n" in text
    assert "\n`1` · required · example: `version: 1`\n" in text


def test_the_reference_is_the_same_each_time_and_no_heading_stands_in_it_twice() -> None:
    text = render_reference()
    assert text == reference()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings))


def test_a_clean_phase_rechecks_unless_it_says_no() -> None:
    plan = parse(
        "version: 1\nphases: [{name: a, isolation: clean, markers: x}, {name: b, isolation: clean, recheck: false}]",
        Path("r.yaml"),
    )
    assert [phase.recheck for phase in plan.phases] == [True, False]

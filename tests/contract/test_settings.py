"""Both halves of what the runner asks of a pytest process are the same, field by field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from async_test_run_inside.wire import contract as inside
from async_test_run_inside.wire import settings as settings_inside
from async_test_run_inside.wire.settings import load

from async_test_runner.contract import settings
from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Stage
from async_test_runner.contract.settings import Collect, Fork, Order, Question, Settings, encoded, settings_of
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.launchers import pytest_process
from async_test_runner.model.inventory import CollectedTest, Coverage, Demand, PytestFacts, SuiteWarning
from async_test_runner.model.plan import Leaks, Phase
from async_test_runner.model.result import Leak
from async_test_runner.model.vocabulary import LeakKind

AROUND = Surroundings(
    root=Path("/project"),
    run_dir=Path("/runs/7"),
    run_id="7",
    environ={},
    imports=Path("/runs/imports.json"),
    without=("/project/bad.py",),
)
PHASE = Phase(
    name="p",
    env=(("DATABASE", "db-{slot}"), ("ME", "{worker}")),
    leaks=Leaks(kinds={LeakKind.TASKS: "fail"}),
    memory=1000,
    output=2000,
    resources=("database",),
)
TESTS = tuple(CollectedTest(f"a.py::{name}", "a.py", 1) for name in "xyz")
JOB = Job(
    process="p/0001",
    phase=PHASE,
    tests=TESTS,
    attempt=1,
    slot=2,
    workers=3,
    maxfail=4,
    divided=True,
    capacities=(("database", 1),),
)

PAIRS: list[tuple[type, type]] = [
    (Settings, inside.Asked),
    (Order, inside.Order),
    (Question, inside.Question),
    (CollectedTest, inside.Entry),
    (PytestFacts, inside.Facts),
    (Coverage, inside.CoverageAsked),
    (Demand, inside.Demand),
    (Stage, inside.Stage),
    (Leak, inside.LeakSaid),
    (SuiteWarning, inside.WarningSaid),
]


def shape(kind: type) -> dict[str, Any]:
    """The type of each field as JSON has it, in which tuples are arrays and enumerations are their words."""
    schema = msgspec.json.schema(kind)
    found: dict[str, Any] = _bare(schema["$defs"][kind.__name__], schema["$defs"])["properties"]
    return found


def _bare(value: Any, definitions: dict[str, Any]) -> Any:
    """Without titles, defaults and references."""
    if isinstance(value, list):
        return [_bare(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _bare(definitions[value["$ref"].rpartition("/")[2]], definitions)
    dropped = ("default", "title", "description", "required")  # the inner half leaves out what has a default
    return {key: _bare(item, definitions) for key, item in value.items() if key not in dropped}


@pytest.mark.parametrize(("outer", "inner"), PAIRS, ids=lambda kind: kind.__name__)
def test_both_halves_have_the_same_fields_of_the_same_types(outer: type, inner: type) -> None:
    assert shape(outer) == shape(inner)


def test_every_shape_of_the_inner_half_has_an_outer_one() -> None:
    shapes = {
        value for value in vars(inside).values() if isinstance(value, type) and value.__module__ == inside.__name__
    }
    assert shapes == {inner for _, inner in PAIRS}


def test_every_setting_is_read_by_somebody_inside() -> None:
    """A setting that nobody reads is a lost wish."""
    source = "".join(path.read_text(encoding="utf-8") for path in pytest_process.INSIDE.rglob("*.py"))
    assert {name for name in get_type_hints(inside.Asked) if not re.search(rf"\[['\"]{name}['\"]\]", source)} == set()


def test_the_way_in_has_the_same_names_on_both_sides() -> None:
    assert (settings.SETTINGS, settings.PYTHONPATH) == (settings_inside.SETTINGS, settings_inside.PYTHONPATH)
    assert (pytest_process.INSIDE / f"{settings.PLUGIN.replace('.', '/')}.py").is_file()


@pytest.mark.parametrize("asked", [Collect(expressions=(("markers", "a"),), host=True), JOB, Fork(job=JOB)])
def test_what_is_written_is_what_is_read(asked: Collect | Job | Fork, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    written = settings_of(asked, AROUND, 9)
    path.write_bytes(encoded(written))
    read = load(str(path))
    assert msgspec.convert(read.asked, Settings) == written
    assert read.parent == 9
    assert read.run_directory == "/runs/7"


def test_a_collection_asks_for_no_test() -> None:
    found = settings_of(Collect(expressions=(("keyword", "k"),), host=True), AROUND, 9)
    assert (found.mode, found.expressions, found.host, found.tests) == ("collect", (("keyword", "k"),), True, ())
    assert (found.without, found.at_end, found.testrun_uid) == (("/project/bad.py",), "/runs/7/at-end", "7")


@pytest.mark.parametrize("asked", [JOB, Fork(job=JOB)])
def test_a_job_asks_the_same_of_a_fresh_process_and_of_a_fork(asked: Job | Fork) -> None:
    found = settings_of(asked, AROUND, 9)
    assert found.tests == ("a.py::x", "a.py::y", "a.py::z")
    assert (found.slot, found.workers, found.maxfail, found.divided) == (2, 3, 4, True)
    assert (found.memory, found.output, found.resources) == (1000, 2000, ("database",))
    assert (found.leaks["tasks"], found.leaks["threads"]) == ("fail", "report")
    assert (found.alone, found.capacities) == (False, (("database", 1),))


def test_workers_of_a_fresh_process_have_the_environment_of_their_slots() -> None:
    assert settings_of(JOB, AROUND, 9).worker_env == {
        f"gw{number}": {"DATABASE": f"db-{2 + number}", "ME": f"gw{number}"} for number in range(3)
    }


def test_a_fork_has_its_units_and_where_to_write() -> None:
    found = settings_of(Fork(job=JOB, units=(TESTS[:1], TESTS[1:]), junit="/j.xml"), AROUND, 9)
    assert found.units == (("a.py::x",), ("a.py::y", "a.py::z"))
    assert (found.preload, found.junit, found.worker_env) == ("/runs/imports.json", "/j.xml", {})


def test_nothing_is_learned_of_imports_where_the_plan_says_so() -> None:
    job = msgspec.structs.replace(JOB, phase=msgspec.structs.replace(PHASE, preload=False))
    assert settings_of(Fork(job=job), AROUND, 9).preload == ""


def test_ids_of_files_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    job = msgspec.structs.replace(JOB, tests=(CollectedTest("\udcff.py::t", "\udcff.py", 1),))
    assert json.loads(encoded(settings_of(job, AROUND, 9)))["tests"] == ["\udcff.py::t"]

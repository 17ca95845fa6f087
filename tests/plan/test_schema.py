"""The JSON Schema: shipped as it is generated, and of one mind with the reader about what a plan may hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import async_test_runner
from async_test_runner.model.errors import PlanError
from async_test_runner.plan.document import Items, Node, Scalar, Table, YamlError, read
from async_test_runner.plan.reading import json_schema, parse, schema_text
from async_test_runner.words.durations import parse_duration
from tests.plan.test_bad import BAD, Bad, P, V
from tests.plan.test_reading import DESIGN

SHIPPED = Path(async_test_runner.__file__).with_name("plan.schema.json")

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_KNOWN = {
    "$schema", "title", "description", "type", "properties", "required", "additionalProperties", "propertyNames",
    "items", "minItems", "uniqueItems", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "anyOf",
}  # fmt: skip


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid: the part of JSON Schema that ours uses, and an error for any other keyword."""
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    checks = (_fits_type, _fits_object, _fits_array, _fits_value, _fits_number)
    return all(check(value, schema) for check in checks) and (
        "anyOf" not in schema or any(fits(value, option) for option in schema["anyOf"])
    )


def _fits_type(value: Any, schema: dict[str, Any]) -> bool:
    if "type" not in schema:
        return True
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(isinstance(value, _TYPES[name]) and (not isinstance(value, bool) or name == "boolean") for name in names)


def _fits_object(value: Any, schema: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    return (
        all(name in value for name in schema.get("required", ()))
        and all(fits(name, schema.get("propertyNames", {})) for name in value)
        and all(
            fits(item, properties[name]) if name in properties else others is True or (others and fits(item, others))
            for name, item in value.items()
        )
    )


def _fits_array(value: Any, schema: dict[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    unique = not schema.get("uniqueItems") or len({repr(item) for item in value}) == len(value)
    return (
        unique
        and len(value) >= schema.get("minItems", 0)
        and all(fits(item, schema.get("items", {})) for item in value)
    )


def _fits_value(value: Any, schema: dict[str, Any]) -> bool:
    if "const" in schema and (value != schema["const"] or isinstance(value, bool)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    return not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is not None


def _fits_number(value: Any, schema: dict[str, Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
    )


def plain(node: Node) -> Any:
    """A tree as an editor's YAML 1.2 reader would hand it to its schema checker."""
    match node:
        case Items():
            return [plain(item) for item in node.items]
        case Table():
            return {entry.key.text: plain(entry.value) for entry in node.entries if isinstance(entry.key, Scalar)}
        case Scalar(kind="null"):
            return None
        case Scalar(kind="boolean"):
            return node.text.lower() == "true"
        case Scalar(kind="whole"):
            return int(node.text)
        case Scalar(kind="number"):
            return float(node.text)
        case Scalar():
            return node.text


def valid(text: str) -> bool:
    node = read(text)
    return node is not None and fits(plain(node), json_schema())


FULL = """\
version: 1
name: everything
select: {paths: tests, markers: not slow, keyword: not flaky}
unassigned: run
overlap: error
collect_errors: continue
collect_timeout: 90.5
run_timeout: null
defaults: {timeout: 1h30m, retries: 2, workers: auto, env: {DEBUG: 1, QUIET: true}, setup: make db}
resources: {database: 3}
phases:
  - name: first
    paths: [tests/a, "tests/**/b_*.py"]
    tests: ["*::test_x", "tests/a.py::test_b[1-2]"]
    isolation: class
    workers: 8
    launcher: exec
    timeout: 500ms
    setup_timeout: ~
    grace: 0
    max_failures: null
    retries: {count: 1, delay: 0s, on: [failed, crashed], isolation: same}
    flaky: fail
    recheck: true
    order_dependent: pass
    memory: 1.5 GiB
    output: 64000
    resources: database
    setup: [make, [make, 1], {run: a | b, shell: true, timeout: 3}]
    teardown: {run: [make, clean]}
    pytest_args: -q -p no:cacheprovider
    python: .venv/bin/python
  - name: second
    needs: [first]
    pytest_args: [--own, 5]
reports: {junit: a.xml, summary: b.md}
"""


@pytest.mark.parametrize("text", [DESIGN, FULL, V + P])
def test_reader_and_schema_accept_good_plans(text: str) -> None:
    assert parse(text, Path("runner.yaml"))
    assert valid(text)


# What only the plan as a whole shows, or what YAML itself forbids, is beyond a schema; all else it must refuse too.
BEYOND = {
    "duplicate", "dup in phase", "name reserved", "name dup", "needs unknown", "needs later", "needs self",
    "needs first", "resource unknown", "resource none", "two catch-alls", "markers &&", "markers open",
    "keyword two", "path dash", "path id", "wildcards", "junit dir", "setup quote", "setup shell word",
    "setup shell list", "env template", "env stray", "long text", "nul escape", "nul in env",
    "env addopts", "addopts of defaults", "addopts quote", "addopts template",
    "nul in a command", "test dash", "esc escape", "python tag", "tag int", "tagged phases", "complex key",
    "duration long", "memory small", "memory vast", "output small", "resource default", "same report",
}  # fmt: skip


_WITHIN = [
    bad
    for bad in BAD
    if bad.name not in BEYOND
    and not bad.name.startswith(("pytest_args", "nul in an argument"))
    and isinstance(bad.text, str)
]


@pytest.mark.parametrize("bad", _WITHIN, ids=[bad.name for bad in _WITHIN])
def test_reader_and_schema_refuse_the_same_plans(bad: Bad) -> None:
    assert isinstance(bad.text, str)
    try:
        assert not valid(bad.text)
    except YamlError:
        pass  # an editor's own reader says so


def test_most_bad_plans_are_within_the_schema() -> None:
    assert {bad.name for bad in BAD} >= BEYOND
    assert len(_WITHIN) > 60


@settings(max_examples=300)
@given(
    st.text(alphabet="0123456789hms. ", max_size=8) | st.from_regex(r"[0-9]{1,3}(\.[0-9])?(h|m|s|ms)", fullmatch=True)
)
def test_reader_and_schema_agree_about_durations(text: str) -> None:
    schema = json_schema()["properties"]["run_timeout"]
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        assert "30 days" in str(error) or not fits(text, schema)
    else:
        assert fits(text, schema) is (seconds > 0)


def test_a_value_that_the_reader_takes_fits_the_schema_of_its_key() -> None:
    properties = json_schema()["properties"]["phases"]["items"]["properties"]
    for key, value in {"workers": 4, "retries": {"count": 3}, "env": {"A": 1.5}, "timeout": 10}.items():
        assert fits(value, properties[key])
        assert parse(f"version: 1\nphases: [{{name: a, {key}: {msgspec.json.encode(value).decode()}}}]", Path("r.yaml"))


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(), "write it again: async-test-run schema -o " + str(
        SHIPPED
    )


def test_the_schema_is_the_draft_that_editors_know_and_allows_no_other_keys() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["version", "phases"]
    assert msgspec.json.decode(schema_text()) == schema


def test_every_key_in_the_schema_is_described() -> None:
    schema = json_schema()
    phase = schema["properties"]["phases"]["items"]
    for part in (schema, phase, schema["properties"]["defaults"], schema["properties"]["select"]):
        assert all(field["description"] for field in part["properties"].values())


def test_a_plan_that_fits_the_schema_is_never_a_wrong_type_for_the_reader() -> None:
    with pytest.raises(PlanError, match="comes later"):
        parse("version: 1\nphases: [{name: a, needs: [b], markers: x}, {name: b}]", Path("runner.yaml"))
    assert valid("version: 1\nphases: [{name: a, needs: [b], markers: x}, {name: b}]")

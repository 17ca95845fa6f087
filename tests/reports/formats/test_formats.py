"""The registry of report formats: what stands in it is a key of the plan and a file in the run directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.plan.reading import json_schema, parse
from async_test_runner.reports import formats
from async_test_runner.reports.formats import FORMATS
from async_test_runner.reports.formats.format import Format


def test_every_module_of_a_format_is_in_the_registry() -> None:
    files = {path.stem for path in Path(formats.__file__).parent.glob("*.py")} - {"__init__", "format"}
    assert files == {format.render.__module__.rpartition(".")[2] for format in FORMATS.values()}
    assert [*FORMATS] == [format.key for format in FORMATS.values()]
    assert len({format.file for format in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_a_format_is_a_key_of_the_plan(format: Format) -> None:
    assert format.key in json_schema()["properties"]["reports"]["properties"]
    plan = parse(f"version: 1\nreports: {{{format.key}: out/x}}\nphases: [{{name: a}}]\n", Path("/p/runner.yaml"))
    assert plan.reports == {format.key: "out/x"}

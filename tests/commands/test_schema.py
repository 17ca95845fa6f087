"""``async-test-run schema``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from async_test_runner.commands.schema import command
from async_test_runner.model.errors import InfrastructureError
from async_test_runner.plan.reading import json_schema, schema_text


def test_it_prints_the_schema_as_json() -> None:
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()


def test_it_writes_the_schema_to_a_file_and_prints_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["-o", str(tmp_path / "runner.schema.json")])
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "runner.schema.json").read_text(encoding="utf-8") == schema_text()


def test_a_file_that_cannot_be_written_is_an_infrastructure_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError, match="cannot write"):
        CliRunner().invoke(command, ["-o", str(tmp_path / "file" / "x.json")], catch_exceptions=False)


def test_the_help_has_an_example() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    assert "async-test-run schema -o runner.schema.json" in result.stdout
    assert "yaml-language-server: $schema=" in result.stdout

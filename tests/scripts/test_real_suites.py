"""The script for real suites: what a configuration means to the comparison."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.projects import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

import compare  # type: ignore[import-not-found]
import real_suites  # type: ignore[import-not-found]


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("phase×2", ("phase", 2, None)),
        ("test×1", ("test", 1, None)),
        ("clean×2", ("clean", 2, None)),
        ("exec×1", ("file", 1, "exec")),
    ],
)
def test_a_configuration_is_isolation_workers_and_launcher(
    configuration: str, expected: tuple[str, int, str | None]
) -> None:
    options = compare.parse(real_suites.policy(configuration))
    assert (options.isolation, options.workers, options.launcher) == expected


def test_what_a_suite_cannot_have_is_not_run_and_said_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = real_suites.Suite("shared", impossible=real_suites._side_by_side("a port"))
    asked: list[str] = []

    def cells(suite: object, directory: Path, configurations: list[str], repeat: int, wall: list[float]) -> object:
        asked.extend(real_suites.possible(suite, configurations))
        wall.append(1.0)
        return [(name, real_suites.Cell(3, [], 2.0)) for name in asked]

    monkeypatch.setattr(real_suites, "SUITES", [suite])
    monkeypatch.setattr(real_suites, "cells", cells)
    assert real_suites.main(["--directory", str(tmp_path)]) == 0
    assert asked == ["phase×1", "file×1", "test×1", "clean×1", "exec×1"]
    _, _, row, *reasons = capsys.readouterr().out.splitlines()
    assert row == "| shared | 3 | 1.0 s |" + " 0 (2.0 s) | – |" * 4 + " 0 (2.0 s) |"
    assert reasons == ["shared is not run as phase×2, file×2, test×2, clean×2: a port"]


def test_only_configurations_that_there_are_can_be_left_out() -> None:
    named = {name for suite in real_suites.SUITES for name in suite.impossible}
    assert named <= set(real_suites.CONFIGURATIONS)


def test_suites_lie_outside_of_this_repository_whose_configuration_they_would_find(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert real_suites.default_directory() == tmp_path / ".cache" / "async-test-run" / "real-suites"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert real_suites.default_directory() == tmp_path / "other" / "async-test-run" / "real-suites"

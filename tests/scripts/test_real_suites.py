"""The script for real suites: what a configuration means to the comparison."""

from __future__ import annotations

import sys

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
        ("exec×1", ("file", 1, "exec")),
    ],
)
def test_a_configuration_is_isolation_workers_and_launcher(
    configuration: str, expected: tuple[str, int, str | None]
) -> None:
    options = compare.parse(real_suites.policy(configuration))
    assert (options.isolation, options.workers, options.launcher) == expected

"""Every table that a report keeps by outcome or exit code knows each of them: one that it lacks would be a KeyError."""

from __future__ import annotations

import enum
from collections.abc import Collection

import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.reports.formats import summary
from async_test_runner.reports.terminal import final, screen
from async_test_runner.reports.wording import words


@pytest.mark.parametrize(
    ("table", "vocabulary"),
    [
        (screen.STYLES, Outcome),
        (words.ORDER, Outcome),
        (summary.VERDICTS, ExitCode),
        (final._LABELS, ExitCode),
    ],
    ids=["styles", "order", "verdicts", "labels"],
)
def test_a_table_knows_every_word(table: Collection[object], vocabulary: type[enum.Enum]) -> None:
    assert set(table) == set(vocabulary)
    assert len(table) == len(set(table))

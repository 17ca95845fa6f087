"""The words for a process that died."""

from __future__ import annotations

import pytest

from async_test_runner.words.deaths import describe_death


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-9, "its process was killed by SIGKILL"),
        (-64, "its process was killed by SIGRTMAX"),
        (-99, "its process was killed by signal 99"),
        (0, "its process exited with 0 before finishing"),
        (3, "its process exited with 3 before finishing"),
    ],
)
def test_a_death_in_words(status: int, said: str) -> None:
    assert describe_death(status) == said

"""The table of pytest's options against what pytest and its plugins register, and what is said of them."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.plan.pytest_options import INI, OPTIONS, TABLE, How, notes, refusals, watched
from tests.support.pytest_parser import registered

PLUGINS = (
    "pytester",
    "pytest_asyncio.plugin",
    "pytest_timeout",
    "xdist.plugin",
    "xdist.looponfail",
    "pytest_cov.plugin",
)


@pytest.mark.processes
def test_every_option_and_ini_key_that_is_registered_here_is_in_the_table() -> None:
    """Where this fails a new pytest or plugin has a new option: decide what becomes of it in a run."""
    assert sorted(registered(sys.executable, *PLUGINS) - OPTIONS.keys()) == []


def test_no_name_stands_in_the_table_twice() -> None:
    names = [name for options in TABLE.values() for option in options for name in option.names]
    assert len(names) == len(set(names))


def test_what_is_warned_of_or_refused_says_why_and_can_be_noticed() -> None:
    for option in OPTIONS.values():
        assert bool(option.watched) == (option.how in (How.SAID, How.REFUSED)), option
        assert option.says or option.how in (How.OBEYED, How.LOGGED), option


def test_each_option_that_is_looked_for_has_a_place_of_its_own() -> None:
    found = watched()
    assert len(found) == sum(bool(option.watched) for option in set(OPTIONS.values()))
    assert found["usepdb"] == "--pdb"
    assert found["capture=no"] == "-s"
    assert found[f"{INI}rsyncdirs"] == "rsyncdirs"


def test_what_runs_no_test_is_refused_and_the_rest_is_not() -> None:
    assert refusals(["--collect-only", "--pdb", "--unknown"]) == [
        "--collect-only stands in pytest's configuration (addopts or PYTEST_ADDOPTS): no test would run"
    ]


def test_what_does_not_mean_what_it_says_is_warned_of() -> None:
    assert notes(["--pdb", "--collect-only", "-k"], "in pytest's configuration", several=False) == [
        "--pdb in pytest's configuration has no effect: tests run without a terminal"
    ]


def test_what_one_session_can_obey_is_warned_of_where_there_are_several() -> None:
    assert notes(["--html"], "after --", several=False) == []
    (note,) = notes(["--html"], "after --", several=True)
    assert note.startswith("--html after -- is written anew by each session")

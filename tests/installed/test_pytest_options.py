"""The table of pytest's options against the oldest and the newest pytest, with plugins of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.plan.pytest_options import OPTIONS
from tests.support.environments import Environments
from tests.support.pytest_parser import registered

pytestmark = [pytest.mark.network_index, pytest.mark.thorough, pytest.mark.timeout(600)]

PROJECTS = ("asyncio", "timeout", "xdist", "cov", "rerunfailures", "html")
MODULES = (
    *("pytester", "pytest_asyncio.plugin", "pytest_timeout", "xdist.plugin", "xdist.looponfail", "pytest_cov.plugin"),
    *("pytest_rerunfailures", "pytest_html.plugin", "pytest_metadata.plugin"),
)


def test_the_table_has_every_option_of_the_oldest_and_newest_pytest_and_no_others(tmp_path: Path) -> None:
    environments = Environments.shared(tmp_path)
    plugins = tuple(f"pytest-{name}" for name in PROJECTS)
    found = {
        release: registered(str(environments.python(release, *plugins)), *MODULES)
        for release in ("pytest==8.2.*", "pytest")
    }
    assert [sorted(names - OPTIONS.keys()) for names in found.values()] == [[], []]
    ours = {name for name in OPTIONS if not {" ", "="} & set(name)}  # the others are an option with one value of it
    assert sorted(ours - set().union(*found.values())) == []

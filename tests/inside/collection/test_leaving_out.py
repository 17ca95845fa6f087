"""Files that took an earlier process down are not imported again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.collection.leaving_out import LeavingOut

from tests.support.inside import through

COLLECTORS = ["of the file"]


def collected(
    without: list[str], path: Path, request: pytest.FixtureRequest, only: Sequence[str] = (), made: Any = COLLECTORS
) -> Any:
    return through(LeavingOut(without, only).pytest_collect_file(path, request.session), made)


def test_a_file_that_is_left_out_has_no_tests(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / "test_dies.py"
    (nothing,) = collected([str(path)], path, request)
    assert list(nothing.collect()) == []
    assert nothing.path == path


def test_other_files_are_collected_as_they_are(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert collected([str(tmp_path / "test_dies.py")], tmp_path / "test_lives.py", request) is COLLECTORS


def test_a_name_that_is_not_utf_8_is_known_as_it_was_told(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / "test_\udcff.py"
    (nothing,) = collected([str(request.config.rootpath / "test_\\udcff.py")], path, request)
    assert list(nothing.collect()) == []


@pytest.mark.parametrize(
    ("only", "is_collected"),
    [((), True), (("a/test_it.py",), True), (("a/other.py",), False), (("test_it.py",), False)],
)
def test_a_session_may_need_some_files_only(
    request: pytest.FixtureRequest, only: tuple[str, ...], is_collected: bool
) -> None:
    path = request.config.rootpath / "a" / "test_it.py"
    assert (collected([], path, request, only) is COLLECTORS) is is_collected


def test_what_nobody_collects_stays_so(request: pytest.FixtureRequest) -> None:
    assert collected([], request.config.rootpath / "README.md", request, ("test_a.py",), made=[]) == []

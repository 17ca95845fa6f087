"""Each conftest.py is named before it is imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from async_test_run_inside.collection.conftests import Watch


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(sys, "meta_path", [Watch(names.append), *sys.meta_path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    sys.modules.pop("conftest", None)
    monkeypatch.syspath_prepend(str(tmp_path))
    return names


def test_a_conftest_is_named_before_it_is_imported(told: list[str], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("raise RuntimeError('at import')\n")
    with pytest.raises(RuntimeError, match="at import"):
        importlib.import_module("conftest")
    assert told == [str(tmp_path / "conftest.py")]


def test_a_conftest_in_a_package_is_named_too_and_other_modules_are_not(told: list[str], tmp_path: Path) -> None:
    (tmp_path / "some_package").mkdir()
    for name in ("__init__", "conftest", "other"):
        (tmp_path / "some_package" / f"{name}.py").write_text("VALUE = 1\n")
    assert importlib.import_module("some_package.other").VALUE == 1
    assert importlib.import_module("some_package.conftest").VALUE == 1
    assert told == [str(tmp_path / "some_package" / "conftest.py")]


def test_a_conftest_that_is_not_there_is_no_news(told: list[str]) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("conftest")
    assert told == []

"""Each conftest.py is named before it is imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from async_test_run_inside.collection.conftests import Watch, trace


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


def failure(path: Path, text: str) -> BaseException:
    path.write_text(text)
    try:
        exec(compile(text, str(path), "exec"), {"__name__": "conftest"})
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def test_a_conftest_that_fails_is_told_with_its_places(tmp_path: Path) -> None:
    path = tmp_path / "conftest.py"
    error = failure(path, "def f():\n    import nosuchmodule\nf()\n")
    assert trace(error, str(path), str(tmp_path)).splitlines() == [
        "conftest.py:3: in <module>",
        "    f()",
        "conftest.py:2: in f",
        "    import nosuchmodule",
        "E   ModuleNotFoundError: No module named 'nosuchmodule'",
    ]


def test_what_it_came_of_stands_before_it(tmp_path: Path) -> None:
    path = tmp_path / "conftest.py"
    error = failure(path, "try:\n    {}['key']\nexcept KeyError as e:\n    raise RuntimeError('later') from e\n")
    lines = trace(error, str(path), str(tmp_path)).splitlines()
    assert [line for line in lines if line.startswith("E")] == ["E   KeyError: 'key'", "E   RuntimeError: later"]
    assert lines[0] == "conftest.py:2: in <module>"


def test_a_chain_that_bites_its_tail_ends(tmp_path: Path) -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert trace(one, "conftest.py", str(tmp_path)).splitlines() == ["E   ValueError: two", "E   ValueError: one"]


def test_a_syntax_error_shows_its_line(tmp_path: Path) -> None:
    path = tmp_path / "conftest.py"
    text = trace(failure(path, "def f(:\n"), str(path), str(tmp_path))
    assert "def f(:" in text
    assert text.splitlines()[-1].startswith("E   SyntaxError")

"""The shallow state of the project's own modules: what is a change, what is none, and what is never touched."""

from __future__ import annotations

import functools
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.leaks.project import Change, Project, is_own

SOURCE = """
import functools
NUMBER, TEXT, LIST, NAMES, TABLE = 1, "a", [], {"a"}, {"a": 1, "b": 2}

class Thing:
    level = 1
    seen = []

    @functools.cached_property
    def late(self):
        return object()

class Touchy:
    def __eq__(self, other): raise AssertionError("compared")
    __hash__ = None
    def __bool__(self): raise AssertionError("asked for its truth")
    def __repr__(self): raise AssertionError("shown")
    def __getattr__(self, name): raise AssertionError("asked for " + name)

THING, TOUCHY = Thing(), Touchy()
LONG = list(range(5000))
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = types.ModuleType("watched_app")
    module.__file__ = str(tmp_path / "watched_app.py")
    monkeypatch.setitem(sys.modules, "watched_app", module)
    exec(SOURCE, vars(module))
    return module


@pytest.fixture
def project(app: Any) -> Iterator[Project]:
    yield Project()


def said(project: Project) -> list[str]:
    return [leak.what for leak in project.news() if "watched_app" in leak.what]


def test_nothing_changed_is_nothing_to_say(project: Project) -> None:
    assert not project.differs()
    assert project.news() == []


def test_a_change_is_no_leak_that_a_plan_could_forbid(project: Project, app: Any) -> None:
    app.NUMBER = 2
    assert all(isinstance(leak, Change) for leak in project.news())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("app.NUMBER = 2", "watched_app: NUMBER rebound"),
        ("del app.NUMBER", "watched_app: NUMBER removed"),
        ("app.MORE = 2", "watched_app: MORE added"),
        ("app.LIST.append(1)", "watched_app: contents of LIST changed"),
        ("app.NAMES.add('b')", "watched_app: contents of NAMES changed"),
        ("app.TABLE['a'] = 3", "watched_app: contents of TABLE changed"),
        ("app.Thing.level = 2", "watched_app.Thing: level rebound"),
        ("app.Thing.seen.append(1)", "watched_app.Thing: contents of seen changed"),
        ("app.THING.level = 2", "watched_app.THING: level added"),
        ("app.TOUCHY = app.Touchy()", "watched_app: TOUCHY rebound"),
        ("app.LONG.append(1)", "watched_app: contents of LONG changed"),
    ],
)
def test_a_change_is_named_and_its_values_are_not(project: Project, app: Any, change: str, what: str) -> None:
    exec(change, {"app": app})
    assert project.differs()
    assert said(project) == [what]
    assert not project.differs()


@pytest.mark.parametrize(
    "habit",
    [
        "app.THING.late",
        "app.NUMBER = 2; app.NUMBER = 1",
        "app.TABLE['a'] = app.TABLE.pop('a')",
        "app.NAMES.discard('a'); app.NAMES.add('a')",
        "app.Thing().level = 3",
        "app.__warningregistry__ = {}",
    ],
)
def test_what_no_other_test_can_see_is_no_change(project: Project, app: Any, habit: str) -> None:
    exec(habit, {"app": app})
    assert said(project) == []
    assert not project.differs()


def test_what_is_put_back_later_is_no_news_and_its_leak_is_gone(project: Project, app: Any) -> None:
    app.NUMBER = 2
    [leak] = [leak for leak in project.news() if "watched_app" in leak.what]
    assert not leak.gone()
    app.NUMBER = 1
    assert leak.gone()
    assert said(project) == []


def test_a_module_that_is_imported_late_is_taken_in_and_watched(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "watched_app_late.py").write_text("LIST = []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import watched_app_late  # type: ignore[import-not-found]

    try:
        assert said(project) == []
        watched_app_late.LIST.append(1)
        assert said(project) == ["watched_app_late: contents of LIST changed"]
    finally:
        del sys.modules["watched_app_late"]


def test_a_descriptor_that_a_library_adds_to_a_class_is_no_change(project: Project, app: Any) -> None:
    app.Thing.added = functools.cached_property(lambda self: 1)
    assert said(project) == []


def test_filters_are_asked_for_apart(project: Project) -> None:
    with warnings.catch_warnings():
        assert project.outside() == ""
        warnings.filterwarnings("ignore", message="nobody says this")
        assert not project.differs()
        assert project.outside() == "warnings: filters changed"


def test_installed_modules_are_not_the_projects_own(app: Any) -> None:
    assert is_own(app)
    assert not is_own(pytest)
    assert not is_own(functools)
    assert not is_own(sys)
    assert not is_own(None)

"""What is told of a test, what of a fixture, and what of nobody."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from async_test_run_inside.leaks import watch as module
from async_test_run_inside.leaks.births import Births
from async_test_run_inside.leaks.found import Leak, LeakKind
from async_test_run_inside.leaks.watch import Watch, explained, noticed_by_warning


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """One that wraps no class of this process."""
    monkeypatch.setattr(Births, "install", lambda self: False)
    found = Watch(dict.fromkeys(get_args(LeakKind), "report"), str(tmp_path), 1, alone=True)
    found.begin("a", "a")
    return found


def said(leaks: list[Leak]) -> list[str]:
    return [leak.what for leak in leaks if leak.what.startswith("environment")]


def test_what_a_test_left_is_told_once(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFT", "1")
    assert said(watch.end()) == ["environment: LEFT set"]
    watch.begin("b", "b")
    assert said(watch.end()) == []


def test_a_kind_that_is_ignored_is_not_told(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch._policies["state"] = "ignore"
    monkeypatch.setenv("LEFT", "1")
    assert watch.end() == []


def test_only_what_is_forbidden_makes_a_test_red(watch: Watch) -> None:
    leaks = [Leak("state", "x"), Leak("tasks", "task y", "a.py:1 in f")]
    assert watch.forbidden(leaks) == []
    watch._policies["tasks"] = "fail"
    assert watch.forbidden(leaks) == leaks[1:]
    assert explained(leaks[1:]).splitlines() == [
        "left behind, which the plan forbids (leaks): task y",
        "  tasks: task y",
        "      made at a.py:1 in f",
    ]


def test_what_a_wider_fixture_makes_is_told_when_it_is_over_and_still_there(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture = SimpleNamespace(argname="shared")
    key = type("Key", (), {"argname": "shared"})()
    watch.before_fixture()
    monkeypatch.setenv("TIDY", "1")
    monkeypatch.setenv("SLOPPY", "1")
    watch.after_fixture(key)
    assert said(watch.end()) == []
    watch.begin("b", "b")
    monkeypatch.delenv("TIDY")
    watch.fixture_over(key)
    assert said(watch.end()) == [f"environment: SLOPPY set; left by fixture {fixture.argname}"]


def test_what_the_test_did_before_such_a_fixture_is_the_tests_unless_it_puts_it_back(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEFT", "1")
    monkeypatch.setenv("BACK", "1")
    watch.before_fixture()
    watch.after_fixture(object())
    monkeypatch.delenv("BACK")
    assert said(watch.end()) == ["environment: LEFT set"]


def test_of_many_leaks_the_first_are_named_and_the_rest_is_counted(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        monkeypatch.setenv(f"LEFT_{number}", "1")
    leaks = watch.end()
    assert len(leaks) == module._MOST
    assert leaks[-1].what.startswith(f"{50 - module._MOST + 1} more of them, the first: environment: LEFT_")


def test_a_look_that_fails_is_no_fault_of_the_test(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "_state", None)
    assert watch.end() == []


def test_nothing_is_looked_at_where_everything_is_ignored(tmp_path: Path) -> None:
    watch = Watch(dict.fromkeys(get_args(LeakKind), "ignore"), str(tmp_path), 1, alone=True)
    watch.prepare()
    watch.begin("a", "a")
    assert not watch.on
    assert watch.end() == []
    assert not watch._is_ready


@pytest.mark.parametrize(
    ("category", "text", "kind"),
    [
        (UserWarning, "The garbage collector is trying to clean up non-checked-in connection <x>", "clients"),
        (ResourceWarning, "unclosed file <_io.TextIOWrapper name='x'>", "descriptors"),
        (UserWarning, "unclosed file", None),
        (ResourceWarning, "something else", None),
    ],
)
def test_libraries_warn_of_leaks(category: type[Warning], text: str, kind: str | None) -> None:
    leak = noticed_by_warning(category, text)
    assert (leak.kind if leak else None) == kind


def test_what_somebody_else_noticed_is_told_later_and_once(watch: Watch) -> None:
    watch.note("a", Leak("clients", "x"))
    assert [(id, leak.what) for id, leak in watch.late()] == [("a", "x")]
    assert watch.late() == []


@pytest.mark.parametrize("is_last", [False, True])
def test_the_modules_of_the_project_are_not_looked_at_after_the_last_test_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_last: bool
) -> None:
    monkeypatch.setattr(Births, "install", lambda self: False)
    watch = Watch({}, str(tmp_path), 1, alone=True, clean=True)
    watch.begin("a", "a")
    watch.is_last = is_last
    for found in (watch.end, watch.outside):
        looked: list[bool] = []
        monkeypatch.setattr(watch._project, "differs", lambda looked=looked: bool(looked.append(True)))
        monkeypatch.setattr(watch._project, "outside", lambda looked=looked: looked.append(True) or "")
        found()
        assert looked == ([] if is_last else [True])

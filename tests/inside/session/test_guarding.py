"""What a plugin may not do to the files of a project at the end of a session that has not run all tests."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pluggy
import pytest
from async_test_run_inside.session.guarding import Guard, begin_of

hookspec, hookimpl = pluggy.HookspecMarker("it"), pluggy.HookimplMarker("it")


class Specification:
    @hookspec
    def at_end(self) -> None: ...


def as_a_plugin(act: Callable[[], object]) -> Callable[[], object]:
    """The same, called as a hook of a plugin."""

    class Plugin:
        @hookimpl
        def at_end(self) -> None:
            act()

    manager = pluggy.PluginManager("it")
    manager.add_hookspecs(Specification)
    manager.register(Plugin())
    return manager.hook.at_end  # type: ignore[no-any-return]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("old.txt", "old.py", "kept/old.txt", ".cache/old.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    return tmp_path


@pytest.fixture
def guard(project: Path) -> Guard:
    return Guard(str(project), began=time.time() + 1000)


ACTS: dict[str, Callable[[Path], object]] = {
    "delete old.txt": lambda root: (root / "old.txt").unlink(),
    "delete kept": lambda root: shutil.rmtree(root / "kept"),
    "delete old.py": lambda root: (root / "old.py").rename(root / "new.py"),
    "write old.py": lambda root: (root / "old.py").write_text("new"),
}


@pytest.mark.parametrize("said", ACTS)
def test_what_was_there_before_the_run_stays(project: Path, guard: Guard, said: str) -> None:
    before = sorted(project.rglob("*"))
    with guard.on(True):
        as_a_plugin(lambda: ACTS[said](project))()
    assert guard.refused == f"at_end of {__name__} would {said}"
    assert sorted(project.rglob("*")) == before
    assert (project / "old.py").read_text() == "old"


ALLOWED: dict[str, Callable[[Path], object]] = {
    "a report is written anew": lambda root: (root / "old.txt").write_text("new"),
    "what is hidden is nobody's work": lambda root: (root / ".cache" / "old.txt").unlink(),
    "it is read": lambda root: (root / "old.py").read_text(),
    "it was never there": lambda root: (root / "none.txt").unlink(missing_ok=True),
    "it is no path": lambda root: os.close(os.open(root, os.O_RDONLY)),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_the_rest_is_allowed(project: Path, guard: Guard, what: str) -> None:
    with guard.on(True):
        as_a_plugin(lambda: ALLOWED[what](project))()
    assert guard.refused == ""


def test_files_of_this_run_and_of_other_places_may_go(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "old.txt"
    elsewhere.touch()
    guard = Guard(str(project), began=time.time() + 1000)
    with guard.on(True):
        as_a_plugin(elsewhere.unlink)()
    late = Guard(str(project), began=0.0)
    with late.on(True):
        as_a_plugin((project / "old.txt").unlink)()
    assert (guard.refused, late.refused) == ("", "")
    assert not elsewhere.exists() and not (project / "old.txt").exists()


@pytest.mark.parametrize("wanted", [True, False])
def test_whoever_has_heard_of_all_tests_may_and_so_may_all_where_all_have_run(
    project: Path, guard: Guard, wanted: bool
) -> None:
    guard.is_told = lambda hook: wanted
    with guard.on(wanted):
        as_a_plugin((project / "old.txt").unlink)()
    (project / "old.py").unlink()  # it is over
    assert guard.refused == ""


def test_what_is_no_plugin_may(project: Path, guard: Guard) -> None:
    space = {"__name__": "_pytest.fixtures", "act": (project / "old.txt").unlink}
    exec("def finish(): act()", space)
    with guard.on(True):
        as_a_plugin(space["finish"])()
        (project / "old.py").unlink()
    assert guard.refused == ""


def test_another_refusal_is_raised_and_what_a_plugin_catches_is_known_all_the_same(project: Path, guard: Guard) -> None:
    def swallow() -> None:
        with pytest.raises(PermissionError, match="not all tests have run here"):
            (project / "old.txt").unlink()

    with pytest.raises(PermissionError, match="of the system"), guard.on(True):
        raise PermissionError("of the system")
    with guard.on(True):
        as_a_plugin(swallow)()
    assert guard.refused


def test_a_run_begins_with_its_collection(tmp_path: Path) -> None:
    assert begin_of(str(tmp_path)) == 0.0
    settings = tmp_path / "collection" / "0000" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.touch()
    assert begin_of(str(tmp_path)) == settings.stat().st_mtime

"""Options that hold for a run, in one of its processes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection.run_options import renew_basetemp, share
from async_test_run_inside.wire.settings import Settings

from tests.support.inside import Config, settings


class Run:
    """A run's directory, with processes in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / "run"

    def process(self, name: str, worker: str = "") -> Settings:
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        return settings(directory, worker, at_end=str(self.directory / "at-end"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def shared(asked: Settings, *, clear: bool = False, **options: Any) -> Config:
    config = Config(**options)
    share(config, asked, clear=clear)  # type: ignore[arg-type]
    return config


# ------------------------------------------------------------------------------------------------ temporary directories


def test_each_process_has_a_directory_of_its_own_below_the_named_one(run: Run) -> None:
    base = run.root / "base"
    found = [
        shared(run.process(name), basetemp=str(base)).option.basetemp
        for name in ("collection/0000", "processes/all/0001", "hosts/slow/collection/0000")
    ]
    names = ["collection-0000", "all-0001", "hosts-slow-collection-0000"]
    assert found == [str(base / name) for name in names]
    assert base.is_dir()  # pytest makes the last part only


def test_the_named_directory_is_emptied_when_the_run_begins_and_not_later(run: Run) -> None:
    base = run.root / "base"
    (base / "old").mkdir(parents=True)
    shared(run.process("processes/all/0001"), basetemp=str(base))
    assert (base / "old").exists()
    shared(run.process("collection/0000"), clear=True, basetemp=str(base))
    assert list(base.iterdir()) == []


def test_a_directory_that_holds_the_run_or_is_a_link_is_not_emptied(run: Run) -> None:
    elsewhere = run.root / "elsewhere"
    (elsewhere / "kept").mkdir(parents=True)
    (run.root / "link").symlink_to(elsewhere)
    shared(run.process("collection/0000"), clear=True, basetemp=str(run.root))
    shared(run.process("collection/0000"), clear=True, basetemp=str(run.root / "link"))
    assert run.directory.exists()
    assert (elsewhere / "kept").exists()


def test_a_worker_of_xdist_keeps_what_its_controller_has_given_it(run: Run) -> None:
    given = str(run.root / "all-0001" / "popen-gw0")
    assert shared(run.process("processes/all/0001", "gw0"), basetemp=given).option.basetemp == given


def test_a_fork_goes_below_the_named_directory_and_not_below_its_parents(run: Run) -> None:
    base = run.root / "base"
    config: Any = shared(run.process("collection/0000"), basetemp=str(base))
    session = run.process("processes/all/0001")
    share(config, session)  # it has been configured as the collection
    factory = pytest.TempPathFactory(Path(config.option.basetemp), 3, "all", lambda *_: None, _ispytest=True)
    config._tmp_path_factory = factory
    renew_basetemp(config, session)
    assert factory.getbasetemp() == base / "all-0001"
    renew_basetemp(config, run.process("processes/all/0002"))
    assert factory.getbasetemp() == base / "all-0001"  # it is in use


def test_without_a_named_directory_nothing_changes(run: Run) -> None:
    config: Any = shared(run.process("processes/all/0001"), basetemp=None)
    config._tmp_path_factory = SimpleNamespace(_given_basetemp=None, _basetemp=None)
    renew_basetemp(config, run.process("processes/all/0001"))
    assert (config.option.basetemp, config._tmp_path_factory._given_basetemp) == (None, None)


# --------------------------------------------------------------------------------------------------------- the log file


def test_the_first_process_begins_the_log_file_and_the_others_append(run: Run) -> None:
    modes = [
        shared(run.process(name), log_file="run.log", log_file_mode=None).option.log_file_mode
        for name in ("collection/0000", "processes/all/0001", "processes/all/0002")
    ]
    assert modes == [None, "a", "a"]
    other = shared(run.process("processes/all/0002"), log_file="other.log", log_file_mode="w")
    assert other.option.log_file_mode == "w"


def test_where_the_run_directory_is_gone_nobody_begins_a_log_file_again(run: Run) -> None:
    asked = settings(run.root, at_end=str(run.root / "gone" / "at-end"))
    assert shared(asked, log_file="run.log", log_file_mode="w").option.log_file_mode == "a"


# ------------------------------------------------------------------------------------------------------------- warnings


def test_no_process_judges_its_own_warnings(run: Run) -> None:
    assert shared(run.process("processes/all/0001"), max_warnings=3).option.max_warnings == sys.maxsize
    assert not hasattr(shared(run.process("processes/all/0001")).option, "max_warnings")


# ---------------------------------------------------------------------------------------------------- pytest's memory


def test_the_memory_is_cleared_when_the_run_begins_and_not_later(run: Run) -> None:
    assert shared(run.process("collection/0000"), clear=True, cacheclear=True).option.cacheclear
    assert not shared(run.process("processes/all/0001"), cacheclear=True).option.cacheclear

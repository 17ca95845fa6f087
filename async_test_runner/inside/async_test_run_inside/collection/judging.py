"""Plugins that judge, write or delete at the end of a session, from what their own process has seen of the tests.

They know pytest-xdist or one process, and a run may have many. What each asks for is told with the inventory, so that
the runner can refuse what would not be done, and say what is done in part. Nothing of these plugins is public but the
names of their options.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from ..wire.contract import Demand
from ..wire.facts import plain
from .keeping import kept, shown


class _Judge(NamedTuple):
    """An option by its name in pytest; ``says`` is how the user has written it, empty where it asks for nothing."""

    option: str
    says: Callable[[Any, Any], str]
    needs: str  # as in `Demand`
    is_refused: bool
    otherwise: str  # another remedy, or what becomes of it all the same
    option_of_otherwise: str = ""  # without which that remedy is none


def demands(config: pytest.Config) -> list[Demand]:
    """What the plugins of this project need so that they judge as in one process."""
    return [*_demands(config.option), *_keeping(config)]


def _demands(option: Any) -> Iterator[Demand]:
    for judge in _JUDGES:
        said = judge.says(getattr(option, judge.option, None), option)
        if said:
            needs: Any = "process" if judge.needs == "all" and not _is_told_by_workers() else judge.needs
            otherwise = judge.otherwise if hasattr(option, judge.option_of_otherwise or judge.option) else ""
            yield {
                "what": plain(said),
                "needs": needs,
                "refused": judge.is_refused,
                "otherwise": otherwise,
                "does": "changes files of the project",
            }


def _keeping(config: pytest.Config) -> Iterator[Demand]:
    """Of the project's own hooks: what they read at the end is there only if tests run in their process."""
    root = str(config.rootpath)
    plugins = config.pluginmanager.get_plugins()
    for found in dict.fromkeys(found for plugin in plugins for found in kept(plugin)):
        names = ", ".join(found.names)
        yield {
            "what": plain(shown(found, root)),
            "needs": "own process" if found.judges else "process",
            "refused": found.judges,
            "otherwise": _HEARS if found.judges else f"it sees only what its own process has put into {plain(names)}",
            "does": f"may turn the run red by {plain(names)}, which tests change in memory",
        }


def judge_nothing(config: pytest.Config) -> None:
    """This session gives its tests to workers; a syrupy that they tell nothing would take all snapshots for unused."""
    if not _is_told_by_workers():
        judge_a_part(config)
        if hasattr(config.option, "update_snapshots"):
            config.option.update_snapshots = False  # what is to be written the workers write


def _is_told_by_workers() -> bool:
    """Whether this syrupy puts together what its part in each worker has seen; newer ones do."""
    session = getattr(sys.modules.get("syrupy.session"), "SnapshotSession", None)
    return session is None or hasattr(session, "add_worker_report")


def judge_a_part(config: pytest.Config) -> None:
    """This process has seen a part of the tests only: nobody is to miss here what other processes use."""
    for name, value in _OF_A_PART.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)


# ---------------------------------------------------------------------------------------------------------- the table


def _updates_snapshots(value: Any, option: Any) -> str:
    deletes = not getattr(option, "no_cleanup", False) and not getattr(option, "disable_unused_snapshots", False)
    return "--snapshot-update" if value and deletes else ""


def _misses_snapshots(value: Any, option: Any) -> str:
    updates = getattr(option, "update_snapshots", False) or getattr(option, "disable_unused_snapshots", False)
    return "syrupy's search for unused snapshots" if value is False and not updates else ""


def _rewrites_source(value: Any, option: Any) -> str:
    asked = set(str(value or "").split(","))
    return f"--inline-snapshot={value}" if asked & {"create", "fix", "trim", "update", "review"} else ""


def _written(flag: str) -> Callable[[Any, Any], str]:
    """An option with a path or a name."""

    def says(value: Any, option: Any) -> str:
        if not value:
            return ""
        name = getattr(value, "name", value)  # an open file
        return f"{flag}={name}" if isinstance(name, str) else flag

    return says


def _given(flag: str) -> Callable[[Any, Any], str]:
    """An option without a value."""
    return lambda value, option: flag if value else ""


def _json_report(value: Any, option: Any) -> str:
    return f"--json-report (to {getattr(option, 'json_report_file', '')})" if value else ""


_KEEP = "add --snapshot-no-cleanup, which deletes nothing"
_OVERWRITTEN = "each pytest session writes it anew, and the last one stays; `reports` of the plan have all tests"
_HEARS = "collect it in pytest_runtest_logreport, which hears of all tests"
_OF_ITS_OWN = "without that it has no results, or none is written"

_JUDGES = (
    _Judge("update_snapshots", _updates_snapshots, "all", True, _KEEP, "no_cleanup"),
    _Judge("warn_unused_snapshots", _misses_snapshots, "all", False, "it is left out"),
    _Judge("inline_snapshot", _rewrites_source, "process", True, ""),
    _Judge("htmlpath", _written("--html"), "session", False, _OVERWRITTEN),
    _Judge("json_report", _json_report, "session", False, _OVERWRITTEN),
    _Judge("report_log", _written("--report-log"), "session", False, _OVERWRITTEN),
    _Judge("cucumber_json_path", _written("--cucumberjson"), "process", False, _OF_ITS_OWN),
    _Judge("benchmark_json", _written("--benchmark-json"), "process", False, _OF_ITS_OWN),
    _Judge("benchmark_save", _written("--benchmark-save"), "process", False, _OF_ITS_OWN),
    _Judge("benchmark_autosave", _given("--benchmark-autosave"), "process", False, _OF_ITS_OWN),
    _Judge("benchmark_compare", _written("--benchmark-compare"), "process", False, _OF_ITS_OWN),
)  # fmt: skip
_OF_A_PART = {"disable_unused_snapshots": True, "warn_unused_snapshots": True, "no_cleanup": True}

"""What plugins that judge at the end of a session ask for, as their options say it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection import judging

from tests.support.inside import Config

SYRUPY = {
    "update_snapshots": False,
    "no_cleanup": False,
    "disable_unused_snapshots": False,
    "warn_unused_snapshots": False,
}


def asked(**options: Any) -> list[tuple[str, str, bool]]:
    found = judging.demands(Config(**options))  # type: ignore[arg-type]
    return [(demand["what"], demand["needs"], demand["refused"]) for demand in found]


@pytest.mark.parametrize(
    ("options", "demands"),
    [
        ({}, []),
        (SYRUPY, [("syrupy's search for unused snapshots", "all", False)]),
        ({**SYRUPY, "update_snapshots": True}, [("--snapshot-update", "all", True)]),
        ({**SYRUPY, "update_snapshots": True, "no_cleanup": True}, []),
        ({**SYRUPY, "update_snapshots": True, "disable_unused_snapshots": True}, []),
        ({**SYRUPY, "warn_unused_snapshots": True}, []),
        ({**SYRUPY, "disable_unused_snapshots": True}, []),
        ({"inline_snapshot": None}, []),
        ({"inline_snapshot": "report"}, []),
        ({"inline_snapshot": "report,fix"}, [("--inline-snapshot=report,fix", "process", True)]),
        ({"htmlpath": "a.html"}, [("--html=a.html", "session", False)]),
        ({"json_report": True, "json_report_file": "a.json"}, [("--json-report (to a.json)", "session", False)]),
        ({"json_report": False, "json_report_file": ".report.json"}, []),
        ({"benchmark_json": SimpleNamespace(name="a.json")}, [("--benchmark-json=a.json", "process", False)]),
        ({"benchmark_autosave": True}, [("--benchmark-autosave", "process", False)]),
        ({"benchmark_compare": object()}, [("--benchmark-compare", "process", False)]),
    ],
)
def test_an_option_says_what_it_needs(options: dict[str, Any], demands: list[tuple[str, str, bool]]) -> None:
    assert asked(**options) == demands


@pytest.mark.parametrize(
    ("end", "needs", "refused"), [("print(SEEN)", "process", False), ("assert SEEN", "own process", True)]
)
def test_a_hook_of_the_project_needs_the_process_of_the_tests_whose_memory_it_reads(
    tmp_path: Path, end: str, needs: str, refused: bool
) -> None:
    path = tmp_path / "conftest.py"
    path.write_text(f"SEEN = []\ndef pytest_runtest_makereport(): SEEN.append(1)\ndef pytest_sessionfinish(): {end}\n")
    plugin = SimpleNamespace(__file__=str(path), __name__="conftest", pytest_sessionfinish=print)
    config = Config()
    config.rootpath = tmp_path
    for name in "ab":  # a module may be registered under two names
        config.pluginmanager.register(plugin, name)
    (demand,) = judging.demands(config)  # type: ignore[arg-type]
    assert (demand["what"], demand["needs"], demand["refused"]) == (
        "pytest_sessionfinish of conftest.py",
        needs,
        refused,
    )
    assert "SEEN" in demand["otherwise" if not refused else "does"]


def test_a_part_of_the_tests_is_no_reason_to_miss_anything() -> None:
    config, without = Config(**{**SYRUPY, "update_snapshots": True}), Config()
    judging.judge_a_part(config)  # type: ignore[arg-type]
    judging.judge_a_part(without)  # type: ignore[arg-type]
    assert vars(config.option) == {
        "maxfail": 0,
        "update_snapshots": True,
        "no_cleanup": True,
        "disable_unused_snapshots": True,
        "warn_unused_snapshots": True,
    }
    assert vars(without.option) == {"maxfail": 0}


@pytest.mark.parametrize(("is_told", "needs"), [(True, "all"), (False, "process")])
def test_an_old_syrupy_that_workers_tell_nothing_judges_in_one_process_only(
    monkeypatch: pytest.MonkeyPatch, is_told: bool, needs: str
) -> None:
    session = type("SnapshotSession", (), {"add_worker_report": None} if is_told else {})
    monkeypatch.setitem(sys.modules, "syrupy.session", SimpleNamespace(SnapshotSession=session))  # type: ignore[arg-type]
    config = Config(**{**SYRUPY, "update_snapshots": True})
    assert asked(**vars(config.option)) == [("--snapshot-update", needs, True)]
    judging.judge_nothing(config)  # type: ignore[arg-type]
    assert (config.option.update_snapshots, config.option.no_cleanup) == (is_told, not is_told)

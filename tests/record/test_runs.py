from __future__ import annotations

import os
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError, UsageError
from async_test_runner.record.runs import (
    RunDir,
    base_directory,
    create,
    find,
    find_plan,
    listing,
    nearest_plan,
    new_run_id,
)

NOW = 1_795_158_900.0  # 2026-11-20T07:15:00Z


def recorded(base: Path, *names: str) -> list[Path]:
    """Run directories with an empty journal."""
    paths = []
    for name in names:
        directory = base / "runs" / name
        directory.mkdir(parents=True)
        (directory / "journal.jsonl").touch()
        paths.append(directory / "journal.jsonl")
    return paths


def test_run_ids_hold_the_time_in_utc_and_sort_by_it() -> None:
    assert new_run_id(NOW, lambda count: "ab" * count) == "20261120T071500.000Z-ababab"
    assert new_run_id(NOW + 1, lambda _: "000000") > new_run_id(NOW, lambda _: "ffffff")


def test_a_new_run_has_a_directory_of_its_own_that_git_ignores(tmp_path: Path) -> None:
    base = tmp_path / "deep" / ".async-test-run"
    run = create(base, NOW, lambda _: "ab12cd")
    assert run.path == base / "runs" / "20261120T071500.000Z-ab12cd"
    assert run.path.is_dir()
    assert (run.run_id, run.journal.name) == ("20261120T071500.000Z-ab12cd", "journal.jsonl")
    assert (base / ".gitignore").read_text() == "*\n"


def test_two_runs_of_one_second_never_share_a_directory(tmp_path: Path) -> None:
    names = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
    first, second = create(tmp_path, NOW, lambda _: next(names)), create(tmp_path, NOW, lambda _: next(names))
    assert (first.run_id[-6:], second.run_id[-6:]) == ("aaaaaa", "bbbbbb")


def test_when_every_name_is_taken_the_run_does_not_start(tmp_path: Path) -> None:
    create(tmp_path, NOW, lambda _: "aaaaaa")
    with pytest.raises(InfrastructureError, match="every name that was tried is taken"):
        create(tmp_path, NOW, lambda _: "aaaaaa")


def test_a_directory_with_other_things_in_it_is_not_hidden_from_git(tmp_path: Path) -> None:
    (tmp_path / "source.py").touch()
    create(tmp_path, NOW)
    assert not (tmp_path / ".gitignore").exists()
    assert (tmp_path / "runs" / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    create(tmp_path, NOW)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_place_that_cannot_be_written_is_an_infrastructure_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError, match=r"cannot make a run directory in .*file/runs") as caught:
        create(tmp_path / "file", NOW)
    assert "--run-dir" in caught.value.hint


def test_runs_are_listed_newest_first_and_only_if_they_left_a_journal(tmp_path: Path) -> None:
    recorded(
        tmp_path, "20261120T071500.000Z-ab12cd", "20261121T000000.000Z-000000", "20261119T235959.000Z-ffffff", "notes"
    )
    create(tmp_path, NOW + 10**6, lambda _: "cccccc")  # it died before its journal began
    assert [run.run_id for run in listing(tmp_path)] == [
        "20261121T000000.000Z-000000",
        "20261120T071500.000Z-ab12cd",
        "20261119T235959.000Z-ffffff",
    ]
    assert listing(tmp_path / "nowhere") == []


def test_without_a_name_the_newest_is_meant(tmp_path: Path) -> None:
    _, newest = recorded(tmp_path, "20261120T071500.000Z-ab12cd", "20261121T000000.000Z-000000")
    assert find(tmp_path, None) == newest
    with pytest.raises(UsageError, match="no runs in"):
        find(tmp_path / "nowhere", None)


def test_a_run_is_found_by_its_id_the_beginning_of_it_or_its_path(tmp_path: Path) -> None:
    base = tmp_path / "base"
    first, _ = recorded(base, "20261120T071500.000Z-ab12cd", "20261121T000000.000Z-000000")
    (tmp_path / "copy.jsonl").touch()
    assert find(base, "20261120T071500.000Z-ab12cd") == first
    assert find(base, "20261120") == first
    assert find(tmp_path / "other", str(first.parent)) == first
    assert find(tmp_path / "other", str(first)) == first
    assert find(base, str(tmp_path / "copy.jsonl")) == tmp_path / "copy.jsonl"


def test_an_ambiguous_beginning_names_the_candidates(tmp_path: Path) -> None:
    recorded(tmp_path, "20261120T071500.000Z-ab12cd", "20261120T080000.000Z-000000")
    with pytest.raises(
        UsageError, match=r"2 runs begin with '20261120': 20261120T080000\.000Z-000000, 20261120T071500\.000Z-ab"
    ):
        find(tmp_path, "20261120")


def test_of_two_runs_that_start_in_one_second_the_later_one_is_the_newest(tmp_path: Path) -> None:
    ids = [new_run_id(NOW + 0.001, lambda count: "ff" * count), new_run_id(NOW + 0.25, lambda count: "00" * count)]

    assert ids == ["20261120T071500.001Z-ffffff", "20261120T071500.250Z-000000"]
    recorded(tmp_path, *ids)
    assert [run.run_id for run in listing(tmp_path)] == ids[::-1]


def test_an_unknown_run_is_answered_with_the_nearest_or_the_recent_ones(tmp_path: Path) -> None:
    recorded(tmp_path, "20261120T071500.000Z-ab12cd")
    with pytest.raises(UsageError, match=r"no run '20261120T071500\.000Z-ab12ce'") as near:
        find(tmp_path, "20261120T071500.000Z-ab12ce")
    assert near.value.hint == "did you mean 20261120T071500.000Z-ab12cd?"
    with pytest.raises(UsageError) as far:
        find(tmp_path, "latest")
    assert "recent runs: 20261120T071500.000Z-ab12cd" in far.value.hint
    with pytest.raises(UsageError) as none:
        find(tmp_path / "nowhere", "latest")
    assert "there are no runs" in none.value.hint


@pytest.mark.parametrize("name", ["", "..", "../outside", "../../outside", "\0", "x" * 5000, "."])
def test_a_name_is_never_joined_to_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "project" / "base"
    recorded(base, "20261120T071500.000Z-ab12cd", "20261121T071500.000Z-ab12cd")
    for outside in (base / "outside", base, tmp_path / "project" / "outside"):
        outside.mkdir(exist_ok=True)
        (outside / "journal.jsonl").touch()
    (tmp_path / "elsewhere" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere" / "here")
    with pytest.raises(UsageError):
        find(base, name)


def test_an_empty_name_means_no_run_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, "20261120T071500.000Z-ab12cd")
    (tmp_path / "journal.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no run ''"):
        find(tmp_path, "")


def test_a_plan_is_found_here_or_above(tmp_path: Path) -> None:
    below = tmp_path / "src" / "package"
    below.mkdir(parents=True)
    with pytest.raises(UsageError, match=r"no runner\.yaml in"):
        find_plan(below)
    assert nearest_plan(below) is None
    (tmp_path / "runner.yml").touch()
    assert find_plan(below) == tmp_path / "runner.yml"
    (tmp_path / "runner.yaml").touch()
    assert find_plan(below) == tmp_path / "runner.yaml"
    (below.parent / "runner.yaml").mkdir()  # what has the name of a plan is not passed over
    assert find_plan(below) == below.parent / "runner.yaml"
    (below / "runner.yaml").symlink_to("nowhere")
    assert find_plan(below) == below / "runner.yaml"


def test_runs_lie_next_to_the_plan_unless_told_otherwise() -> None:
    assert base_directory(Path("/project/runner.yaml")) == Path("/project/.async-test-run")
    assert base_directory(Path("/project/runner.yaml"), Path("out")) == Path("out")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list every directory")
def test_a_directory_that_cannot_be_listed_is_an_infrastructure_error(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir(mode=0o000)
    with pytest.raises(InfrastructureError, match="cannot list"):
        listing(tmp_path)


def test_a_run_directory_is_a_value() -> None:
    assert RunDir(Path("a")) == RunDir(Path("a"))

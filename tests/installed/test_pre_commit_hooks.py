"""The hooks of .pre-commit-hooks.yaml, run by the real pre-commit in a git repository of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.environments import SOURCE, Environments, clean_environ

HOOKS = SOURCE / ".pre-commit-hooks.yaml"

PLAN = """
version: 1
select: {paths: [tests]}
phases:
  - {name: one, paths: [tests/test_one.py]}
  - {name: rest, isolation: file}
reports: {junit: reports/junit.xml}
"""


def git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=directory,
        env=clean_environ(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit_all(directory: Path) -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "state")
    return git(directory, "rev-parse", "HEAD").strip()


class Repository:
    """A project under git whose hooks come from another repository, as users have it."""

    def __init__(self, root: Path, bin: Path) -> None:
        self.root = root
        self._bin = bin

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def pre_commit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._bin / "pre-commit"), *arguments],
            cwd=self.root,
            env=clean_environ(
                PATH=os.pathsep.join([str(self._bin), os.environ["PATH"]]),
                VIRTUAL_ENV=str(self._bin.parent),
                PRE_COMMIT_HOME=str(self.root.parent / "cache"),
                PRE_COMMIT_COLOR="never",
                GIT_CONFIG_GLOBAL=os.devnull,
                GIT_CONFIG_SYSTEM=os.devnull,
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    def runs(self) -> int:
        return len(list((self.root / ".async-test-run" / "runs").glob("2*")))

    def status(self) -> str:
        return git(self.root, "status", "--porcelain")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environments = Environments.shared(tmp_path_factory.getbasetemp())
    return environments.python(str(environments.wheel()), "pre-commit>=4.4")


@pytest.fixture
def repository(tmp_path: Path, python: Path) -> Repository:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(HOOKS, hooks)
    git(hooks, "init", "--quiet")
    revision = commit_all(hooks)

    repository = Repository(tmp_path / "project", python.parent)
    ids = [{"id": "async-test-run"}, {"id": "async-test-run-changed"}]
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": ids}]}
    repository.write(".pre-commit-config.yaml", yaml.safe_dump(config))
    repository.write(".gitignore", "__pycache__/\n.pytest_cache/\nreports/\n")
    repository.write("runner.yaml", PLAN)
    repository.write("README.md", "text\n")
    repository.write("tests/test_one.py", "def test_one(): pass\n")
    repository.write("tests/test_two.py", "def test_two(): pass\n")
    git(repository.root, "init", "--quiet")
    commit_all(repository.root)
    return repository


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_push_runs_the_whole_plan_and_leaves_the_work_tree_alone(repository: Repository) -> None:
    done = repository.pre_commit("run", "--hook-stage", "pre-push", "--all-files", "--verbose")
    assert done.returncode == 0, done.stdout
    assert "tests, every phase" in done.stdout
    assert "tests, changed files" not in done.stdout
    assert "PASSED 2 tests" in done.stdout
    assert "WARNING" not in done.stdout
    assert repository.status() == ""
    assert repository.runs() == 1


@pytest.mark.thorough
@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_failing_test_stops_the_push_and_is_shown(repository: Repository) -> None:
    repository.write("tests/test_two.py", "def test_two(): assert 1 == 2\n")
    commit_all(repository.root)
    done = repository.pre_commit("run", "--hook-stage", "pre-push", "--all-files")
    assert done.returncode == 1, done.stdout
    assert "tests/test_two.py::test_two" in done.stdout
    assert "exit code: 1" in done.stdout
    assert "files were modified" not in done.stdout
    assert repository.status() == ""


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_commit_runs_the_changed_test_files_only(repository: Repository) -> None:
    repository.write("tests/test_one.py", "def test_one(): assert False, 'not part of this commit'\n")
    commit_all(repository.root)
    repository.write("tests/test_two.py", "def test_two(): pass\ndef test_three(): pass\n")
    git(repository.root, "add", "tests/test_two.py")
    done = repository.pre_commit("run", "--verbose")
    assert done.returncode == 0, done.stdout
    assert "tests, changed files" in done.stdout
    assert "tests, every phase" not in done.stdout
    assert "PASSED 2 tests" in done.stdout
    assert repository.status() == "M  tests/test_two.py\n"


@pytest.mark.thorough
@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_a_failing_changed_file_stops_the_commit(repository: Repository) -> None:
    repository.write("tests/test_two.py", "def test_two(): assert False\n")
    git(repository.root, "add", "tests/test_two.py")
    done = repository.pre_commit("run")
    assert done.returncode == 1, done.stdout
    assert "tests/test_two.py::test_two" in done.stdout
    assert repository.status() == "M  tests/test_two.py\n"


@pytest.mark.thorough
@pytest.mark.network_index
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stage", ["pre-commit", "pre-push"])
def test_files_that_no_test_depends_on_run_nothing(repository: Repository, stage: str) -> None:
    repository.write("README.md", "other text\n")
    git(repository.root, "add", "README.md")
    done = repository.pre_commit("run", "--hook-stage", stage, "--files", "README.md")
    assert done.returncode == 0, done.stdout
    assert "(no files to check)Skipped" in done.stdout
    assert repository.runs() == 0


@pytest.mark.network_index
@pytest.mark.timeout(600)
def test_pre_commit_itself_finds_nothing_wrong_with_the_hooks(repository: Repository) -> None:
    done = repository.pre_commit("validate-manifest", str(HOOKS))
    assert (done.returncode, done.stdout) == (0, "")


def test_both_hooks_run_in_the_projects_environment_one_at_a_time() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}
    assert set(hooks) == {"async-test-run", "async-test-run-changed"}
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    assert all(hook["require_serial"] for hook in hooks.values())
    assert hooks["async-test-run"]["pass_filenames"] is False
    assert "pre-push" in hooks["async-test-run"]["stages"]
    assert hooks["async-test-run-changed"]["entry"].endswith("--files")
    assert "pre-commit" in hooks["async-test-run-changed"]["stages"]

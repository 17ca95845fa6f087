"""Where tests stand: a module has its tests at its own path, or a reason in this table why not."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "async_test_runner"
INSIDE = Path("inside", "async_test_run_inside")

# Tests of a subject, and not of a module: whatever stands below these needs no module at its path.
SUBJECTS = ("end_to_end", "faults", "installed", "scripts", "support")

VALUES = "it holds values, and decides nothing"
STARTS = "it is what starts a process: every end-to-end test runs it"

# Modules without a test file at their path: where their tests are, or why there are none.
ELSEWHERE = {
    "__main__.py": STARTS,
    "commands/collecting.py": "commands/test_plan.py",
    "contract/launching.py": VALUES,
    "contract/surroundings.py": VALUES,
    "inside/hangs/values.py": VALUES,
    "inside/plugin.py": STARTS,
    "inside/wire/contract.py": "contract/test_settings.py",
    "inside/wire/messages.py": "contract/test_messages.py",
    "kit/__main__.py": "kit/test_plugin.py",
    "kit/awaited.py": "kit/test_doubles.py",
    "kit/chains.py": "kit/test_tasks.py",
    "kit/database/blocking.py": "kit/database/test_postgres.py",
    "kit/database/declared.py": "kit/test_plugin.py",
    "kit/database/dropping.py": "kit/database/test_postgres.py",
    "kit/database/engines.py": "kit/database/test_databases.py",
    "kit/database/migrating.py": "kit/test_plugin.py",
    "kit/database/migrations.py": "kit/database/test_databases.py",
    "kit/database/runs.py": "kit/database/test_names.py",
    "kit/database/sessions.py": "kit/test_plugin.py",
    "kit/database/settings.py": "kit/database/test_databases.py",
    "kit/database/sqlite.py": "kit/database/test_databases.py",
    "kit/database/state.py": "kit/database/test_databases.py",
    "kit/dependencies.py": "kit/test_client.py",
    "kit/errors.py": "kit/test_kit.py",
    "kit/fixtures.py": "kit/test_plugin.py",
    "kit/lifespan.py": "kit/test_client.py",
    "kit/loops.py": "kit/test_plugin.py",
    "kit/shared.py": "kit/test_plugin.py",
    "kit/websocket.py": "kit/test_client.py",
    "model/errors.py": VALUES,
    "model/inventory.py": VALUES,
    "model/vocabulary.py": "reports/test_vocabulary.py",
    "plan/fields.py": "plan/test_reading.py",
    "plan/kinds.py": "plan/test_bad.py",
    "plan/leaks.py": "plan/test_reading.py",
    "plan/parts.py": "plan/test_bad.py",
    "plan/problems.py": "plan/test_bad.py",
    "plan/table.py": "plan/test_reading.py",
    "record/fold/books.py": VALUES,
    "record/fold/hangs.py": "record/fold/test_unfinished.py",
    "record/fold/phase.py": "record/fold/test_run.py",
    "reports/formats/format.py": VALUES,
    "reports/junit_files/reading.py": "reports/junit_files/test_merging.py",
    "reports/junit_files/xml.py": "reports/junit_files/test_merging.py",
    "reports/terminal/planning.py": "commands/test_plan.py",
    "run/stopping.py": "run/test_engine.py",
    "run/workflow.py": "end_to_end",
    "supervision/actions.py": VALUES,
    "supervision/conclusion.py": VALUES,
}

# Test files that ask something of several modules at once, and so have no namesake.
ACROSS = {
    "kit/test_kit.py",
    "kit/test_readme.py",
    "plan/test_bad.py",
    "reports/formats/test_formats.py",
    "reports/test_hostile.py",
    "reports/test_hostile_plans.py",
    "reports/test_vocabulary.py",
    "supervision/test_histories.py",
}


def shown(path: Path) -> str:
    """A module as this table calls it: below the package, ``inside/`` without the name of what is in it."""
    below = path.relative_to(PACKAGE)
    return (Path("inside") / below.relative_to(INSIDE) if below.is_relative_to(INSIDE) else below).as_posix()


def place_of_tests(module: str) -> str:
    """Where the tests of a module stand, below ``tests/``."""
    return Path(module).with_name(f"test_{Path(module).name}").as_posix()


MODULES = sorted(shown(path) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ELSEWHERE])
def test_a_module_has_its_tests_at_its_path(module: str) -> None:
    assert place_of_tests(module) in FILES, (
        f"write tests/{place_of_tests(module)}, or a reason into {Path(__file__).name}"
    )


@pytest.mark.parametrize("module", ELSEWHERE)
def test_what_is_excepted_is_there_and_has_no_tests_at_its_path(module: str) -> None:
    assert module in MODULES
    assert place_of_tests(module) not in FILES


def test_the_tests_that_an_exception_names_are_there() -> None:
    named = set(ELSEWHERE.values()) - {VALUES, STARTS}
    assert [path for path in named if not (TESTS / path).exists()] == []


def test_a_test_file_stands_at_the_path_of_a_module_or_has_a_subject() -> None:
    below = [path for path in FILES if "/" in path and path.partition("/")[0] not in SUBJECTS]
    assert {path for path in below if path not in {place_of_tests(module) for module in MODULES}} == ACROSS


def test_every_folder_of_tests_is_a_package() -> None:
    """Two files of one name in two folders would be one module otherwise."""
    folders = {path.parent for path in TESTS.rglob("*.py") if "__pycache__" not in path.parts}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []

"""The table of layers: who may import whom. It is checked against the imports that are written in the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "async_test_runner"
INSIDE = PACKAGE / "inside" / "async_test_run_inside"
KIT = PACKAGE / "kit"

# From the ground up. A module imports from rows before its own, and in its row from what stands before it: so there are
# no cycles. Names are relative to the package; "" is the package itself, a name alone also its ``__init__``.
TABLE: tuple[tuple[str, ...], ...] = (
    # nothing of the project's below them
    ("", "errors", "model"),
    ("clocks", "durations", "sizes", "wording", "globs", "templates", "expressions"),
    # runner.yaml -> Plan
    (
        "yaml_reading",
        "plan_problems",
        "plan_kinds",
        "plan_parts",
        "plan_arguments",
        "plan_table",
        "plan_leaks",
        "plan_fields",
    ),
    ("plan_schema", "plan"),
    # inventory + plan -> assignment
    ("criteria", "selection", "proposal"),
    # what happened, and what it comes to
    ("events", "verdict"),
    # the system below us
    ("descendants", "guardian", "process", "journal", "spool", "keys"),
    ("interpreter", "coverage", "afterwards", "runs"),
    # decisions without I/O, and the words between the engine and a launcher
    ("protocol", "dumps", "outcomes", "schedule"),
    ("supervision", "supervision.actions", "supervision.running", "supervision.telling", "supervision.waiting"),
    ("supervision.memory",),
    (
        "supervision.asking",
        "supervision.deciding",
        "supervision.deadlines",
        "supervision.endings",
        "supervision.hearing",
        "supervisor",
    ),
    # pytest processes
    ("launchers", "launchers.tail", "launchers.pytest_process"),
    ("launchers.exec",),
    ("launchers.warm",),
    ("launchers.collect",),
    ("engine",),
    # reports: pure functions of results and events
    (
        "reports",
        "reports.text",
        "reports.xml",
        "reports.words",
        "reports.rechecks",
        "reports.screen",
        "reports.reproduce",
    ),
    ("reports.entries", "reports.progress", "reports.junit", "reports.junit_input", "reports.merging"),
    ("reports.summary", "reports.final", "reports.planning", "reports.plain", "reports.live", "reports.terminal"),
    # the run as a list of verbs
    ("reports.writer", "recorder", "gathering", "resuming"),
    ("workflow",),
    # what people type
    ("commands", "commands.options", "commands.collecting"),
    ("commands.merge", "commands.report", "commands.run", "commands.schema", "commands.plan", "commands.init"),
    ("cli", "__main__"),
)
ORDER = {name: position for position, name in enumerate(name for row in TABLE for name in row)}


def modules() -> dict[str, Path]:
    """Every module of the runner, by its name relative to the package: ``inside/`` and ``kit/`` are not part of it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ("inside", "kit"):
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(name: str, path: Path, known: frozenset[str] = frozenset(MODULES)) -> set[str]:
    """The modules of the package that a module imports, anywhere in it: inside functions too."""
    here = ["async_test_runner", *(name.split(".") if name else [])]
    package = here if path.name == "__init__.py" else here[:-1]
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                found.add(inner if inner.removeprefix("async_test_runner.") in known else source)
    ours = {module for module in found if module.split(".")[0] == "async_test_runner"}
    return {module.removeprefix("async_test_runner").removeprefix(".") for module in ours} - {name}


def top_level(path: Path) -> Iterator[str]:
    """The first part of every absolute import of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def test_the_table_lists_every_module_once_and_nothing_else() -> None:
    names = [name for row in TABLE for name in row]
    assert len(names) == len(set(names))
    assert set(names) == set(MODULES)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_from_lower_rows_only(name: str) -> None:
    known = {module for module in imports(name, MODULES[name]) if module in ORDER}
    assert {module for module in known if ORDER[module] >= ORDER[name]} == set()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_import_from_the_package_names_a_module_of_it(name: str) -> None:
    assert imports(name, MODULES[name]) <= set(MODULES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import plan, model", {"plan", "model"}),
        ("from .errors import UsageError", {"errors"}),
        ("def f():\n    from .reports import text", {"reports.text"}),
        ("import async_test_runner.engine", {"engine"}),
        ("from async_test_runner import journal", {"journal"}),
        ("from . import __version__", {""}),
        ("import os, click", set()),
    ],
)
def test_every_way_to_write_an_import_is_understood(text: str, expected: set[str], tmp_path: Path) -> None:
    path = tmp_path / "somewhere.py"
    path.write_text(text, encoding="utf-8")
    assert imports("somewhere", path) == expected


def test_pytest_is_imported_inside_only() -> None:
    importers = {name for name, path in MODULES.items() if {"pytest", "_pytest"} & set(top_level(path))}
    assert importers == set()


_STARTS_OR_SIGNALS = {
    "os": {"kill", "killpg", "fork", "forkpty", "posix_spawn", "posix_spawnp", "system", "popen", "pidfd_open"},
    "signal": {"pidfd_send_signal", "pthread_kill"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell", "subprocess"},
}


def touches_processes(path: Path) -> set[str]:
    """What of a file starts or signals processes."""
    found = {name for name in top_level(path) if name in {"subprocess", "multiprocessing", "pty"}}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in _STARTS_OR_SIGNALS.get(node.value.id, ()):
                found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module in _STARTS_OR_SIGNALS:
            found |= {f"{node.module}.{a.name}" for a in node.names if a.name in _STARTS_OR_SIGNALS[node.module]}
    return found


def test_processes_are_started_and_signalled_in_three_modules() -> None:
    found = {name for name, path in MODULES.items() if touches_processes(path)}
    assert found == {"descendants", "guardian", "process"}


def test_inside_imports_the_standard_library_pytest_and_itself_only() -> None:
    allowed = sys.stdlib_module_names | {"pytest", "async_test_run_inside"}
    foreign = {(path.name, name) for path in INSIDE.rglob("*.py") for name in top_level(path) if name not in allowed}
    assert foreign == set()


def test_the_kit_and_the_runner_know_nothing_of_each_other() -> None:
    outside = {
        (path.name, module)
        for path in KIT.rglob("*.py")
        for node in ast.walk(tree(path))
        for module in _imported(node, path)
        if module.split(".")[1] != "kit"
    }
    assert outside == set()
    assert {
        name for name, path in MODULES.items() if any(found.split(".")[0] == "kit" for found in imports(name, path))
    } == set()


def _imported(node: ast.AST, path: Path) -> list[str]:
    """The absolute names of what an import of the kit imports from this package."""
    package = ["async_test_runner", *path.relative_to(PACKAGE).parts[:-1]]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.startswith("async_test_runner.")]
    if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("async_test_runner")):
        base = package[: len(package) - node.level + 1] if node.level else []
        return [".".join([*base, *([node.module] if node.module else []), alias.name]) for alias in node.names]
    return []


def test_inside_stays_within_itself() -> None:
    levels = {
        (path.name, node.level)
        for path in INSIDE.rglob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level > 1
    }
    assert levels == set()
    assert list((PACKAGE / "inside").glob("*.py")) == []  # a directory on PYTHONPATH, not a package of ours

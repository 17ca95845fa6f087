"""The table of rooms: who may import whom. It is checked against the imports that are written in the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "async_test_runner"
INSIDE = PACKAGE / "inside" / "async_test_run_inside"
KIT = PACKAGE / "kit"

# From the ground up: a room imports from the rooms above its line in this table, and within itself without cycles. ""
# stands for the modules at the top of the package. Each room is a folder with a docstring that says what is in it.
ROOMS = (
    "words",
    "model",
    "system",
    "contract",
    "record",
    "reports.wording",
    "reports.junit_files",
    "reports.formats",
    "plan",
    "suite",
    "supervision",
    "launchers",
    "reports.terminal",
    "run",
    "commands",
    "",
)
# The same for the code inside pytest, and for the testing kit.
INSIDE_ROOMS = ("early", "hangs", "leaks", "wire", "collection", "session", "forks", "")
KIT_ROOMS = ("errors", "database", "")
MOST_AT_THE_TOP = 6  # modules that belong to no room


def modules(root: Path) -> dict[str, Path]:
    """Every module below ``root`` by its dotted name; a package is called like its folder, the root itself ""."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@dataclass(frozen=True)
class House:
    """Code that is checked as one: the package without ``inside/`` and ``kit/``, or one of these two."""

    name: str  # under which its own absolute imports begin
    rooms: tuple[str, ...]
    modules: dict[str, Path]

    @property
    def ordinary(self) -> frozenset[str]:
        return frozenset(self.modules)

    def room(self, module: str) -> str:
        """The longest room that a module is in."""
        return max((room for room in self.rooms if f"{module}.".startswith(f"{room}.") or not room), key=len)

    def imports(self, module: str, path: Path) -> set[str]:
        """The modules of the house that a module imports, anywhere in it: inside functions too."""
        here = [self.name, *(module.split(".") if module else [])]
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
                    found.add(inner if inner.removeprefix(f"{self.name}.") in self.ordinary else source)
        ours = {name for name in found if name == self.name or name.startswith(f"{self.name}.")}
        return {name.removeprefix(self.name).removeprefix(".") for name in ours} - {module}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def top_level(path: Path) -> Iterator[str]:
    """The first part of every absolute import of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


MODULES = {name: path for name, path in modules(PACKAGE).items() if name.split(".")[0] not in ("inside", "kit")}
RUNNER = House("async_test_runner", ROOMS, MODULES)
HOUSES = {
    "runner": RUNNER,
    "inside": House("async_test_run_inside", INSIDE_ROOMS, modules(INSIDE)),
    "kit": House("async_test_runner.kit", KIT_ROOMS, modules(KIT)),
}
EACH = [(house, name) for house, found in HOUSES.items() for name in found.modules]


@pytest.mark.parametrize("house", HOUSES.values(), ids=HOUSES)
def test_every_folder_with_modules_is_a_room_or_holds_rooms(house: House) -> None:
    folders = {name.rpartition(".")[0] for name in house.modules} - {""}
    outside = {folder for folder in folders if not house.room(folder) and not _holds_rooms(house, folder)}
    assert outside == set()
    assert {room for room in house.rooms if room} <= folders | house.ordinary


def _holds_rooms(house: House, folder: str) -> bool:
    return any(room.startswith(f"{folder}.") for room in house.rooms)


@pytest.mark.parametrize("room", [room for room in ROOMS if room])
def test_a_room_says_what_is_in_it(room: str) -> None:
    assert ast.get_docstring(tree(MODULES[room]))


def test_few_modules_stand_at_the_top() -> None:
    assert len([path for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]) <= MOST_AT_THE_TOP


@pytest.mark.parametrize(("house", "name"), EACH)
def test_a_module_imports_from_its_own_room_and_from_lower_ones_only(house: str, name: str) -> None:
    found = HOUSES[house]
    order = {room: position for position, room in enumerate(found.rooms)}
    own = order[found.room(name)]
    imported = found.imports(name, found.modules[name]) & found.ordinary - {""}  # "" has the version, and no imports
    assert {module for module in imported if order[found.room(module)] > own} == set()


@pytest.mark.parametrize("house", HOUSES.values(), ids=HOUSES)
def test_there_are_no_cycles(house: House) -> None:
    graph = {name: house.imports(name, path) & house.ordinary for name, path in house.modules.items()}
    TopologicalSorter(graph).prepare()  # graphlib.CycleError names them


@pytest.mark.parametrize(("house", "name"), EACH)
def test_every_import_from_the_house_names_a_module_of_it(house: str, name: str) -> None:
    found = HOUSES[house]
    assert found.imports(name, found.modules[name]) <= found.ordinary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import plan, model", {"plan", "model"}),
        ("from .model.errors import UsageError", {"model.errors"}),
        ("def f():\n    from .reports.wording import text", {"reports.wording.text"}),
        ("import async_test_runner.run.engine", {"run.engine"}),
        ("from async_test_runner.record import journal", {"record.journal"}),
        ("from . import __version__", {""}),
        ("import os, click", set()),
    ],
)
def test_every_way_to_write_an_import_is_understood(text: str, expected: set[str], tmp_path: Path) -> None:
    path = tmp_path / "somewhere.py"
    path.write_text(text, encoding="utf-8")
    assert RUNNER.imports("somewhere", path) == expected


def test_a_cycle_and_a_way_up_are_noticed(tmp_path: Path) -> None:
    for name, text in {"low/a": "from ..high import b", "high/b": "from ..low import a", "low/c": ""}.items():
        (tmp_path / name).with_suffix(".py").parent.mkdir(exist_ok=True)
        (tmp_path / name).with_suffix(".py").write_text(text)
    house = House("sample", ("low", "high", ""), modules(tmp_path))
    with pytest.raises(CycleError):
        test_there_are_no_cycles(house)
    assert house.room("low.a") == "low"
    assert house.imports("low.a", house.modules["low.a"]) == {"high.b"}


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


def test_processes_are_started_and_signalled_in_one_room() -> None:
    found = {name for name, path in MODULES.items() if touches_processes(path)}
    assert found == {"system.descendants", "system.guardian", "system.process", "system.table"}  # the last asks only


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
        name
        for name, path in MODULES.items()
        if any(found.split(".")[0] == "kit" for found in RUNNER.imports(name, path))
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


def test_inside_is_a_directory_on_the_path_and_no_package_of_ours() -> None:
    assert list((PACKAGE / "inside").glob("*.py")) == []

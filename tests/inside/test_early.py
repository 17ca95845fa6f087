"""Every module of the standard library that ours import is there before the project can put its own in the way."""

from __future__ import annotations

import ast
import subprocess
import sys

from async_test_run_inside import early

from tests.test_waits import INSIDE

# asyncio: who needs it looks whether the project has imported it.
LATER = {"__future__", "asyncio", "collections.abc", "pytest"}


def imported() -> dict[str, set[str]]:
    """Modules that ours import, and which of ours do."""
    found: dict[str, set[str]] = {}
    for path in INSIDE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                found.setdefault(name, set()).add(path.name)
    return found


def test_what_our_modules_import_is_imported_early() -> None:
    assert {name: files for name, files in imported().items() if name not in {*early.NEEDED, *LATER}} == {}


def test_nothing_is_imported_early_that_nobody_needs() -> None:
    assert set(early.NEEDED) - set(imported()) == {"getpass"}  # pytest does, when it makes the directory for tmp_path


def test_asyncio_is_not_among_them_for_it_takes_long() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(INSIDE.parent)!r}); "
        "from async_test_run_inside.early import import_what_is_needed; import_what_is_needed(); "
        "sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def late(tree: ast.AST, *, is_guarded: bool = False) -> list[int]:
    """Lines of imports in functions, but for those inside of `standard_library` and for types only."""
    found = []
    for node in ast.iter_child_nodes(tree):
        guards = isinstance(node, ast.With) and "standard_library()" in ast.unparse(node.items[0])
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_guarded:
            found.append(node.lineno)
        found += late(node, is_guarded=is_guarded or guards)
    return found


def test_what_is_imported_later_is_looked_for_in_the_standard_library() -> None:
    found = {}
    for path in INSIDE.rglob("*.py"):
        functions = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
        ]
        lines = [line for function in functions for line in late(function)]
        if lines:
            found[path.name] = [function.name for function in functions if late(function)]
    assert found == {"plugin.py": ["_take_part"]}  # which is called inside of it


def test_a_module_that_was_not_there_before_is_not_there_for_the_project() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(INSIDE.parent)!r})
from async_test_run_inside import early
early.import_what_is_needed()
assert not {{"pickle", "ctypes"}} & set(sys.modules), "plain pytest would find the project's"
sys.modules["pickle"] = theirs = type(sys)("pickle")
with early.standard_library():
    import pickle, ctypes
    assert pickle.dumps and ctypes.CDLL
assert sys.modules["pickle"] is theirs and "ctypes" not in sys.modules
with early.standard_library():
    import pickle as again
assert again is pickle
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

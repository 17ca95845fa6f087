"""The table of waits in ARCHITECTURE.md names every function that may block, and none that is gone.

What may block is found in the source: calls that wait for a descriptor, a process, a lock, time or an event, and
openings of files where somebody may have put a FIFO.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "async_test_runner"
INSIDE = PACKAGE / "inside" / "async_test_run_inside"

# By the name that they have where they come from.
FUNCTIONS = {
    *("select.select", "select.poll", "select.epoll", "fcntl.flock", "fcntl.lockf"),
    *("os.read", "os.write", "os.waitpid", "os.waitid", "os.wait", "os.wait3", "os.wait4", "os.system"),
    *("socket.recv_fds", "socket.send_fds", "time.sleep", "signal.sigwait", "signal.pause"),
    *("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"),
    *("asyncio.sleep", "asyncio.wait", "asyncio.wait_for", "asyncio.shield", "asyncio.gather"),
}
METHODS = {"wait", "wait_for", "communicate", "accept", "recv", "recv_into", "recvmsg", "sendall", "sendmsg", "flock"}
OPENINGS = {"open", "os.open", "io.open"}
OPENING_METHODS = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}
OF_THE_SYSTEM = ("/proc", "/sys")
_THREAD = re.compile(r"thread", re.IGNORECASE)
_SOCKET = re.compile(r"socket|channel")


def found(text: str) -> set[str]:
    """The functions of a module in which something may block."""
    tree = ast.parse(text)
    names = _names(tree)
    return {function for function, call in _calls(tree, "<module>") if _may_block(call, names)}


def _names(tree: ast.Module) -> dict[str, str]:
    """Where the names of a module come from: imported, or kept because tests replace what they stand for."""
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) else [value]
            pairs = zip(targets, values, strict=False)
            names |= {t.id: ast.unparse(v) for t, v in pairs if isinstance(t, ast.Name) and _is_name(v)}
    return names


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_name(node.value))


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the innermost function that it stands in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _calls(child, child.name)
            continue
        if isinstance(child, ast.Call):
            yield function, child
        yield from _calls(child, function)


def _may_block(call: ast.Call, names: dict[str, str]) -> bool:
    called = ast.unparse(call.func) if _is_name(call.func) else ""
    called = names.get(called, called)
    if called in FUNCTIONS:
        return True
    if called in OPENINGS:
        return not _is_harmless(call.args[0] if call.args else None, call)
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr in OPENING_METHODS and (call.args or call.func.attr != "open"):
        return not _is_harmless(call.func.value, call)
    if call.func.attr == "poll":  # of the module `select`: others ask without waiting
        return bool(call.args)
    if call.func.attr == "join":
        return bool(_THREAD.search(ast.unparse(call.func.value)))
    if call.func.attr == "send":
        return bool(_SOCKET.search(ast.unparse(call.func.value)))
    return call.func.attr in METHODS


def _is_harmless(path: ast.expr | None, call: ast.Call) -> bool:
    """An opening that refuses what is no regular file, or of what no test can replace."""
    if any(keyword.arg == "opener" and ast.unparse(keyword.value) == "opened" for keyword in call.keywords):
        return True
    text = ast.unparse(path) if path is not None else ""
    return text == "os.devnull" or any(f"'{place}" in text for place in OF_THE_SYSTEM)


def in_the_source() -> dict[str, set[str]]:
    """Module, as the table names it -> functions."""
    modules = {}
    for root, prefix in ((PACKAGE, ""), (INSIDE, "inside/")):
        for path in root.rglob("*.py"):
            if root is PACKAGE and path.relative_to(PACKAGE).parts[0] in ("inside", "kit"):
                continue
            functions = found(path.read_text(encoding="utf-8"))
            if functions:
                modules[f"{prefix}{path.relative_to(root).with_suffix('')}"] = functions
    return modules


def in_the_table() -> dict[str, set[str]]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("\n## Waits\n")[2].partition("\n## ")[0]
    table: dict[str, set[str]] = defaultdict(set)
    for line in section.splitlines():
        if not line.startswith("| `"):
            continue
        for place in line.split("|")[1].split("; "):
            module, *functions = re.findall(r"`([^`]+)`", place)
            table[module] |= set(functions)
    return dict(table)


def test_every_wait_of_the_source_is_in_the_table() -> None:
    table = in_the_table()
    missing = {module: functions - table.get(module, set()) for module, functions in in_the_source().items()}
    assert {module: names for module, names in missing.items() if names} == {}


def test_nothing_in_the_table_is_gone() -> None:
    source = in_the_source()
    gone = {module: functions - source.get(module, set()) for module, functions in in_the_table().items()}
    assert {module: names for module, names in gone.items() if names} == {}


def test_every_row_says_what_ends_it_and_what_bounds_it() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("\n## Waits\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    assert rows
    assert [row for row in rows if len(row) != 4 or not all(cell.strip() for cell in row)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\ndef f(): os.waitpid(1, 0)", {"f"}),
        ("import os\n_read, _close = os.read, os.close\ndef f(): _read(0, 1)\ndef g(): _close(0)", {"f"}),
        ("from time import sleep\nclass C:\n    def f(self):\n        def g(): sleep(1)", {"g"}),
        ("async def f(event): await event.wait()", {"f"}),
        ("def f(thread): thread.join()\ndef g(): ','.join(x)", {"f"}),
        ("def f(s): s.poll(1)\ndef g(s): s.poll()", {"f"}),
        ("def f(p): open(p)\ndef g(p): open(p, opener=opened)\ndef h(): open('/proc/self/stat')", {"f"}),
        ("def f(p): p.read_text()", {"f"}),
        ("def f(s): s._socket.send(b'')\ndef g(s): s.wire.send(1)", {"f"}),
    ],
)
def test_what_may_block_is_recognised(text: str, expected: set[str]) -> None:
    assert found(text) == expected


if __name__ == "__main__":
    for module, functions in sorted(in_the_source().items()):
        print(module, *sorted(functions))

"""What our modules need of the standard library, out of the reach of the project's modules of the same names.

Suites have helpers that are called like it: ``tests/resource.py``, with ``tests`` first in ``sys.path``. So ours import
it before the project can change ``sys.path``, and then take out of ``sys.modules`` what plain pytest would not have
there: for the project, its helper is what ``import resource`` finds.

asyncio is not among them, for it takes 30 ms: who needs it looks whether the project has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

NEEDED = (
    *("ast", "atexit", "collections", "contextlib", "ctypes", "dis", "errno", "faulthandler", "fcntl", "functools"),
    *("gc", "getpass", "glob", "importlib", "importlib.machinery", "inspect", "io", "ipaddress", "itertools", "json"),
    *("json.encoder", "linecache", "logging", "math", "mmap", "operator", "os", "pathlib", "pickle", "platform", "re"),
    *("resource", "select", "signal", "socket", "stat", "struct", "sys", "sysconfig", "tempfile", "textwrap"),
    *("threading", "time", "traceback", "types", "typing", "warnings", "weakref"),
)

_modules = sys.modules
_kept: dict[str, ModuleType] = {}


def import_what_is_needed() -> None:
    """Call it before anything of the project is imported."""
    before = set(_modules)
    for name in NEEDED:
        try:
            import_module(name)
        except ImportError:  # not on this system: fcntl, resource
            continue
    for name in _modules.keys() - before:
        if not name.startswith("_") and name not in sys.builtin_module_names:
            _kept[name] = _modules.pop(name)


@contextmanager
def standard_library() -> Iterator[None]:
    """While inside, an import of ours finds what it means, whatever the project has put in its place."""
    theirs = {name: _modules.get(name) for name in _kept}
    _modules.update(_kept)
    try:
        yield
    finally:
        for name, module in theirs.items():
            if module is None:
                _modules.pop(name, None)
            else:
                _modules[name] = module

"""What our modules need of the standard library, out of the reach of the project's modules of the same names.

Suites have helpers that are called like it: ``tests/resource.py``, with ``tests`` first in ``sys.path``. So ours import
it before the project can change ``sys.path``, and then take most of what plain pytest would not have out of
``sys.modules``: for the project, its helper is what ``import resource`` finds.

asyncio is not among them, for it takes 30 ms: who needs it looks whether the project has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

NEEDED = (
    *("ast", "atexit", "collections", "contextlib", "ctypes", "dis", "enum", "errno", "faulthandler", "fcntl"),
    *("functools", "gc", "getpass", "glob", "hashlib", "importlib", "importlib.machinery", "inspect", "io"),
    *("ipaddress", "itertools", "json", "json.encoder", "linecache", "logging", "math", "mmap", "operator", "os"),
    *("pathlib", "pickle", "platform", "random", "re", "resource", "select", "shutil", "signal", "socket", "stat"),
    *("struct", "sys", "sysconfig", "tempfile", "textwrap", "threading", "time", "traceback", "types", "typing"),
    *("warnings", "weakref"),
)

# Those that are taken out again. Not those with which we look at what the project makes of them: its sockets, threads
# and loggers are to be of the classes that we know.
_TAKEN_OUT = (
    *("ast", "ctypes", "dis", "getpass", "glob", "ipaddress", "mmap", "pickle", "platform", "resource", "sysconfig"),
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
        if name.partition(".")[0] in _TAKEN_OUT:
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

"""Which Python runs pytest: ``auto`` finds the project's environment, wherever the runner itself is installed."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ..model.errors import UsageError
from ..system import process

_PROBE = """
try:
    import pytest
    print(pytest.__version__)
except ImportError:
    print("none")
"""
_NO_PYTEST = "none"
_OLDEST = (8, 2)


def find(wanted: str, root: Path, environ: Mapping[str, str]) -> str:
    """The interpreter for ``python: auto | PATH``. ``UsageError`` when it does not exist or has no usable pytest.

    ``auto`` takes the runner's own interpreter if it is the active virtual environment or the project's ``.venv``. Else
    the active one, if it has pytest; else the runner's own if the project's distribution is installed in it; else the
    project's ``.venv``; and where there is none of these, the runner's own.
    """
    if wanted != "auto":
        return _checked(str(root / Path(wanted).expanduser()), f"python: {wanted}")
    active, local = _active(environ), _local(root)
    if any(_same(Path(sys.prefix), place) for place in (active, local) if place is not None):
        return sys.executable
    chosen = _python_of(active)
    if chosen is not None and _pytest_version(str(chosen)):
        return _checked(str(chosen), f"the active environment {active}")
    chosen = _python_of(local)
    if chosen is None or _has_project(root):
        return sys.executable
    return _checked(str(chosen), f"the project's environment {local}")


def _active(environ: Mapping[str, str]) -> Path | None:
    active = environ.get("VIRTUAL_ENV")
    return Path(active) if active else None


def _local(root: Path) -> Path | None:
    return next((place for directory in (root, *root.parents) if (place := directory / ".venv").is_dir()), None)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _python_of(environment: Path | None) -> Path | None:
    if environment is None:
        return None
    names = ("Scripts/python.exe",) if os.name == "nt" else ("bin/python",)
    return next((environment / name for name in names if (environment / name).exists()), None)


def _has_project(root: Path) -> bool:
    """Whether the distribution that this directory's ``pyproject.toml`` names is installed next to the runner."""
    try:
        with (root / "pyproject.toml").open("rb") as file:
            name = tomllib.load(file).get("project", {}).get("name")
        return bool(name) and importlib.metadata.distribution(name) is not None
    except (OSError, tomllib.TOMLDecodeError, AttributeError, importlib.metadata.PackageNotFoundError, ValueError):
        return False


def _pytest_version(python: str) -> str:
    """The version of pytest that this interpreter has; empty if it has none, or is none."""
    said = _answer(python)
    return "" if said == _NO_PYTEST else said


def _answer(python: str) -> str:
    said = (process.output_of([python, "-c", _PROBE]) or "").strip()
    return said.rpartition("\n")[2]  # what an environment prints at every start comes before it


def _checked(python: str, source: str) -> str:
    named = source if source.endswith(python) else f"{source}: {python}"
    if not os.path.lexists(python):
        raise UsageError(f"{named} does not exist", hint="name a Python that is there, or write `python: auto`")
    found = _answer(python)
    if not found:
        raise UsageError(f"{named} is no Python that runs", hint=f"try: {python} -c 'import pytest'")
    if found == _NO_PYTEST:
        raise UsageError(f"{named} has no pytest", hint=f"try: {python} -m pip install 'pytest>=8.2'")
    version = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if version < _OLDEST:
        raise UsageError(f"{source}: pytest {found} is older than 8.2", hint=f"try: {python} -m pip install -U pytest")
    return python

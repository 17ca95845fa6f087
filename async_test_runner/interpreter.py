"""Which Python runs pytest: ``auto`` finds the project's environment, wherever the runner itself is installed."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from . import process
from .errors import UsageError

_PROBE = "import pytest, sys; print(pytest.__version__)"
_OLDEST = (8, 2)


def find(wanted: str, root: Path, environ: Mapping[str, str]) -> str:
    """The interpreter for ``python: auto | PATH``. ``UsageError`` when it does not exist or has no usable pytest.

    ``auto`` takes the runner's own interpreter if the project belongs to it: it is the project's environment or the
    active one, or the project's distribution is installed in it. Otherwise the active virtual environment, then the
    project's ``.venv``; and where there is none of these, the runner's own.
    """
    if wanted != "auto":
        return _checked(str(root / Path(wanted).expanduser()), f"python: {wanted}")
    own = Path(sys.prefix)
    places = _environments(root, environ)
    if any(_same(own, place) for place in places) or _has_project(root):
        return sys.executable
    for place in places:
        python = _python_of(place)
        if python is not None:
            return _checked(str(python), f"the project's environment {place}")
    return sys.executable


def _environments(root: Path, environ: Mapping[str, str]) -> list[Path]:
    active = environ.get("VIRTUAL_ENV")
    places = [Path(active)] if active else []
    places += [directory / ".venv" for directory in (root, *root.parents) if (directory / ".venv").is_dir()][:1]
    return places


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _python_of(environment: Path) -> Path | None:
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


def _checked(python: str, source: str) -> str:
    answer = process.output_of([python, "-c", _PROBE])
    if answer is None:
        raise UsageError(
            f"{source}: {python} has no pytest, or is no Python", hint=f"try: {python} -m pip install 'pytest>=8.2'"
        )
    version = tuple(int(part) for part in answer.split(".")[:2] if part.isdigit())
    if version < _OLDEST:
        raise UsageError(
            f"{source}: pytest {answer.strip()} is older than 8.2", hint=f"try: {python} -m pip install -U pytest"
        )
    return python

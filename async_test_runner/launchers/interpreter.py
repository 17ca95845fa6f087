"""Which Python runs pytest, and why that one: the project's environment, wherever the runner itself is installed."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..model.errors import UsageError
from ..model.inventory import Interpreter
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
# What pipx and uv leave in the environment of a tool; its user has his project elsewhere.
_OF_A_TOOL = ("pipx_metadata.json", "uv-receipt.toml")

ACTIVE = "the active environment (VIRTUAL_ENV)"
OWN = "the environment from which the runner was started"
LAST = "the runner's own environment, because there is no other"
_NAME_IT = "it was made for the runner alone: activate that of the project, or name it with `python` in the plan"


class Own(NamedTuple):
    """Where the runner itself is at work."""

    prefix: Path
    python: str
    pytest: str  # its version; empty if it is not there

    @property
    def is_of_a_tool(self) -> bool:
        """Whether pipx, uv or pre-commit made this environment for the runner alone."""
        names = (self.prefix.name, self.prefix.parent.name)
        temporary = names[1].startswith(("archive-v", "environments-v"))  # uvx, in the cache of uv
        return temporary or names[0].startswith("py_env-") or any((self.prefix / name).exists() for name in _OF_A_TOOL)


def own() -> Own:
    """This process."""
    try:
        version = importlib.metadata.version("pytest")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return Own(Path(sys.prefix), sys.executable, version)


def find(wanted: str, root: Path, environ: Mapping[str, str], ours: Own | None = None) -> Interpreter:
    """The interpreter for ``python: auto | PATH``. ``UsageError`` when it does not exist or has no usable pytest.

    ``auto`` takes the first of these that has pytest: the active environment, the one from which the runner was
    started, the ``.venv`` beside or above the plan. What a tool has made for the runner alone comes last.
    """
    if wanted != "auto":
        return _checked(str(root / Path(wanted).expanduser()), f"python: {wanted}", "named by `python`")
    ours = own() if ours is None else ours
    local = _local(root)
    passed: list[str] = []
    for environment, why in _candidates(root, environ, ours, local):
        python, version = _in(environment, ours)
        if not version:
            passed.append(f"{why} has no {'pytest' if python else 'Python'}: {environment}")
            continue
        if local is not None and not _same(environment, local):
            passed.append(_instead(local, root))
        found = Interpreter(python, why, "; ".join(filter(None, passed)))
        return _new_enough(found, version, f"{why}: {environment}")
    if local is not None and (python := _python_in(local)):
        return _checked(python, f"the project's environment {local}", "")
    if not ours.pytest:
        raise UsageError("no pytest was found", hint=f"try: {ours.python} -m pip install 'pytest>=8.2'")
    return Interpreter(ours.python, LAST, "; ".join([*passed, *([_NAME_IT] if ours.is_of_a_tool else [])]))


def _candidates(root: Path, environ: Mapping[str, str], ours: Own, local: Path | None) -> Iterator[tuple[Path, str]]:
    """Environments in the order in which they are asked, and why each is meant."""
    if environ.get("VIRTUAL_ENV"):
        yield Path(environ["VIRTUAL_ENV"]), ACTIVE
    if not ours.is_of_a_tool:
        yield ours.prefix, OWN
    if local is not None:
        yield local, ".venv beside the plan" if local.parent == root else ".venv above the plan"


def _in(environment: Path, ours: Own) -> tuple[str, str]:
    """The interpreter of an environment, and the version of its pytest; empty what it has not."""
    if _same(ours.prefix, environment):
        return ours.python, ours.pytest
    python = _python_in(environment)
    return python, _pytest_version(python) if python else ""


def _instead(local: Path, root: Path) -> str:
    """What to write to get the project's ``.venv``, which a reader may have expected."""
    python = _python_in(local)
    shown = os.path.relpath(python, root) if python else ""
    return f"{shown} is of another environment, which `python: {shown}` in the plan would take" if shown else ""


def _local(root: Path) -> Path | None:
    return next((place for directory in (root, *root.parents) if (place := directory / ".venv").is_dir()), None)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _python_in(environment: Path) -> str:
    """The interpreter of an environment; empty if it has none."""
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return str(python) if python.exists() else ""


def _pytest_version(python: str) -> str:
    """The version of pytest that this interpreter has; empty if it has none, or is none."""
    said = _answer(python)
    return "" if said == _NO_PYTEST else said


def _answer(python: str) -> str:
    said = (process.output_of([python, "-c", _PROBE]) or "").strip()
    return said.rpartition("\n")[2]  # what an environment prints at every start comes before it


def _checked(python: str, source: str, why: str) -> Interpreter:
    named = source if source.endswith(python) else f"{source}: {python}"
    if not os.path.lexists(python):
        raise UsageError(f"{named} does not exist", hint="name a Python that is there, or write `python: auto`")
    said = _answer(python)
    if not said:
        raise UsageError(f"{named} is no Python that runs", hint=f"try: {python} -c 'import pytest'")
    if said == _NO_PYTEST:
        raise UsageError(f"{named} has no pytest", hint=f"try: {python} -m pip install 'pytest>=8.2'")
    return _new_enough(Interpreter(python, why), said, source)


def _new_enough(found: Interpreter, said: str, source: str) -> Interpreter:
    version = tuple(int(part) for part in said.split(".")[:2] if part.isdigit())
    if version < _OLDEST:
        hint = f"try: {found.path} -m pip install -U pytest"
        raise UsageError(f"{source}: pytest {said} is older than 8.2", hint=hint)
    return found

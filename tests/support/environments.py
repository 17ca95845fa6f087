"""Virtual environments from the package index, each made once: for tests of what is installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
CACHE = "TEST_ENVIRONMENTS"  # a directory that outlives one pytest run; without it each run makes its own
_PIP_TIME = 600.0  # seconds


class Environments:
    """Makes environments below one directory, and remembers them there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._built: Path | None = None

    @classmethod
    def shared(cls, temporary: Path) -> Environments:
        """Those of this pytest run, or of all runs that name one directory for them in the environment."""
        return cls(Path(os.environ.get(CACHE) or temporary / "environments"))

    def python(self, *requirements: str) -> Path:
        """The interpreter of an environment with these requirements; wheels are named by their path.

        Skips the test where the package index cannot be reached.
        """
        parts = [sys.version, *map(_identity, requirements)]
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        environment = self._directory / f"py{sys.version_info[0]}{sys.version_info[1]}-{key}"
        python, stamp = environment / "bin" / "python", environment / "complete"
        if not stamp.exists():
            _checked([sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)])
            _install(python, requirements)
            stamp.touch()
        return python

    def built(self) -> Path:
        """A directory with the wheel and the sdist of this checkout."""
        if self._built is None:
            self._built = self._directory / f"dist-{_checkout()}"
            self._build(self._built)
        return self._built

    def _build(self, target: Path) -> None:
        if target.exists():
            return
        builder = self.python("hatchling>=1.21")
        making = target.with_name(target.name + ".making")
        _checked([str(builder), "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(making)], SOURCE)
        making.rename(target)

    def wheel(self) -> Path:
        """The wheel of this checkout."""
        (wheel,) = self.built().glob("*.whl")
        return wheel

    def runner(self) -> Path:
        """The interpreter of an environment in which the runner is installed, as pipx does it."""
        python = self.python(str(self.wheel()))
        (python.parent.parent / "pipx_metadata.json").touch()
        return python


def clean_environ(**changes: str) -> Mapping[str, str]:
    """This environment without what pytest, coverage or a virtual environment has added to it."""
    prefixes = ("PYTEST_", "COV_", "ASYNC_TEST_RUN_", "VIRTUAL_ENV", "GIT_", "PRE_COMMIT", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def _install(python: Path, requirements: Sequence[str]) -> None:
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    done = subprocess.run(
        [*argv, "install", "-qq", *requirements],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PIP_TIME,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"the package index does not give {' '.join(requirements)}: {said}")


def _checked(argv: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PIP_TIME)
    assert done.returncode == 0, done.stdout + done.stderr


def _identity(requirement: str) -> str:
    """A requirement that is a file is known by what is in it."""
    path = Path(requirement)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else requirement


def _checkout() -> str:
    """A name for the state of everything that goes into the wheel and the sdist."""
    digest = hashlib.sha256()
    names = ("async_test_runner", "tests", "examples", "scripts")
    files = [file for name in names for file in sorted((SOURCE / name).rglob("*")) if file.is_file()]
    for file in [*files, *sorted(file for file in SOURCE.iterdir() if file.is_file())]:
        if not {"__pycache__", ".async-test-run"} & set(file.parts):
            digest.update(f"{file.relative_to(SOURCE)}\0{file.stat().st_size}\0{file.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]

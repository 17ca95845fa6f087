"""environment.sh: finds a Python that is new enough, makes an environment once, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import SOURCE, clean_environ

SCRIPT = SOURCE / "scripts" / "environment.sh"
TOOLS = ("bash", "sh", "cat", "cksum", "grep", "mktemp", "rm", "sleep", "tail", "touch")


class Machine:
    """A machine with the commands that a test gives it, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.checkout = root / "checkout"
        self.checkout.mkdir()
        (self.checkout / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
        for tool in TOOLS:
            found = next(Path(place, tool) for place in ("/usr/bin", "/bin") if Path(place, tool).exists())
            (self.bin / tool).symlink_to(found)

    def command(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def python(self, name: str) -> Path:
        """A Python that works, by this name."""
        return self.command(name, f'exec "{sys.executable}" "$@"')

    def bash(self, text: str, **env: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in clean_environ().items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
        }
        return subprocess.run(
            [str(self.bin / "bash"), "-euo", "pipefail", "-c", f'. "{SCRIPT}"\n{text}', "setup"],
            cwd=self.checkout,
            env={**kept, "PATH": str(self.bin), "HOME": str(self.root), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


pytestmark = pytest.mark.processes


def test_a_python_that_is_too_old_or_only_a_shim_is_passed_over(machine: Machine) -> None:
    machine.command("python3", "exit 1")
    machine.command("python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    wanted = machine.python("python3.12")
    done = machine.bash("find_python")
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n")
    assert done.stderr == ""


def test_versions_of_pyenv_are_found_without_its_shims(machine: Machine) -> None:
    python = machine.root / ".pyenv" / "versions" / "3.13.0" / "bin" / "python"
    python.parent.mkdir(parents=True)
    machine.python("anywhere").rename(python)
    assert machine.bash("find_python").stdout == f"{python}\n"


def test_no_python_at_all_is_said_with_the_next_command(machine: Machine) -> None:
    done = machine.bash("find_python")
    assert done.returncode == 4
    assert "no Python 3.11 or newer found" in done.stderr
    assert "PYTHON=/path/to/python3.12 setup" in done.stderr


def test_a_named_python_is_taken_or_refused_never_replaced(machine: Machine) -> None:
    machine.python("python3")
    chosen = machine.python("mine")
    assert machine.bash("find_python", PYTHON="mine").stdout == f"{chosen}\n"
    done = machine.bash("find_python", PYTHON="nonexistent")
    assert done.returncode == 4
    assert "PYTHON=nonexistent is not a Python 3.11 or newer" in done.stderr


INSTALLS = 'run_pip() { echo "pip $*" >>pip.log; }\n'  # what pip would do is not what these tests are about


def installs(machine: Machine) -> int:
    log = machine.checkout / "pip.log"
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


def test_an_environment_is_made_once_and_again_when_what_it_is_made_from_changes(machine: Machine) -> None:
    machine.command("python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    first = machine.bash(INSTALLS + "prepare_environment .venv one")
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    again = machine.bash(INSTALLS + "prepare_environment .venv one")
    assert (again.returncode, again.stderr, installs(machine)) == (0, "", 1)
    machine.bash(INSTALLS + "prepare_environment .venv one two")
    assert installs(machine) == 2
    (machine.checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    machine.bash(INSTALLS + "prepare_environment .venv one two")
    assert installs(machine) == 3


def test_an_installation_that_failed_is_tried_again(machine: Machine) -> None:
    machine.command("python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    failed = machine.bash("run_pip() { return 1; }\nprepare_environment .venv one")
    assert failed.returncode == 4
    assert "check the network" in failed.stderr
    assert machine.bash(INSTALLS + "prepare_environment .venv one").returncode == 0
    assert installs(machine) == 1


def test_an_installation_that_takes_long_says_what_it_is_at_and_one_that_fails_why(machine: Machine) -> None:
    machine.command("python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    told = "until grep -qF 'Collecting one' news; do sleep 0.02; done"
    pip = f"run_pip() {{ echo 'Collecting one'; {told}; echo 'no such package' >&2; return 1; }}\n"
    done = machine.bash(f"NEWS_EVERY=0.1\n{pip}prepare_environment .venv one 2>news || {{ cat news; exit 1; }}")
    assert done.returncode == 4
    assert "no such package" in (machine.checkout / "news").read_text(encoding="utf-8")


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    machine.command("python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    machine.bash(INSTALLS + "prepare_environment .venv one")
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    done = machine.bash(INSTALLS + "prepare_environment .venv one")
    assert done.returncode == 0, done.stderr
    assert os.access(machine.checkout / ".venv" / "bin" / "python", os.X_OK)


def test_a_directory_of_somebody_else_is_never_removed(machine: Machine) -> None:
    machine.python("python3")
    precious = machine.checkout / ".venv" / "notes.txt"
    precious.parent.mkdir()
    precious.touch()
    done = machine.bash(INSTALLS + "prepare_environment .venv one")
    assert done.returncode == 4
    assert ".venv is no virtual environment" in done.stderr
    assert precious.exists()


def test_a_machine_without_pip_is_told_what_to_install(machine: Machine) -> None:
    python = machine.command("python3", 'case "$*" in *_base_executable*) echo "$0";; *) exit 1;; esac')
    done = machine.bash(f'run_pip "{python}" install one')
    assert done.returncode == 4
    assert f"neither the new environment nor {python} has pip" in done.stderr
    assert "install python3-pip" in done.stderr


@pytest.mark.network_index
@pytest.mark.timeout(300)
def test_without_ensurepip_the_pip_of_the_base_python_installs(machine: Machine) -> None:
    machine.command("python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    done = machine.bash("prepare_environment .venv iniconfig\n.venv/bin/python -c 'import iniconfig'")
    assert done.returncode == 0, done.stderr
    assert not list((machine.checkout / ".venv").glob("lib/*/site-packages/pip"))

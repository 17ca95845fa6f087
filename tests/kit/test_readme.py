"""Every block of the kit's README is run, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import async_test_runner.kit as kit

README = Path(kit.__file__).with_name("README.md")
BLOCK = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

INI = "[pytest]\npythonpath = .\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"


def blocks() -> dict[str, str]:
    return dict(BLOCK.findall(README.read_text(encoding="utf-8")))


def test_every_python_block_names_its_file() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("```python\n") == len(blocks())


@pytest.mark.parametrize("name", [*kit.__all__])
def test_every_public_name_is_in_the_readme(name: str) -> None:
    assert name in README.read_text(encoding="utf-8")


@pytest.mark.processes
def test_the_blocks_are_a_project_whose_tests_pass(tmp_path: Path) -> None:
    for name, text in blocks().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(INI, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout) is not None, done.stdout

"""What a README of the gallery shows is run and compared."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "examples.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["examples_script"] = module  # typing.NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module


README = """
```console
$ pip install things
$ run --this            # and a comment
first
…
last
```

$ not a command, but prose

```yaml
$ nor: this
```
"""


def test_only_commands_with_output_are_run(script: ModuleType) -> None:
    (shown,) = script.shown("shop", README)
    assert (shown.command, shown.line, shown.output) == ("run --this", 4, ("first", "…", "last"))


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("PASSED 45 tests in 1.7s (exit 0)", "PASSED 45 tests in 2m 27s (exit 0)"),
        ("45 passed in 1.7s", "===== 45 passed in 61.23s (0:01:01) ====="),
        ("  api    phase x2      35", "api phase  x2  35"),
    ],
)
def test_durations_and_widths_are_not_compared(script: ModuleType, line: str, same: str) -> None:
    assert script.normalized(line) == script.normalized(same)


@pytest.mark.parametrize(
    ("expected", "lost"),
    [
        (["first", "last"], None),
        (["first", "…", "second"], None),
        (["last", "first"], "first"),
        (["second", "second"], "second"),
        (["econd"], "econd"),
    ],
)
def test_lines_must_come_in_their_order(script: ModuleType, expected: list[str], lost: str | None) -> None:
    assert script.missing(expected, "first\nsecond\nlast\n") == lost


def test_warnings_that_are_not_shown_are_noticed(script: ModuleType) -> None:
    assert script.has_warnings("phases\n\nwarnings\n  one\n")
    assert not script.has_warnings("PASSED, without warnings\n")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("command", "output", "problem"),
    [
        ("echo hello", ("hello",), ""),
        ("echo hello", ("goodbye",), "the output is another one"),
        ("timeout 9 sh -c 'echo begun; sleep 600'", ("begun",), ""),
        ("timeout 9 echo begun", ("begun",), "instead of hanging"),
        ("timeout 9 echo another", ("begun",), "not there"),
    ],
    ids=["as told", "another output", "hangs as told", "ends", "ends before"],
)
def test_a_command_does_what_the_readme_tells(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    output: tuple[str, ...],
    problem: str,
) -> None:
    monkeypatch.setattr(script, "EXAMPLES", tmp_path)
    monkeypatch.setattr(script, "QUIET", 0.5)
    (tmp_path / "shop").mkdir()
    answer = script.run(script.Shown("shop", 1, command, output))
    assert problem in answer.problem
    assert bool(answer.problem) == bool(problem)

"""What the pages of docs/ show is run and compared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))
import pages  # noqa: E402

sys.path.remove(str(SCRIPTS))

PAGE = """# A page
<!-- project: new -->

```python
# tests/test_a.py
def test_a() -> None:
    pass
```

```sh
pip install things
```

```console
$ pytest --collect-only
$ pytest
first
…
last
```
"""


def test_files_and_commands_of_a_page_come_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    page = pages.page(tmp_path / "page.md", tmp_path)
    assert page.project == "new"
    assert page.steps == (
        pages.File(5, "tests/test_a.py", "def test_a() -> None:\n    pass\n"),
        pages.Command(15, "pytest --collect-only", ()),
        pages.Command(16, "pytest", ("first", "…", "last")),
    )


def test_a_page_with_commands_names_a_project(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```console\n$ ls\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md: has console blocks and names no project"):
        pages.page(tmp_path / "page.md", tmp_path)


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        (("one", "two", "three"), ""),
        (("…", "three"), ""),
        (("one", "…"), ""),
        (("one", "│ …", "three"), ""),
        (("one", "three"), "there are more lines"),
        (("one", "two"), "there are more lines"),
        (("two", "…", "one"), "not there, or not in its turn: 'one'"),
    ],
)
def test_left_out_lines_are_marked(output: tuple[str, ...], wrong: str) -> None:
    said = pages.problem(pages.Command(1, "run", output), 0, "one\n\ntwo\nthree\n")
    assert said.startswith(wrong)
    assert bool(said) == bool(wrong)


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("[   0.7s] HANGS a for 2.06s", "[  12.9s] HANGS a for 3s"),
        ("20261129T092116.272Z-c709a2  PASSED 4 tests in 2.1s", "20251129T092116.272Z-000000  PASSED 4 tests in 1m 2s"),
        ("  task Task-1, 2.0 s old", "  task Task-1, 13.1 s old"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(line: str, same: str) -> None:
    assert pages.normalized(line) == pages.normalized(same)


def test_the_list_of_slowest_tests_is_not_compared() -> None:
    command = pages.Command(1, "run", ("phases", "leaks"))
    assert pages.problem(command, 0, "phases\n\nslowest tests\n  1s  a\n  2s  b\n\nleaks\n") == ""


def test_a_command_without_output_must_succeed() -> None:
    assert pages.problem(pages.Command(1, "true", ()), 0, "anything") == ""
    assert pages.problem(pages.Command(1, "false", ()), 1, "") == "exit 1"


@pytest.mark.processes
def test_a_page_is_checked_in_a_directory_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    page = pages.Page(
        "page.md",
        "new",
        (
            pages.File(1, "a/b.txt", "hello\n"),
            pages.Command(2, "cat a/b.txt", ("hello",)),
            pages.Command(3, "false", ()),
        ),
    )
    assert not pages.check(page)
    said = capsys.readouterr().out
    assert "page.md:2: cat a/b.txt" in said.splitlines()[0]
    assert said.splitlines()[0].startswith("ok")
    assert "exit 1" in said


def test_every_page_with_commands_names_a_project_that_exists() -> None:
    found = pages.pages()
    assert len(found) >= 10
    assert all(page.project == "new" or (pages.ROOT / page.project).is_dir() for page in found)

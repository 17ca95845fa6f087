"""check_docs.py finds what the documentation says wrongly; and this repository's documentation says nothing wrong."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "check_docs.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("check_docs_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    first = sys.path[0]  # the script replaces its own directory there, which is not in our case
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[0] = first
    return module


check_docs = _load()


def shell(text: str) -> list[str]:
    block = check_docs.Block("console", 1, text)
    return [problem for _, words in check_docs.commands(block) for problem in check_docs.bad_command(words)]


@pytest.mark.parametrize(
    "line",
    [
        "async-test-run",
        "async-test-run --help",
        "async-test-run -q",
        "async-test-run run sync async -vv --workers=2 -- --no-such-option",
        "CI=true async-test-run merge a.xml b.xml -o c.xml  # --nothing",
        "./scripts/test.sh unit --quiet",
        "pip install --no-such-option x",
    ],
)
def test_command_lines_that_work_have_no_problems(line: str) -> None:
    assert shell(line) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("async-test-run run --no-such", "async-test-run run has no option --no-such"),
        ("$ async-test-run --jobs 2", "async-test-run run has no option --jobs"),
        ("$ async-test-run report \\\n    --no-such", "async-test-run report has no option --no-such"),
        ("./scripts/none.sh", "./scripts/none.sh: there is no such script"),
        ("./scripts/test.sh --jobs", "async-test-run run has no option --jobs"),
        ("./scripts/compare.py", "./scripts/compare.py: is not executable"),
    ],
)
def test_command_lines_that_do_not_work_are_found(line: str, problem: str) -> None:
    assert shell(line) == [problem]


def test_output_in_a_console_block_is_no_command() -> None:
    assert shell("$ async-test-run -q\nasync-test-run --no-such\n") == []


def yaml_problems(text: str) -> list[str]:
    return list(check_docs.bad_yaml(check_docs.Block("yaml", 1, text), frozenset({"async-test-run"})))


def test_a_plan_in_a_block_is_checked() -> None:
    assert yaml_problems("version: 1\nphases: [{name: a, workers: 2}]\n") == []
    (problem,) = yaml_problems("version: 1\nphases: [{name: a, worker: 2}]\n")
    assert "runner.yaml:2:" in problem


def test_a_hook_that_does_not_exist_is_found() -> None:
    config = "repos: [{{repo: https://example.org/async-test-run, rev: v1, hooks: [{{id: {}}}]}}]"
    assert yaml_problems(config.format("async-test-run")) == []
    assert yaml_problems(config.format("async-test-runs")) == ["there is no hook async-test-runs"]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#the-second-heading)", []),
        ("[a](#here)", []),
        ("[a](https://example.org/none)", []),
        ("`[a](none.md)`", []),
        ("[a](none.md)", ["link to none.md: there is no such file"]),
        ("[a](other.md#none)", ["link to other.md#none: there is no such heading"]),
        ("[a](#none)", ["link to #none: there is no such heading"]),
    ],
)
def test_links_lead_somewhere(text: str, problems: list[str], tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One\n\n## The `second` heading!\n", encoding="utf-8")
    path = tmp_path / "page.md"
    path.write_text(f"# Here\n\n{text}\n", encoding="utf-8")
    prose, _ = check_docs.split(path.read_text(encoding="utf-8"))
    assert [problem for _, problem in check_docs.bad_links(path, prose)] == problems


def test_blocks_are_told_from_prose() -> None:
    prose, blocks = check_docs.split("one\n```yaml\na: 1\n```\ntwo\n~~~~\n```\n~~~~\n")
    assert prose == [(1, "one"), (5, "two")]
    assert blocks == [check_docs.Block("yaml", 3, "a: 1"), check_docs.Block("", 7, "```")]


def prose_of(text: str) -> list[tuple[int, str]]:
    prose, _ = check_docs.split(text)
    return list(prose)


def test_sentences_are_told_apart() -> None:
    text = "# Title\n\nOne `a. b` is\na sentence. Two!\n\n- an item\n- another\n\n| x | y z |\n|---|---|\n<!-- no -->\n"
    found = [sentence for _, sentence in check_docs.sentences(prose_of(text))]
    assert found == ["One code is a sentence.", "Two!", "an item", "another", "x", "y z"]


def test_a_sentence_that_is_too_long_is_found() -> None:
    short, long = "one two three.", f"{'word ' * 20}word."
    ((line, problem),) = check_docs.long_sentences(prose_of(f"{short}\n\n{long}\n"))
    assert line == 3
    assert problem.startswith("a sentence of 21 words (at most 20)")


def test_a_document_of_long_sentences_is_found() -> None:
    text = "\n\n".join([f"{'word ' * 15}word."] * 10)
    ((_, problem),) = check_docs.long_sentences(prose_of(text))
    assert problem == "half of the sentences have 16 words or more (at most 14)"


def test_what_the_reference_lacks_or_says_twice_is_found(tmp_path: Path) -> None:
    for path in (check_docs.ROOT / "docs" / "reference").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if path.name == "outcomes.md":
            text = text.replace("| `passed` |", "| `past` |") + "| 0 | again |\n"
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    assert list(check_docs.incomplete_reference(tmp_path)) == [
        "docs/reference/outcomes.md:1: passed stands there 0 times",
        "docs/reference/outcomes.md:1: 0 stands there 2 times",
    ]


def test_a_page_that_nothing_links_to_is_found(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "README.md").write_text("[a](a.md#part)\n", encoding="utf-8")
    (docs / "a.md").write_text("[back](README.md)\n", encoding="utf-8")
    (docs / "lost.md").write_text("# Lost\n", encoding="utf-8")
    assert list(check_docs.unreachable(docs)) == ["docs/lost.md:1: no page links to it"]


def test_this_repository_documents_itself_correctly() -> None:
    assert list(check_docs.problems()) == []

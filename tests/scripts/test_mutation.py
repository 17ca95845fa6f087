"""The pure parts of the mutation runner."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
mutation = importlib.import_module("mutation")
mutations = importlib.import_module("mutations")
sys.path.remove(str(SCRIPTS))


def make(old: str, new: str) -> object:
    return mutations.Mutation("m", "a.py", old, new, ("tests",))


def test_the_old_text_is_replaced() -> None:
    assert mutation.mutated(make("1", "2"), "a = 1\n") == "a = 2\n"


@pytest.mark.parametrize(
    ("text", "error"), [("a = 3\n", ValueError), ("1 + 1\n", ValueError), ("a = 1\n", SyntaxError)]
)
def test_a_mutation_that_cannot_be_made_is_an_error(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        mutation.mutated(make("1", "("), text)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(0, "survived"), (1, "noticed"), (2, "noticed"), (None, "noticed"), (-11, "noticed"), (4, "error"), (5, "error")],
)
def test_what_the_status_of_the_tests_says(status: int | None, verdict: str) -> None:
    assert mutation.judge(status) == verdict


def test_there_are_at_least_forty_mutations_with_names_of_their_own() -> None:
    names = Counter(each.name for each in mutations.MUTATIONS)
    assert len(names) == len(mutations.MUTATIONS) >= 40


@pytest.mark.parametrize("each", mutations.MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_names_tests_and_a_file_that_there_are(each: mutations.Mutation) -> None:
    assert each.tests
    for path in (each.path, *(test.partition("::")[0] for test in each.tests)):
        assert (SCRIPTS.parent / path).exists()
    assert each.old != each.new


@pytest.mark.parametrize("each", mutations.MUTATIONS, ids=lambda each: each.name)
def test_what_a_mutation_changes_is_there_once(each: mutations.Mutation) -> None:
    mutation.mutated(each, (SCRIPTS.parent / each.path).read_text(encoding="utf-8"))

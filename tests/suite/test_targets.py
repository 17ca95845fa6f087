"""What the words of a command line mean: paths, ids and globs, seen from where they were typed."""

from __future__ import annotations

import pytest

from async_test_runner.model.inventory import CollectedTest
from async_test_runner.suite.targets import Target, matcher, unknown

HERE = "/project"


def collected(id: str) -> CollectedTest:
    return CollectedTest(id=id, file=id.partition("::")[0], line=1)


ONE = collected("tests/test_a.py::test_one[a-1]")
TWO = collected("tests/test_a.py::test_one[b-2]")
LONGER = collected("tests/test_a.py::test_one_more")
METHOD = collected("tests/test_a.py::TestA::test_one[x]")
OTHER = collected("tests/api/test_b.py::test_one[a-1]")
STAR = collected("tests/test_c.py::test_star[*]")
LETTER = collected("tests/test_c.py::test_star[a]")
DOCTEST = collected("README.md::README.md")
EVERY = (ONE, TWO, LONGER, METHOD, OTHER, STAR, LETTER, DOCTEST)


def file_of(test: CollectedTest) -> str:
    return f"{HERE}/{test.file}"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tests", {ONE, TWO, LONGER, METHOD, OTHER, STAR, LETTER}),
        ("tests/api", {OTHER}),
        ("tests/test_a.py", {ONE, TWO, LONGER, METHOD}),
        ("tests/test_*.py", {ONE, TWO, LONGER, METHOD, STAR, LETTER}),
        ("tests/**/test_b.py", {OTHER}),
        ("README.md", {DOCTEST}),
        ("tests/test_a.py::test_one", {ONE, TWO}),
        ("tests/test_a.py::test_one[a-1]", {ONE}),
        ("tests/test_a.py::TestA", {METHOD}),
        ("tests/test_a.py::TestA::test_one", {METHOD}),
        ("tests/test_a.py::test_*", {ONE, TWO, LONGER}),
        ("tests/**/test_*.py::test_one", {ONE, TWO, OTHER}),
        ("tests/test_c.py::test_star[*]", {STAR}),
        ("tests/test_c.py::test_star", {STAR, LETTER}),
        ("tests/test_a.py::test_on", set()),
        ("tests/test_a.p", set()),
        ("test_a.py", set()),
    ],
)
def test_what_a_word_means(word: str, meant: set[CollectedTest]) -> None:
    holds = matcher(Target(word, f"{HERE}/{word}"), EVERY, file_of)
    assert {test.id for test in EVERY if holds(test)} == {test.id for test in meant}


@pytest.mark.parametrize(
    ("word", "place", "said"),
    [
        ("tests/test_aa.py", "tests/test_aa.py", 'did you mean "tests/test_a.py"?'),
        ("test_aa.py", "tests/test_aa.py", 'did you mean "test_a.py"?'),
        ("tests/apj", "tests/apj", 'did you mean "tests/api"?'),
        ("tests/test_a.py::test_oen", "tests/test_a.py::test_oen", 'did you mean "tests/test_a.py::test_one"?'),
        ("tests/x.py::test_star", "tests/x.py::test_star", 'did you mean "tests/test_c.py::test_star"?'),
        ("tests/test_a.py::TetsA", "tests/test_a.py::TetsA", 'did you mean "tests/test_a.py::TestA"?'),
        ("xyzzy/plugh", "xyzzy/plugh", "async-test-run plan -v"),
        ("\x1b[31m/a", "\x1b[31m/a", "is no phase"),
    ],
)
def test_what_nothing_matches_is_answered_with_the_nearest_as_it_is_typed(word: str, place: str, said: str) -> None:
    error = unknown(Target(word, f"{HERE}/{place}"), EVERY, file_of)
    assert said in error.message
    assert error.message.isprintable()
    assert error.exit_code == 2


def test_without_any_test_there_is_no_nearest() -> None:
    assert "plan -v" in unknown(Target("a.py::b", "/project/a.py::b"), (), file_of).message

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.words.expressions import DEEPEST, expression_problem, holds


@pytest.mark.parametrize(
    "text",
    [
        "slow",
        "not slow",
        "not not slow",
        "a and b or not c",
        "(a or b) and not (c or d)",
        "((a))",
        "test_x[1-2]",
        "a.b/c:d+e-f",
        "mark(name='x', level=1) and b",
        'not mark(name="x y")',
        "  a  ",
        "android or orange or nothing",
    ],
)
def test_expressions_of_pytest_have_no_problem(text: str) -> None:
    assert expression_problem(text) == ""


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a && b", 'write "and"'),
        ("a || b", 'write "or"'),
        ("a | b", 'write "or"'),
        ("!a", 'write "not"'),
        ("a, b", 'write "or" between names'),
        ("a == b", "name(key=value)"),
        ("a b", 'write "and" or "or"'),
        ("a not b", 'write "and" or "or"'),
        ("a (b)", 'write "and" or "or"'),
        ("and a", "has nothing before"),
        ("a or and b", "has nothing before"),
        ("a and", 'remove the "and"'),
        ("not", 'remove the "not"'),
        ("(a", 'add ")"'),
        ("a)", 'remove the ")"'),
        ("()", "write a name before"),
        ("'a'", "remove it"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "write it simpler"),
    ],
)
def test_what_no_pytest_reads_is_answered_with_a_remedy(text: str, remedy: str) -> None:
    assert remedy in expression_problem(text)


_NAMES = st.sampled_from(["slow", "db", "test_x[1-2]", "level(n=1)"])
_SOUND = st.recursive(
    _NAMES,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not {one}"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=8,
)


@given(_SOUND)
def test_whatever_the_grammar_makes_has_no_problem(text: str) -> None:
    assert expression_problem(text) == ""


@given(_SOUND, st.sampled_from([" and", " (", ")", " slow", " ,", " or or x"]))
def test_whatever_spoils_it_is_a_problem(text: str, addition: str) -> None:
    assert expression_problem(text + addition)


_EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("({})".format, inner),
    ),
)


@given(_EXPRESSIONS, st.sets(st.sampled_from(["a", "b", "c"])))
def test_an_expression_is_true_where_python_finds_it_true(text: str, names: set[str]) -> None:
    assert holds(text, names) == eval(text, {name: name in names for name in ("a", "b", "c")})


def test_words_that_contain_operators_are_names() -> None:
    assert holds("android and not (orange or nothing)", {"android"})
    assert not holds("lambda", {"a"})

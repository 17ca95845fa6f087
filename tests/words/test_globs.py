from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.words.globs import IdMatcher, PathMatcher, fixed_part

ROOT = "/project/ci"


@pytest.mark.parametrize(
    ("entry", "file", "matches"),
    [
        ("tests", "/project/ci/tests/test_a.py", True),
        ("tests/", "/project/ci/tests/test_a.py", True),
        ("./tests", "/project/ci/tests/sub/test_a.py", True),
        ("tests/test_a.py", "/project/ci/tests/test_a.py", True),
        ("test", "/project/ci/tests/test_a.py", False),
        ("tests/test_a", "/project/ci/tests/test_a.py", False),
        (".", "/project/ci/tests/test_a.py", True),
        (".", "/project/tests/test_a.py", False),
        ("..", "/project/ci/tests/test_a.py", True),
        ("../tests", "/project/tests/test_a.py", True),
        ("../tests", "/project/ci/tests/test_a.py", False),
        ("/project/tests", "/project/tests/test_a.py", True),
        ("/", "/project/tests/test_a.py", True),
        ("tests/**/test_db_*.py", "/project/ci/tests/test_db_x.py", True),
        ("tests/**/test_db_*.py", "/project/ci/tests/a/b/test_db_x.py", True),
        ("tests/**/test_db_*.py", "/project/ci/tests/a/b/test_web.py", False),
        ("tests/**/test_db_*.py", "/project/ci/other/test_db_x.py", False),
        ("tests/*/unit", "/project/ci/tests/shop/unit/test_a.py", True),
        ("tests/*/unit", "/project/ci/tests/shop/deep/unit/test_a.py", False),
        ("tests/*.py", "/project/ci/tests/sub/test_a.py", False),
        ("test_?.py", "/project/ci/test_a.py", True),
        ("test_?.py", "/project/ci/test_ab.py", False),
        ("test?a.py", "/project/ci/test/a.py", False),
        ("**/test_a.py", "/project/ci/test_a.py", True),
        ("**/test_a.py", "/project/ci/x/y/test_a.py", True),
        ("**/test_a.py", "/project/test_a.py", False),
        ("**", "/project/ci/x/y/test_a.py", True),
        ("*", "/project/ci/x/y/test_a.py", True),
        ("../*/test_a.py", "/project/tests/test_a.py", True),
        ("/project/*/test_a.py", "/project/tests/test_a.py", True),
        ("te[s]ts", "/project/ci/tests/test_a.py", False),
        ("te[s]ts/*", "/project/ci/te[s]ts/test_a.py", True),
        ("test.a/*", "/project/ci/test_a/x.py", False),
        ("a+b/*.py", "/project/ci/a+b/x.py", True),
    ],
)
def test_paths_match_by_component(entry: str, file: str, matches: bool) -> None:
    assert PathMatcher([entry], ROOT).matches(file) is matches


def test_a_root_with_wildcard_characters_is_taken_literally() -> None:
    assert PathMatcher(["*.py"], "/a*b/[c]").matches("/a*b/[c]/x.py")
    assert not PathMatcher(["*.py"], "/a*b/[c]").matches("/aXb/c/x.py")


def test_any_of_several_entries_is_enough() -> None:
    matcher = PathMatcher(["tests/a", "tests/*/c.py"], ROOT)
    assert matcher.matches("/project/ci/tests/a/x.py")
    assert matcher.matches("/project/ci/tests/b/c.py")
    assert not matcher.matches("/project/ci/tests/b/d.py")


@pytest.mark.parametrize(
    ("entry", "id", "matches"),
    [
        ("tests/t.py::test_a", "tests/t.py::test_a", True),
        ("./tests/t.py::test_a", "tests/t.py::test_a", True),
        ("tests/t.py::test_a", "tests/t.py::test_ab", False),
        ("tests/t.py::test_a", "tests/t.py::test_a[1-2]", True),
        ("tests/t.py::test_a[1-2]", "tests/t.py::test_a[1-2]", True),
        ("tests/t.py::test_a[1-2]", "tests/t.py::test_a1", False),
        ("tests/t.py::test_a[*]", "tests/t.py::test_a[*]", True),
        ("tests/t.py::test_a[*]", "tests/t.py::test_a[7]", True),
        ("tests/t.py::test_a[a::b]", "tests/t.py::test_a[a::b]", True),
        ("tests/t.py::test_a", "tests/t.py::test_a[a::b]", True),
        ("tests/t.py", "tests/t.py::TestA::test_a", True),
        ("tests/t.py", "tests/t.pyx::test_a", False),
        ("tests/t.py::TestA", "tests/t.py::TestA::test_a", True),
        ("tests/t.py::TestA", "tests/t.py::TestAB::test_a", False),
        ("tests/t.py::TestA::TestB", "tests/t.py::TestA::TestB::test_a[x]", True),
        ("*::test_a", "tests/deep/t.py::test_a", True),
        ("*::test_a", "tests/deep/t.py::TestA::test_a", False),
        ("**::test_a", "tests/deep/t.py::TestA::test_a", True),
        ("*::test_db_*", "tests/t.py::test_db_x[1]", True),
        ("*::test_db_*", "tests/t.py::test_web", False),
        ("tests/*::TestA", "tests/a/b.py::TestA::test_x", True),
        ("tests/t.py::*", "tests/t.py::TestA::test_x", True),
        ("tests/t.py::Test*::test_x", "tests/t.py::TestA::test_x", True),
        ("tests/t.py::Test*::test_x", "tests/t.py::TestA::TestB::test_x", False),
        ("tests/t.py::test_a[?-2]", "tests/t.py::test_a[1-2]", True),
        ("tests/t.py::test_a*[1-2]", "tests/t.py::test_a_long[1-2]", True),
        ("tests/**/t.py::test_a", "tests/t.py::test_a", True),
        ("tests/**/t.py::test_a", "tests/a/b/t.py::test_a", True),
        ("tests/t.py::test_a.c", "tests/t.py::test_abc", False),
        ("*::test_a*", "tests/t.py::test_a[line\nbreak]", True),
    ],
)
def test_ids_match_by_their_parts(entry: str, id: str, matches: bool) -> None:
    assert IdMatcher([entry]).matches(id) is matches


@given(st.from_regex(r"[a-z/]{1,9}\.py(::[A-Z][a-z]{1,4})?::test_[a-z]{1,4}", fullmatch=True), st.text(max_size=12))
def test_an_entry_that_equals_an_id_always_matches(name: str, parameters: str) -> None:
    id = f"{name}[{parameters}]"
    assert IdMatcher([id]).matches(id)
    assert IdMatcher([name]).matches(id)


@pytest.mark.parametrize(
    ("entry", "fixed"),
    [
        ("tests", "tests"),
        ("tests/**/test_*.py", "tests"),
        ("tests/a/b*", "tests/a"),
        ("*.py", "."),
        ("/abs/x/*.py", "/abs/x"),
        ("/*.py", "/"),
        ("../tests/*", "../tests"),
    ],
)
def test_the_fixed_part_is_the_directory_before_the_first_wildcard(entry: str, fixed: str) -> None:
    assert fixed_part(entry) == fixed


def test_thousands_of_exact_entries_cost_no_more_than_one() -> None:
    matcher = IdMatcher([f"tests/t.py::test_{index}" for index in range(20_000)])
    before = time.process_time()
    assert all(matcher.matches(f"tests/t.py::test_{index}[x]") for index in range(20_000))
    assert time.process_time() - before < 5

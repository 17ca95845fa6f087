"""What has room in an XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.reports.junit_files import xml
from async_test_runner.reports.junit_files.room import WHOLE, Cut, Measured, cut, level


@given(st.text(), st.integers(0, 40), st.sampled_from([xml.text, xml.attribute]))
def test_a_text_is_cut_to_what_it_may_take_and_only_if_it_takes_more(value: str, room: int, escape: object) -> None:
    kept = cut(value, room, escape)  # type: ignore[arg-type]
    assert len(escape(kept).encode()) <= room  # type: ignore[operator]
    if len(escape(value).encode()) <= room:  # type: ignore[operator]
        assert kept == value


def test_the_middle_goes_and_both_ends_stay() -> None:
    assert cut("a" * 50 + "b" * 50, 33, xml.text) == "a" * 10 + "…" + "b" * 20
    assert cut("<" * 100, 43, xml.text) == "<<<…<<<<<<<"


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 1000))
def test_the_longest_are_cut_first_and_all_to_the_same_length(sizes: list[int], room: int) -> None:
    found = level(sizes, room)
    assert sum(min(size, found) for size in sizes) <= room
    if sum(sizes) > room:
        assert sum(min(size, found + 1) for size in sizes) > room


def measured() -> Measured:
    made = Measured()
    assert made.properties("p" * 100) == ""
    assert made.output_of_green(lambda room: room.text("o" * 1000)) == ""
    assert made.text("t" * 480) == made.message("m" * 500) == ""
    return made


@pytest.mark.parametrize(
    ("room", "missing"),
    [
        (1100, "the output of green tests"),
        (1000, "the output of green tests; properties of testcases"),
        (
            300,
            "the output of green tests; properties of testcases; the middle of texts longer than 130 bytes",
        ),
        (0, "the output of green tests; properties of testcases; the middle of texts longer than 0 bytes"),
        (-5, "the output of green tests; properties of testcases; the middle of texts longer than 0 bytes"),
    ],
)
def test_outputs_of_green_tests_go_first_then_properties_then_the_middle_of_texts(room: int, missing: str) -> None:
    fitting = measured().fitting(1_000_000, 1_000_000 + room)
    assert fitting.missing == missing
    assert fitting.output_of_green(lambda room: "o") == ""
    assert bool(fitting.properties("p")) == ("properties" not in missing)
    assert (len(fitting.text("t" * 480)) == 480) == ("texts" not in missing)
    assert len(fitting.message("m" * 500)) <= max(0, 500 if "texts" not in missing else 130)


def test_what_is_not_there_is_not_missing() -> None:
    made = Measured()
    made.text("t" * 100)
    assert made.fitting(0, 50).missing == "the middle of texts longer than 30 bytes"


def test_the_whole_misses_nothing() -> None:
    assert (WHOLE.missing, Cut().missing) == ("", "")
    assert WHOLE.text("<") == "&lt;"

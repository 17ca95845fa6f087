"""How much of what a test prints is kept."""

from __future__ import annotations

import os
import re
import tempfile

import pytest
from async_test_run_inside.session import output
from async_test_run_inside.session.captures import captures
from async_test_run_inside.session.output import bounded, cut, shorten
from hypothesis import given
from hypothesis import strategies as st


def missing(text: str) -> int:
    return sum(int(found) for found in re.findall(r"\n… (\d+) bytes left out …\n", text))


def kept(text: str) -> int:
    return len(re.sub(r"\n… \d+ bytes left out …\n", "", text))


def test_both_ends_are_kept_and_what_is_missing_is_counted() -> None:
    text = cut(b"a" * 3000 + b"b" * 3000, 1000)
    assert len(text.encode()) <= 1000
    assert text[0] == "a" and text[-1] == "b"
    assert missing(text) + kept(text) == 6000


def test_what_is_cut_twice_still_says_how_much_there_was() -> None:
    once = cut(b"x" * 100_000, 10_000)
    (twice,) = bounded([once], 2000)
    assert missing(twice) + kept(twice) == 100_000


def test_short_texts_stay_whole_beside_long_ones() -> None:
    short, long = bounded(["hello", "x" * 5000], 1000)
    assert short == "hello"
    assert len(long.encode()) <= 995


def test_what_fits_is_not_touched() -> None:
    contents = ["a\n", "", "é" * 400, "\udcff"]
    assert bounded(contents, 4000) == contents
    assert bounded(contents, 1000) == contents


def test_characters_are_not_torn() -> None:
    (text,) = bounded(["é" * 5000], 1000)
    assert set(re.sub(r"\n… \d+ bytes left out …\n", "", text)) == {"é"}


@given(st.lists(st.text(max_size=400), max_size=12), st.integers(1000, 2000))
def test_the_sections_of_a_test_are_together_within_the_limit(contents: list[str], limit: int) -> None:
    texts = bounded(contents, limit)
    assert len(texts) == len(contents)
    assert sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) <= limit
    assert bounded(texts, limit) == texts


@pytest.mark.parametrize(("size", "shortened"), [(999, False), (1000, False), (1001, True), (5_000_000, True)])
def test_a_file_is_shortened_in_place_and_written_on_at_its_end(size: int, shortened: bool) -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"a" * (size - 1) + b"z")
        shorten(file.fileno(), 1000)
        os.write(file.fileno(), b"!")
        file.seek(0)
        text = file.read().decode()
    assert text.endswith("z!")
    assert (missing(text) > 0) is shortened
    assert missing(text) + kept(text) == size + 1
    assert len(text.encode()) <= 1001


def test_a_file_that_a_test_has_closed_is_not_touched() -> None:
    with tempfile.TemporaryFile() as file:
        fd = file.fileno()
    shorten(fd, 1000)


def test_pytest_has_the_parts_that_are_replaced(pytestconfig: pytest.Config) -> None:
    assert callable(pytest.Item.add_report_section)
    for capture in captures(pytestconfig):
        assert callable(type(capture).snap)


def test_what_an_item_remembers_is_bounded_as_a_whole(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = request.node
    monkeypatch.setattr(item, "_report_sections", [])
    monkeypatch.setattr(output, "_limit", 2000)
    for when in ("setup", "call"):
        output._add_bounded(item, when, "log", "x" * 5000)
    contents = [content for _, _, content in item._report_sections]
    assert [when for when, _, _ in item._report_sections] == ["setup", "call"]
    assert sum(len(content.encode()) for content in contents) <= 2000
    assert [missing(content) + kept(content) for content in contents] == [5000, 5000]

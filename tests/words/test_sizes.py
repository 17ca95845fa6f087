from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from async_test_runner.words.sizes import LARGEST, PATTERN, format_above, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000),
        ("512 MB", 512_000_000),
        ("512M", 512 << 20),
        ("2GiB", 2 << 30),
        ("1.5 GiB", 3 << 29),
        ("64kB", 64_000),
        ("64KiB", 65_536),
        ("1tb", 10**12),
        ("100", 100),
        ("100B", 100),
        ("1024TiB", LARGEST),
    ],
)
def test_sizes_are_read_as_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", " ", "MB", "-1MB", "1XB", "1 000 MB", "1e3", "١MB", "1.MB", ".5MB", "inf"])
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size such as 512MB, 2GiB or 64kB"):
        parse_size(text)


def test_a_slip_is_not_a_size() -> None:
    with pytest.raises(ValueError, match="at most 1024TiB"):
        parse_size("1025TiB")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (512_000_000, "512 MB"),
        (2 << 30, "2 GiB"),
        (65_536, "64 KiB"),
        (1000, "1 kB"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_234_567, "1.2 MB"),
    ],
)
def test_sizes_are_written_as_people_write_them(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("size", "limit", "text"),
    [
        (302_043_136, 300_000_000, "302.1 MB"),
        (512_000_001, 512_000_000, "512.1 MB"),
        (3 << 30, 2 << 30, "3.0 GiB"),
        (1002, 1001, "1.1 kB"),
        (17, 16, "17 bytes"),
    ],
)
def test_a_size_above_a_limit_is_written_in_its_unit_and_never_reads_as_less(size: int, limit: int, text: str) -> None:
    assert format_above(size, limit) == text


@given(st.integers(0, LARGEST // 1024), st.sampled_from(["MB", "MiB", "kB", "KiB", "GiB", "B", ""]))
def test_a_size_that_is_written_is_read_back(number: int, unit: str) -> None:
    number %= 100_000
    size = parse_size(f"{number}{unit}")
    written = format_size(size)
    if "." not in written and "bytes" not in written:
        assert parse_size(written) == size


@example("0GIB")
@given(st.text(alphabet="0123456789kKMGTiIbB. ", max_size=8))
def test_the_pattern_of_the_schema_is_what_the_reader_takes(text: str) -> None:
    try:
        parse_size(text)
    except ValueError as error:
        assert "at most" in str(error) or not re.fullmatch(PATTERN, text)
    else:
        assert re.fullmatch(PATTERN, text)

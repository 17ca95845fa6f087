"""The files in which pytest keeps captured output."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.session import captures

from tests.support.inside import Config


@pytest.fixture
def files() -> Iterator[list[Any]]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        yield [out, err]


def config(**parts: Any) -> Any:
    found = Config()
    found.pluginmanager.register(SimpleNamespace(_global_capturing=SimpleNamespace(**parts)), "capturemanager")
    return found


def capture(file: Any) -> Any:
    return SimpleNamespace(tmpfile=file, targetfd_save=1)


def test_the_captures_of_descriptors_are_found_and_those_in_memory_are_not(files: list[Any]) -> None:
    out, err = map(capture, files)
    assert captures.captures(config(out=out, err=err)) == [out, err]
    assert captures.captures(config(out=SimpleNamespace(tmpfile=files[0]), err=None)) == []
    assert captures.captures(Config()) == []  # type: ignore[arg-type]


def test_the_parts_of_pytest_that_are_looked_at_are_there(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("capture") != "fd":
        pytest.skip("nothing is captured by descriptor here")
    assert len(captures.captures(pytestconfig)) == 2


def test_what_is_captured_so_far_is_read_and_nothing_is_taken_away(files: list[Any]) -> None:
    for file, text in zip(files, (b"out\n", b"err \xff\n"), strict=True):
        file.write(text)
        file.flush()
    it = config(out=capture(files[0]), err=capture(files[1]))
    assert captures.captured(it) == captures.captured(it) == "out\n\nerr \ufffd\n"
    assert os.lseek(files[0].fileno(), 0, os.SEEK_CUR) == 4


def test_of_much_output_the_end_is_read(files: list[Any]) -> None:
    files[0].write(b"begin" + b"x" * 100_000 + b"end")
    files[0].flush()
    text = captures.captured(config(out=capture(files[0])))
    assert len(text) == 64 * 1024
    assert text.endswith("xend")

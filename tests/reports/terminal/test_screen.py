from __future__ import annotations

import errno
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from async_test_runner.reports.terminal.screen import Output, console, cut, in_ci, padded, size, wants_color
from tests.reports.event_script import Terminal


class Failing(io.StringIO):
    """Raises on every write, and counts them."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.calls = 0

    def write(self, text: str) -> int:
        self.calls += 1
        raise self.error


def encoded(encoding: str, text: str) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    output = Output(stream)
    output.write(text)
    output.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.ENOSPC, "full"), ValueError("closed file")])
def test_a_stream_that_fails_is_not_written_to_again(error: Exception) -> None:
    stream = Failing(error)
    output = Output(stream)
    assert output.write("one") == 3
    output.write("two")
    output.flush()
    assert stream.calls == 1
    assert output.gone


def test_a_stream_that_would_block_loses_a_piece_only() -> None:
    stream = Failing(BlockingIOError())
    output = Output(stream)
    output.write("one")
    output.write("two")
    assert stream.calls == 2
    assert not output.gone


def test_a_closed_pipe_stays_silent_until_the_interpreter_flushes_it() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        output = Output(stream)
        output.write("nobody reads this")
        output.drain()
        assert output.gone
        stream.write("what is left in the buffer")  # closing flushes this, without an error


def test_a_console_on_a_dead_stream_prints_nothing_and_raises_nothing() -> None:
    out = console(Output(Failing(BrokenPipeError())), color=True, terminal=True, width=80, height=24)
    out.print(Text("hello"))
    out.print(Text("again"))


def test_an_ascii_stream_gets_stand_ins_of_the_same_width() -> None:
    text = "✓✗●○·━─│…"
    assert encoded("ascii", text) == "+x*o.=-|~"
    assert encoded("utf-8", text) == text


def test_what_the_encoding_lacks_is_escaped() -> None:
    assert encoded("ascii", "tést 東") == "t\\xe9st \\u6771"
    assert encoded("latin-1", "tést 東") == "tést \\u6771"
    assert encoded("utf-8", "\ud800") == "\\ud800"


@pytest.mark.parametrize(
    ("color", "environ", "terminal", "expected"),
    [
        (None, {}, True, True),
        (None, {}, False, False),
        (None, {"NO_COLOR": "1"}, True, False),
        (None, {"NO_COLOR": ""}, True, True),
        (None, {"FORCE_COLOR": "1"}, False, True),
        (None, {"FORCE_COLOR": "0"}, False, False),
        (None, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (None, {"TERM": "dumb"}, True, False),
        (True, {"NO_COLOR": "1"}, False, True),
        (False, {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_about_colour(color: bool | None, environ: dict[str, str], terminal: bool, expected: bool) -> None:
    assert wants_color(Terminal() if terminal else io.StringIO(), color, environ) is expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, False), ({"CI": "true"}, True), ({"CI": "false"}, False), ({"CI": "0"}, False), ({"TF_BUILD": "True"}, True)],
)
def test_ci_services_announce_themselves(environ: dict[str, str], expected: bool) -> None:
    assert in_ci(environ) is expected


def test_without_a_terminal_the_size_comes_from_the_environment() -> None:
    assert size(io.StringIO(), {"COLUMNS": "72", "LINES": "9"}) == (72, 9)
    assert size(io.StringIO(), {"COLUMNS": "many", "LINES": "-3"}) == (100, 30)


def test_markup_and_emoji_codes_are_taken_literally() -> None:
    stream = io.StringIO()
    out = console(Output(stream), color=True, terminal=True, width=80, height=24)
    out.print(Text("[red]x[/red] :smile: test[a-1]"))
    assert stream.getvalue() == "[red]x[/red] :smile: test[a-1]\n"


def test_without_colour_there_is_no_escape_at_all() -> None:
    stream = io.StringIO()
    out = console(Output(stream), color=False, terminal=False, width=80, height=24)
    out.print(Text("bold", "bold red"))
    assert stream.getvalue() == "bold\n"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 5, "short"),
        ("tests/test_orders.py::test_checkout", 20, "tests/…test_checkout"),
        ("東京東京東京", 7, "東…東京"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_long_text_loses_its_middle(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


@given(st.text(), st.integers(0, 40))
def test_text_never_takes_more_columns_than_it_may(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) <= width


@given(st.text(st.characters(categories=["L", "N", "Z"]), max_size=30), st.integers(1, 40))
def test_padded_text_takes_exactly_its_columns(text: str, width: int) -> None:
    assert cell_len(padded(text, width)) == width


def test_a_huge_id_is_cut_without_looking_at_all_of_it() -> None:
    assert cut("a" * 500_000 + "z" * 500_000, 10) == "aaa…zzzzzz"
    assert len(cut("a" + "\u0301" * 1_000_000 + "z", 10)) <= 81  # marks that take no column of their own

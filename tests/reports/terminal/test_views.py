from __future__ import annotations

import io

import pytest
from rich.text import Text

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.reports.terminal.live import Live
from async_test_runner.reports.terminal.plain import Plain, Quiet
from async_test_runner.reports.terminal.views import is_live, reporter, show
from tests.reports.event_script import MONO, Terminal, planned


@pytest.mark.parametrize(
    ("terminal", "verbosity", "environ", "expected"),
    [
        (True, 0, {"TERM": "xterm"}, Live),
        (True, 2, {}, Live),
        (True, 0, {"TERM": "dumb"}, Plain),
        (True, 0, {"CI": "true"}, Plain),
        (False, 0, {}, Plain),
        (False, 0, {"FORCE_COLOR": "1"}, Plain),
        (True, -1, {}, Quiet),
        (False, -1, {}, Quiet),
    ],
)
def test_the_stream_and_the_environment_choose_the_view(
    terminal: bool, verbosity: int, environ: dict[str, str], expected: type
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert type(reporter(stream, color=None, verbosity=verbosity, environ=environ)) is expected
    assert is_live(stream, verbosity=verbosity, environ=environ) is (expected is Live)


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_closed_stream_never_stops_the_run(kind: type[io.StringIO], verbosity: int) -> None:
    stream = kind()
    view = reporter(stream, color=True, verbosity=verbosity, environ={}, width=80, height=24)
    stream.close()
    script = planned("a", "b")
    script.end("async", "a", 3.0, Outcome.FAILED)
    for event in script.events:
        view.event(event)
    for second in range(200):
        view.tick(MONO + second)
    view.close()


def test_ascii_only_streams_get_a_live_view_too() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    stream.isatty = lambda: True  # type: ignore[method-assign]
    view = reporter(stream, color=False, verbosity=0, environ={}, width=90, height=24)
    script = planned("tést")
    script.end("async", "tést", 3.0, Outcome.FAILED)
    for event in script.events:
        view.event(event)
    view.tick(MONO + 4.0)
    view.close()
    text = raw.getvalue().decode("ascii")
    assert "FAILED t\\xe9st" in text
    assert "* async  ============  1/1" in text


def test_finished_lines_are_not_broken() -> None:
    stream = io.StringIO()
    show([Text("a" * 50, "red"), Text("[b]")], stream, color=None, environ={}, width=20)
    assert stream.getvalue() == "a" * 50 + "\n[b]\n"
    stream = io.StringIO()
    show([Text("a", "red")], stream, color=True, environ={})
    assert stream.getvalue() == "\x1b[31ma\x1b[0m\n"

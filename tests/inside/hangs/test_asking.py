"""The signal that asks, and the answer."""

from __future__ import annotations

import faulthandler
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.hangs import asking, report
from async_test_run_inside.hangs.asking import Question
from async_test_run_inside.hangs.bounds import Look
from async_test_run_inside.hangs.values import Report, Situation

from tests.inside.hangs.scene import asked_during, listening

pytestmark = pytest.mark.skipif(not hasattr(__import__("signal"), "SIGUSR1"), reason="no signals")


def note(directory: Path, **value: Any) -> None:
    (directory / f"ask-{os.getpid()}.json").write_text(json.dumps(value))


def heard_after(directory: Path, signals: int = 1) -> list[tuple[Question, Report]]:
    heard: list[tuple[Question, Report]] = []
    with listening(directory, lambda asked, said: heard.append((asked, said)), id="a.py::test") as number:
        for _ in range(signals):
            os.kill(os.getpid(), number)
    return heard


def test_the_answer_knows_what_was_asked_and_where_this_process_is(tmp_path: Path) -> None:
    note(tmp_path, why="overdue", id="a.py::test", message="too late")
    ((asked, said),) = heard_after(tmp_path)
    assert asked == Question("overdue", "a.py::test", "too late")
    assert "heard_after" in said.likely
    assert "os.kill(os.getpid(), number)" in said.likely
    assert "test: a.py::test" in said.text


@pytest.mark.parametrize("value", [None, "[]", "{", '{"why": "slow"}'])
def test_a_note_that_is_not_there_or_damaged_asks_for_a_report_only(tmp_path: Path, value: str | None) -> None:
    if value is not None:
        (tmp_path / f"ask-{os.getpid()}.json").write_text(value)
    ((asked, _),) = heard_after(tmp_path)
    assert asked == Question("asked", "", "")


def test_each_signal_is_answered(tmp_path: Path) -> None:
    assert len(heard_after(tmp_path, signals=3)) == 3


def test_what_goes_wrong_in_a_report_is_no_trouble_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> Report:
        raise ZeroDivisionError

    monkeypatch.setattr(report, "report", broken)
    ((_, said),) = heard_after(tmp_path)
    assert said.likely == ""
    assert said.text.startswith("the report could not be made: ZeroDivisionError at test_asking.py:")


def test_an_answer_may_end_the_test(tmp_path: Path) -> None:
    def answer(_asked: Question, _said: Report) -> None:
        raise KeyError("ended")

    with pytest.raises(KeyError), listening(tmp_path, answer) as number:
        os.kill(os.getpid(), number)
    assert not asking._answering


def test_a_question_during_an_answer_is_answered_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def slowly(frame: Any, situation: Situation, root: str) -> Report:
        nonlocal made
        made += 1
        if made == 1:
            note(tmp_path, why="overdue", id="later", message="")
            os.kill(os.getpid(), asking.signals().python or 0)
        return Report(f"number {made}", "")

    monkeypatch.setattr(asking, "made", slowly)
    ((asked, said),) = heard_after(tmp_path)
    assert (asked.id, said.likely) == ("later", "number 2")


def test_an_answer_comes_however_often_it_is_asked_for_while_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Report] = []
    made: list[int] = []
    original = asking.made

    def impatient(*arguments: Any) -> Report:
        made.append(1)
        if len(made) < 50:  # or a handler that never answers would hang here
            os.kill(os.getpid(), number)
        return original(*arguments)

    monkeypatch.setattr(asking, "made", impatient)
    with listening(tmp_path, lambda asked, said: heard.append(said)) as number:
        os.kill(os.getpid(), number)
    assert (len(made), len(heard)) == (2, 1)


def test_bare_stacks_go_to_a_file(tmp_path: Path) -> None:
    numbers = asking.signals()
    assert numbers.c is not None
    with listening(tmp_path, lambda asked, said: None):
        os.kill(os.getpid(), numbers.c)
        text = (tmp_path / "dump-main.txt").read_text()
    assert "Current thread" in text
    assert "test_bare_stacks_go_to_a_file" in text


def test_a_second_installation_takes_the_place_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    heard: list[Report] = []
    with listening(tmp_path, lambda asked, said: None):
        with listening(tmp_path / "second", lambda asked, said: heard.append(said)) as number:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), asking.signals().c or 0)
            assert (tmp_path / "second" / "dump-main.txt").read_text() != ""
        faulthandler.register(asking.signals().c or 0, file=asking._files[-1], all_threads=True)
    assert len(heard) == 1
    assert (tmp_path / "dump-main.txt").read_text() == ""


def test_a_thread_that_blocks_is_named_with_what_it_waits_for(tmp_path: Path) -> None:
    end = threading.Event()

    def wait_here() -> None:
        end.wait()

    said = asked_during(tmp_path, wait_here, end.set, until="-> waits until the threading.Event", id="x")
    assert "in wait_here" in said.text or "wait_here" in said.text


# ------------------------------------------------------------------------------------------------- stages, fixtures


@pytest.fixture
def in_setup() -> tuple[str, str]:
    return _here()


@pytest.fixture
def in_teardown() -> Any:
    found: list[tuple[str, str]] = []
    yield found
    assert _here() == ("teardown", "tearing down fixture in_teardown (scope function)")


def _here() -> tuple[str, str]:
    import sys

    from async_test_run_inside.hangs import stacks

    frames = stacks.frames(sys._getframe(), Look())
    stage = report.stage_of(frames)
    found = report.fixture_of(frames, stage)
    return stage, found[1] if found else ""


def test_the_stage_and_the_fixture_are_known(in_setup: tuple[str, str], in_teardown: Any) -> None:
    assert in_setup == ("setup", "setting up fixture in_setup (scope function)")
    assert _here() == ("call", "")

"""What the garbage collector's own functions say after a freeze, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from async_test_runner.launchers.pytest_process import INSIDE

FROZEN = "freezing.answer_truly(); freezing.freeze(); frozen = gc.get_freeze_count()"
STILL_FROZEN = "assert gc.get_freeze_count() >= frozen > 0"


def in_a_process(program: str, **environ: str) -> None:
    prepared = "import gc, os, weakref\nfrom async_test_run_inside.forks import freezing\nclass Thing: pass\n"
    subprocess.run(
        [sys.executable, "-c", prepared + textwrap.dedent(program)],
        env={"PYTHONPATH": str(INSIDE), **environ},
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "question",
    ["gc.get_objects()", "gc.get_objects(generation=2)", "gc.get_referrers(thing)", "gc.collect()", "gc.collect(2)"],
)
def test_a_question_thaws_what_the_runner_froze(question: str) -> None:
    in_a_process(
        f"""
        freezing.answer_truly()
        thing = Thing()
        freezing.freeze()
        frozen = gc.get_freeze_count()
        {question}
        assert gc.get_freeze_count() < frozen / 2  # some are immortal from Python 3.12 on, and always there
        """,
        PYTEST_CURRENT_TEST="tests/test_a.py::test_it (call)",
    )


def test_after_the_last_test_pytest_may_collect_as_often_as_it_likes() -> None:
    in_a_process(f"{FROZEN}; gc.collect(); {STILL_FROZEN}")


def test_looking_through_the_young_thaws_nothing() -> None:
    in_a_process(
        f"{FROZEN}; gc.collect(0); gc.collect(1); {STILL_FROZEN}",
        PYTEST_CURRENT_TEST="tests/test_a.py::test_it (call)",
    )


def test_what_a_project_froze_itself_stays_frozen() -> None:
    own = FROZEN.replace("freezing.freeze()", "gc.freeze()")
    in_a_process(f"{own}; gc.collect(); gc.get_objects(); {STILL_FROZEN}", PYTEST_CURRENT_TEST="x")


def test_the_question_itself_is_no_referrer() -> None:
    in_a_process(
        """
        def alone(): return [len(gc.get_referrers(Thing())), len(gc.get_referrers(Thing(), Thing()))]
        before = alone()
        freezing.answer_truly()
        assert alone() == before == [0, 0]
        """
    )

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


def test_a_coroutine_that_asks_who_refers_to_something_is_not_found_for_our_sake() -> None:
    in_a_process(
        f"""
        import asyncio
        async def asks():
            thing = Thing()
            return [type(found).__name__ for found in gc.get_referrers(thing)]
        without = asyncio.run(asks())
        {FROZEN}
        assert asyncio.run(asks()) == without
        assert gc.get_freeze_count() < frozen / 2
        """,
        PYTEST_CURRENT_TEST="tests/test_a.py::test_it (call)",
    )


def test_a_name_that_was_imported_before_the_tests_asks_truly_too() -> None:
    in_a_process(
        f"""
        freezing.answer_truly()
        from gc import get_referrers
        thing = Thing()
        holder = [thing]
        {FROZEN}
        os.environ["PYTEST_CURRENT_TEST"] = "x"
        assert any(found is holder for found in get_referrers(thing))
        """
    )


def test_what_a_test_puts_in_the_place_of_a_question_is_what_it_gets() -> None:
    in_a_process(
        f"{FROZEN}; gc.get_referrers = len; assert gc.get_referrers is len; {STILL_FROZEN}",
        PYTEST_CURRENT_TEST="x",
    )

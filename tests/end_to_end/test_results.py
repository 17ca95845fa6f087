"""One outcome per test: for every kind of test, and for results that are no results."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@both_launchers
def test_sync_async_unittest_and_anyio_tests_run_in_one_plan(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_asyncio.plugin -p anyio.pytest_plugin\n")
    project.plan("""
        phases:
          - {name: async, markers: asyncio or anyio, isolation: file}
          - {name: sync}
    """)
    project.write(
        "test_mixed.py",
        """
        import unittest
        import pytest

        def test_sync(): pass

        @pytest.mark.asyncio
        async def test_async(): pass

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_anyio(anyio_backend): pass

        class TestCase(unittest.TestCase):
            def test_method(self):
                with self.subTest("one"): pass

        class TestAsyncCase(unittest.IsolatedAsyncioTestCase):
            async def test_coroutine(self): pass

        def test_skipped(): pytest.skip("not today")

        @pytest.mark.xfail
        def test_xfailed(): assert False

        @pytest.mark.xfail
        def test_xpassed(): pass
        """,
    )
    run = project.run().check(0)
    assert sorted(outcome.value for outcome in run.outcomes.values()) == ["passed"] * 5 + [
        "skipped",
        "xfailed",
        "xpassed",
    ]
    assert {test.phase for id, test in run.tests.items() if "async" in id and "Case" not in id} == {"async"}


@both_launchers
def test_tests_whose_call_nobody_reports_do_not_pass(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nmarkers = swallowed\n    unreported\n")
    project.plan("phases: [{name: all}]")
    project.write(
        "conftest.py",
        """
        import pytest
        from _pytest.runner import runtestprotocol
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            if item.get_closest_marker("swallowed"):
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                runtestprotocol(item, nextitem=nextitem, log=False)
                item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                return True
            if item.get_closest_marker("unreported"):
                return True
        """,
    )
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.swallowed
        def test_swallowed(): assert 0
        @pytest.mark.unreported
        def test_unreported(): assert 0
        def test_good(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["error", "error", "passed"]


@both_launchers
def test_a_process_that_fails_in_its_exit_handler_makes_the_run_red(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import atexit, os\ndef test_a(): atexit.register(os._exit, 7)\n")
    run = project.run().check(1)
    assert run.outcome("test_a") is Outcome.PASSED
    assert "exited with 7" in " ".join(run.problems)


@both_launchers
def test_subtests_count_for_their_test(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import unittest
        class TestCase(unittest.TestCase):
            def test_red(self):
                for n in range(3):
                    with self.subTest(n=n): assert n != 1
            def test_green(self):
                with self.subTest("one"): self.skipTest("only this one")
            def test_error(self): raise ValueError
            def setUp(self): self.addCleanup(lambda: None)
        """,
    )
    run = project.run().check(1)
    assert {id.rpartition("::")[2]: outcome.value for id, outcome in run.outcomes.items()} == {
        "test_red": "failed", "test_green": "passed", "test_error": "failed",
    }  # fmt: skip


@both_launchers
def test_reports_of_workers_arrive_unchanged(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    project.write(
        "test_a.py",
        """
        import pytest

        class Odd:
            def __reduce__(self): raise TypeError("not picklable")
            def __str__(self): return "odd"

        @pytest.mark.xfail(reason="known")
        def test_xfails(): assert False
        @pytest.mark.xfail(strict=True)
        def test_xpasses(): pass
        def test_skips(): pytest.skip("no reason")
        def test_property(record_property): record_property("what", Odd())
        def test_large(): print("x" * 3_000_000); assert False
        """,
    )
    run = project.run().check(1)
    assert {name.partition("::")[2]: outcome for name, outcome in run.outcomes.items()} == {
        "test_xfails": Outcome.XFAILED,
        "test_xpasses": Outcome.FAILED,
        "test_skips": Outcome.SKIPPED,
        "test_property": Outcome.PASSED,
        "test_large": Outcome.FAILED,
    }
    assert run.tests["test_a.py::test_property"].attempts[-1].properties == (("what", "odd"),)

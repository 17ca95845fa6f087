"""The real command line on tiny projects: exit code, one outcome per test, valid XML, nothing left alive."""

from __future__ import annotations

import os
import signal
import sys
from xml.etree import ElementTree

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import journal
from async_test_runner.record.events import TestStarted
from tests.support.projects import Project, both_launchers, survivors, wait_until

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


FAULTS = """
    import ctypes, os, signal, subprocess, sys, threading, time
    import pytest

    def test_good(): pass
    def test_exit(): os._exit(0)
    def test_segfault(): os.kill(os.getpid(), signal.SIGSEGV)
    def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
    def test_pytest_exit(): pytest.exit("enough")
    def test_keyboard(): raise KeyboardInterrupt
    def test_sys_exit(): sys.exit(3)
    def test_hangs(): time.sleep(600)
    def test_hangs_in_c():
        libc = ctypes.PyDLL(None)
        libc.sleep(600)
    @pytest.mark.asyncio
    async def test_hangs_async():
        import asyncio
        await asyncio.sleep(600)
    def test_leaves_a_thread():
        threading.Thread(target=time.sleep, args=(600,)).start()
    def test_leaves_a_daemon():
        script = "import os, time; os.fork() and os.setsid(); os.fork(); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    def test_last(): pass
"""
EXPECTED = {
    "test_good": Outcome.PASSED,
    "test_exit": Outcome.CRASHED,
    "test_segfault": Outcome.CRASHED,
    "test_killed": Outcome.CRASHED,
    "test_pytest_exit": Outcome.CRASHED,
    "test_keyboard": Outcome.CRASHED,
    "test_sys_exit": Outcome.FAILED,
    "test_hangs": Outcome.TIMED_OUT,
    "test_hangs_in_c": Outcome.TIMED_OUT,
    "test_hangs_async": Outcome.TIMED_OUT,
    "test_leaves_a_thread": Outcome.PASSED,
    "test_leaves_a_daemon": Outcome.PASSED,
    "test_last": Outcome.PASSED,
}


@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_every_fault_costs_only_its_own_test(project: Project, isolation: str) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_asyncio.plugin\nmarkers = asyncio\n")
    project.plan(f"""
        defaults: {{test_timeout: 3s, grace: 1s}}
        phases:
          - {{name: all, isolation: {isolation}, workers: {2 if isolation == "test" else 1}}}
    """)
    project.write("test_faults.py", FAULTS)
    run = project.run().check(1)
    assert {id.partition("::")[2]: outcome for id, outcome in run.outcomes.items()} == EXPECTED


# ---------------------------------------------------------------------------------------------------- what ids can be


@both_launchers
def test_ids_and_file_names_of_any_shape_come_through(project: Project) -> None:
    project.plan("phases: [{name: alone, keyword: alone, isolation: test, workers: 2}, {name: rest}]")
    project.write(
        "test_ids.py",
        r"""
        import pytest
        STRANGE = ["with space", "new\nline", "a::b", "[x]", "]", "ü-€-😀", "\x1b[31m", "\x00", "x" * 4000]
        STRANGE += ["::error::", "<&>\"'", "-x", "@y", "", "\udcff"]
        @pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
        def test_plain(value): pass
        @pytest.mark.parametrize("value", [pytest.param(1, id=text) for text in STRANGE])
        def test_strange(value): pass
        @pytest.mark.parametrize("value", [pytest.param(1, id=text) for text in STRANGE if text])
        def test_alone(value): pass
        """,
    )
    project.write("brackets/[a]/test_in[brackets].py", "def test_in(): pass\ndef test_alone(): pass\n")
    project.write("sub/test_with space ü.py", "def test_in(): pass\n")
    run = project.run().check(0)
    assert len(run.tests) == 15 + 15 + 14 + 2 + 1
    assert set(run.outcomes.values()) == {Outcome.PASSED}
    assert "\x1b" not in run.output
    assert "\n::error::" not in run.output


def test_file_names_that_are_not_utf_8_come_through_as_far_as_pytest_lets_them(project: Project) -> None:
    project.plan("phases: [{name: alone, keyword: alone, isolation: test}, {name: rest}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n")
    (project.root / os.fsdecode(b"test_\xff.py")).write_text("def test_in(): pass\ndef test_alone(): pass\n")
    run = project.run().check(0)
    assert list(run.outcomes) == ["test_\\udcff.py::test_alone", "test_\\udcff.py::test_in"]
    (project.root / "pytest.ini").unlink()  # pytest's own cache cannot take such a name, and breaks its session
    broken = project.run().check(1)
    assert set(broken.outcomes.values()) == {Outcome.PASSED}
    assert "exited with 1 before finishing" in " ".join(broken.problems)


def test_more_files_than_fit_an_argument_list(exec_project: Project) -> None:
    project = exec_project
    project.plan("phases: [{name: all}]")
    for number in range(700):
        (project.root / f"test_{'long' * 30}_{number}.py").write_text("def test_it(): pass\n")
    run = project.run().check(0)
    assert len(run.tests) == 700


# ------------------------------------------------------------------------------------- what pytest's settings ask for


def test_what_addopts_leaves_out_is_outside_the_universe_and_counted(project: Project) -> None:
    project.write(
        "pytest.ini",
        """
        [pytest]
        addopts = -m "not slow" -k "not keyword" --deselect test_a.py::test_deselected --ignore=test_ignored.py
            -x --maxfail=3 --lf --ff -p no:randomly --junitxml=own.xml -p xdist -n 2
        markers = slow
        """,
    )
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import pytest
        def test_runs(worker_id): assert worker_id.startswith("gw")
        def test_runs_too(): pass
        def test_deselected(): assert 0
        def test_keyword(): assert 0
        @pytest.mark.slow
        def test_slow(): assert 0
        """,
    )
    project.write("test_ignored.py", "def test_ignored(): assert 0\n")
    run = project.run().check(0)
    assert {id.partition("::")[2] for id in run.tests} == {"test_runs", "test_runs_too"}
    assert {(out.reason, out.count) for out in run.result.left_out} == {
        ("pytest --deselect", 1),
        ("pytest -m 'not slow' -k 'not keyword' --lf", 2),
        ("pytest --ignore", 1),
    }
    assert (project.root / "own.xml").exists()
    again = project.run().check(0)
    assert len(again.tests) == 2


@both_launchers
def test_maxfail_of_the_project_holds_for_its_phases(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -x\n")
    project.plan("phases: [{name: whole, keyword: whole}, {name: alone, isolation: test}]")
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("n", range(3))
        def test_whole(n): assert n != 1
        @pytest.mark.parametrize("n", range(3))
        def test_alone(n): assert n != 0
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == [
        "passed", "failed", "not_run", "failed", "not_run", "not_run",
    ]  # fmt: skip
    assert "max_failures: 1 reached" in run.text("test_alone[2]")


@both_launchers
def test_plugins_that_reorder_add_and_remove_items(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: file}]")
    project.write("pytest.ini", "[pytest]\nmarkers = late\n")
    project.write(
        "conftest.py",
        """
        import pytest
        class Extra(pytest.Item):
            def runtest(self): pass
            def reportinfo(self): return self.path, 0, "extra"
        def pytest_collection_modifyitems(config, items):
            items.reverse()
            gone = [item for item in items if item.name == "test_gone"]
            items[:] = [item for item in items if item.name != "test_gone"]
            silently = [item for item in items if item.name == "test_silently_gone"]
            items[:] = [item for item in items if item not in silently]
            config.hook.pytest_deselected(items=gone)
            items.append(Extra.from_parent(items[0].parent, name="extra"))
            items.append(items[0])
        """,
    )
    project.write("test_a.py", "\n".join(f"def test_{n}(): pass" for n in ("one", "two", "gone", "silently_gone")))
    run = project.run().check(0)
    assert [id.partition("::")[2] for id in run.tests] == ["test_two", "test_one", "extra"]
    assert {(out.reason, out.count) for out in run.result.left_out} == {
        ("a pytest plugin", 1),
        ("collected more than once: runs once", 1),
    }


def test_an_id_that_is_not_there_when_collected_again_is_an_error(exec_project: Project) -> None:
    exec_project.plan("phases: [{name: all}]")
    exec_project.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.mark.parametrize("n", [os.getpid()])
        def test_changing(n): pass
        def test_stable(): pass
        """,
    )
    run = exec_project.run().check(1)
    assert sorted(outcome.value for outcome in run.outcomes.values()) == ["error", "passed"]
    assert "not there any more" in run.text(next(id for id in run.tests if "changing" in id))


@both_launchers
def test_the_projects_own_coverage_threshold_makes_the_run_red(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov.plugin --cov=lib --cov-fail-under=100\n")
    project.write("lib.py", "def used(): pass\ndef unused():\n    return 1\n")
    project.write("test_a.py", "import lib\ndef test_a(): lib.used()\n")
    project.plan("phases: [{name: all}]")
    run = project.run().check(1)
    assert run.outcome("test_a") is Outcome.PASSED
    assert "coverage" in " ".join(run.problems).lower()


# ------------------------------------------------------------------------------------------------------- collection

BROKEN = {
    "syntax": "def test_broken(:\n",
    "raises": "raise RuntimeError('at import')\n",
    "dies": "import os\nos._exit(0)\n",
    "exits": "import sys\nsys.exit(0)\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "hangs": "import time\ntime.sleep(600)\n",
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize(
    ("project", "policy"), [("auto", "fail"), ("exec", "continue"), ("warm", "continue")], indirect=["project"]
)
def test_a_file_that_cannot_be_collected_is_named(project: Project, fault: str, policy: str) -> None:
    project.plan(f"""
        collect_errors: {policy}
        collect_timeout: 5s
        defaults: {{grace: 300ms}}
        phases: [{{name: all}}]
    """)
    project.write("test_broken.py", BROKEN[fault])
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_broken.py"]
    outcomes = set(run.outcomes.values())
    assert outcomes == {Outcome.PASSED} if policy == "continue" else outcomes <= {Outcome.NOT_RUN}


@both_launchers
@pytest.mark.parametrize("where", ["conftest.py", "sub/conftest.py"])
def test_a_conftest_that_raises_is_named_and_the_rest_can_run(project: Project, where: str) -> None:
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write(where, "raise RuntimeError('in conftest')\n")
    project.write("sub/test_sub.py", "def test_sub(): pass\n")
    project.write("other/test_other.py", "def test_other(): pass\n")
    run = project.run().check(1)
    (error,) = run.result.collect_errors
    assert "conftest.py" in error.text + error.id
    assert "in conftest" in error.text
    assert set(run.outcomes.values()) == ({Outcome.PASSED} if where.startswith("sub") else set())


def test_tests_of_no_phase_stop_the_run_with_the_remedies(project: Project) -> None:
    project.plan("phases: [{name: some, keyword: one}]")
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run()
    assert run.code == 2
    assert "test_a.py::test_two" in run.output
    assert "unassigned: run" in run.output
    project.plan("unassigned: ignore\nphases: [{name: some, keyword: one}]")
    ignored = project.run().check(0)
    assert len(ignored.tests) == 1
    assert ("in no phase (unassigned: ignore)", 1) in {(out.reason, out.count) for out in ignored.result.left_out}
    project.plan("unassigned: run\nphases: [{name: some, keyword: one}]")
    ran = project.run().check(0)
    assert {test.phase for test in ran.tests.values()} == {"some", "unassigned"}


def test_nothing_selected_is_no_success(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "")
    assert project.run().code == 5


# --------------------------------------------------------------------------------------- phases and what surrounds them


def test_needs_and_a_failing_setup(project: Project) -> None:
    project.plan(f"""
        phases:
          - {{name: red, keyword: red and not dependent}}
          - {{name: dependent, keyword: dependent, needs: [red]}}
          - name: unfurnished
            keyword: unfurnished
            setup: [{sys.executable} -c 'print("no database"); raise SystemExit(3)', touch never]
            teardown: [touch torn-down]
          - {{name: last}}
    """)
    names = ("red", "dependent", "unfurnished", "last")
    project.write("test_a.py", "\n".join(f"def test_{name}(): assert {name != 'red'}" for name in names))
    run = project.run().check(4)
    assert [outcome.value for outcome in run.outcomes.values()] == ["failed", "not_run", "not_run", "passed"]
    assert "needs red, which did not pass" in run.text("dependent")
    assert "no database" in run.output
    assert (project.root / "torn-down").exists()
    assert not (project.root / "never").exists()


@both_launchers
def test_env_templates_and_slots_per_process_and_per_worker(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("""
        defaults: {workers: 2, env: {WHERE: "{phase}-{slot}-{worker}-{{x}}", DIR: "{run_dir}"}}
        phases:
          - {name: spread, keyword: spread}
          - {name: alone, isolation: test, setup: [{run: "echo $WHERE > setup.txt", shell: true}]}
    """)
    project.write(
        "test_a.py",
        """
        import os, pytest, pathlib
        def check(worker):
            slot = worker.removeprefix("gw")
            assert os.environ["WHERE"] == f"{os.environ['PHASE']}-{slot}-{worker}-{{x}}"
            assert slot in ("0", "1")
            assert pathlib.Path(os.environ["DIR"], "journal.jsonl").exists()
            assert not [name for name in os.environ if name.startswith("ASYNC_TEST_RUN")]
        @pytest.mark.parametrize("n", range(4))
        def test_spread(n, monkeypatch, worker_id):
            monkeypatch.setenv("PHASE", "spread")
            check(worker_id)
        @pytest.mark.parametrize("n", range(4))
        def test_alone(n, monkeypatch):
            monkeypatch.setenv("PHASE", "alone")
            check(os.environ["PYTEST_XDIST_WORKER"])
        """,
    )
    run = project.run().check(0)
    assert {test.attempts[-1].worker for id, test in run.tests.items() if "spread" in id} == {"gw0", "gw1"}
    assert run.processes("spread") == 1
    assert run.processes("alone") == 4
    assert (project.root / "setup.txt").read_text() == "alone-0-gw0-{x}\n"


@pytest.mark.parametrize(("isolation", "processes"), [("phase", 1), ("file", 2), ("class", 3), ("test", 5)])
def test_isolation_says_how_many_processes_there_are(exec_project: Project, isolation: str, processes: int) -> None:
    exec_project.plan(f"phases: [{{name: all, isolation: {isolation}}}]")
    exec_project.write(
        "conftest.py",
        """
        import os, pytest
        @pytest.fixture(autouse=True)
        def pid(record_property): record_property("pid", os.getpid())
    """,
    )
    exec_project.write(
        "test_a.py",
        """
        class TestOne:
            def test_a(self): pass
            def test_b(self): pass
        def test_c(): pass
    """,
    )
    exec_project.write("test_b.py", "def test_d(): pass\ndef test_e(): pass\n")
    run = exec_project.run().check(0)
    pids = {dict(test.attempts[0].properties)["pid"] for test in run.tests.values()}
    assert run.processes("all") == len(pids) == processes


def test_max_failures_stops_a_phase_and_only_it(project: Project) -> None:
    project.plan("""
        phases:
          - {name: stops, keyword: stops, isolation: test, max_failures: 2}
          - {name: goes-on}
    """)
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("n", range(4))
        def test_stops(n): assert n == 1
        def test_goes_on(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["failed", "passed", "failed", "not_run", "passed"]


@both_launchers
def test_retries_in_a_fresh_process_and_the_last_attempt_decides(project: Project) -> None:
    project.plan("phases: [{name: all, retries: {count: 2, delay: 50ms}, test_timeout: 3s, grace: 300ms}]")
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest, time
        def attempt(name):
            path = pathlib.Path(name + ".attempts")
            with path.open("a") as file: file.write("x")
            return len(path.read_text())
        def test_good(): attempt("good")
        def test_flaky(): assert attempt("flaky") == 3
        def test_crashes_once():
            if attempt("crashes") == 1: os._exit(1)
        def test_hangs_once():
            if attempt("hangs") == 1: time.sleep(600)
        def test_red(): assert not attempt("red")
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "passed", "passed", "passed", "failed"]
    assert [len(test.attempts) for test in run.tests.values()] == [1, 3, 2, 2, 3]
    assert [test.flaky for test in run.tests.values()] == [False, True, True, True, False]
    assert (project.root / "good.attempts").read_text() == "x"


def test_resources_keep_tests_apart(project: Project) -> None:
    project.plan("""
        resources: {database: 1}
        phases: [{name: all, isolation: test, workers: 2}]
    """)
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest, time
        @pytest.mark.resources("database")
        @pytest.mark.parametrize("n", range(3))
        def test_holds(n):
            os.mkdir("held")
            time.sleep(0.2)
            os.rmdir("held")
        def test_free(): pass
        """,
    )
    project.run().check(0)


def test_a_phase_deadline_ends_the_phase_and_blames_who_ran(project: Project) -> None:
    project.plan("""
        defaults: {grace: 300ms}
        phases:
          - {name: late, keyword: late, timeout: 5s}
          - {name: next}
    """)
    project.write(
        "test_a.py",
        """
        import time
        def test_1_late(): pass
        def test_2_late(): time.sleep(600)
        def test_3_late(): pass
        def test_next(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "timed_out", "not_run", "passed"]
    assert "exceeded its phase deadline of 5s (timeout)" in run.text("test_2_late")
    assert "in test_2_late" in run.text("test_2_late")


def test_a_run_deadline_ends_everything(project: Project) -> None:
    project.plan("""
        run_timeout: 6s
        defaults: {grace: 300ms, isolation: test}
        phases: [{name: late, keyword: late}, {name: next}]
    """)
    project.write("test_a.py", "import time\ndef test_late(): time.sleep(600)\ndef test_next(): pass\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["timed_out", "not_run"]
    assert "run deadline" in run.text("test_next")


# ------------------------------------------------------------------------------------------------------ xdist workers


@both_launchers
def test_faults_in_xdist_workers_cost_only_their_own_tests(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("phases: [{name: all, workers: 2, test_timeout: 4s, grace: 1s}]")
    project.write(
        "test_a.py",
        """
        import os, signal, time, pytest
        @pytest.mark.parametrize("n", range(6))
        def test_good(n): time.sleep(0.1)
        def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
        @pytest.mark.parametrize("n", range(6))
        def test_slow(n): time.sleep(0.5)
        def test_hangs(): time.sleep(600)
        def test_hangs_hard():
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True: time.sleep(1)
        def test_exits(): pytest.exit("enough")
        @pytest.mark.parametrize("n", range(6))
        def test_more(n): pass
        """,
    )
    run = project.run().check(1)
    expected = {
        "test_killed": "crashed",
        "test_hangs": "timed_out",
        "test_hangs_hard": "timed_out",
        "test_exits": "crashed",
    }
    assert {
        id.partition("::")[2]: outcome.value for id, outcome in run.outcomes.items() if outcome is not Outcome.PASSED
    } == expected


@both_launchers
def test_max_failures_blames_nobody_who_was_only_interrupted(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("phases: [{name: all, workers: 2, max_failures: 1}]")
    project.write(
        "test_a.py",
        """
        import time, pytest
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            if n == 0: assert 0
            time.sleep(1)
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_it[0]") is Outcome.FAILED
    assert set(run.outcomes.values()) <= {Outcome.FAILED, Outcome.NOT_RUN, Outcome.PASSED}
    assert list(run.outcomes.values()).count(Outcome.FAILED) == 1


# -------------------------------------------------------------------------------------------- ends and interruptions


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_order(project: Project, number: int, code: int) -> None:
    project.plan(
        "phases: [{name: all, isolation: file, teardown: [touch torn-down], grace: 2s}, {name: other, keyword: other}]"
    )
    project.write(
        "test_a.py",
        """
        import pathlib, time
        def test_before(): pass
        def test_running():
            pathlib.Path("running").touch()
            time.sleep(600)
        def test_after(): pass
        """,
    )
    project.write("test_b.py", "def test_b(): pass\n")
    run = project.start("run").until("running").signal(number).wait().check(code)
    assert run.outcome("test_before") is Outcome.PASSED
    assert run.outcome("test_after") is run.outcome("test_b") is Outcome.NOT_RUN
    assert (project.root / "torn-down").exists()
    assert run.run is not None
    assert (run.run / "summary.json").exists()


def test_a_second_signal_ends_the_run_at_once(project: Project) -> None:
    project.plan("phases: [{name: all, grace: 50s}]")
    project.write(
        "test_a.py",
        """
        import pathlib, signal, time
        def test_stubborn():
            def refuse(*_): pathlib.Path("refused").touch()
            signal.signal(signal.SIGINT, refuse)
            pathlib.Path("running").touch()
            while True: time.sleep(0.05)
        """,
    )
    runner = project.start("run").until("running").signal(signal.SIGINT).until("refused")
    runner.signal(signal.SIGINT).wait().check(130)


@both_launchers
def test_a_signal_during_the_collection_ends_it(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import pathlib, time\npathlib.Path('importing').touch()\ntime.sleep(600)\n")
    run = project.start("run").until("importing").signal(signal.SIGINT).wait()
    assert run.code == 130
    wait_until(lambda: survivors(run.mark) == [])


def test_a_killed_run_can_still_be_reported(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest, time
        def test_passes(): pass
        def test_fails(): assert 0
        def test_running():
            pathlib.Path("running").write_text(str(os.getpid()))
            time.sleep(600)
        def test_never(): pass
        """,
    )
    runner = project.start("run").until("running")
    newest = project.newest()
    assert newest is not None
    wait_until(lambda: sum(isinstance(event, TestStarted) for event in journal.read(newest / journal.FILE_NAME)) == 3)
    killed = runner.signal(signal.SIGKILL).wait()
    for pid in survivors(killed.mark):
        os.kill(pid, signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert [outcome.value for outcome in killed.outcomes.values()] == ["passed", "failed", "not_run", "not_run"]
    assert "in flight when the run ended" in killed.text("test_running")
    shown = project.start("report", "--junit", "again.xml", "--exit-code").wait()
    assert shown.code == 1
    assert "INCOMPLETE" in shown.output
    suites = ElementTree.parse(project.root / "again.xml").iter("testsuite")
    (suite,) = [suite for suite in suites if suite.get("name") == "all"]
    assert len(list(suite.iter("testcase"))) == 4


def test_a_plugin_that_breaks_after_the_collection_is_no_files_fault(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("conftest.py", "def pytest_collection_modifyitems(): raise RuntimeError('in a plugin')\n")
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(4)
    assert "RuntimeError: in a plugin" in run.output


@pytest.mark.parametrize("end", ["sys.exit(0)", "pytest.exit('enough')", "raise KeyboardInterrupt", "os._exit(4)"])
def test_tests_before_a_file_that_breaks_the_collection_off_do_not_pass_for_all(project: Project, end: str) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("test_b.py", f"import os, sys, pytest\n{end}\n")
    project.write("test_c.py", "def test_c(): pass\n")
    run = project.run()
    assert run.code in (1, 2)
    assert "test_b.py" in run.output


# ------------------------------------------------------------------------------------------- corners of the collection


@both_launchers
def test_a_file_that_dies_is_left_out_where_the_plan_is_not_at_pytests_root(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\n")
    project.write("inner/runner.yaml", "version: 1\ncollect_errors: continue\nphases: [{name: all}]\n")
    project.write("inner/test_broken.py", BROKEN["dies"])
    project.write("inner/test_good.py", "def test_good(): pass\n")
    run = Project(project.root / "inner").run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["inner/test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


def test_a_file_that_dies_is_left_out_where_the_plan_names_it(exec_project: Project) -> None:
    project = exec_project
    project.plan("""
        collect_errors: continue
        select: {paths: [test_broken.py, test_good.py]}
        phases: [{name: all}]
    """)
    project.write("test_broken.py", BROKEN["dies"])
    project.write("test_good.py", "def test_good(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


def test_a_file_that_dies_is_left_out_of_processes_that_cannot_name_their_files(exec_project: Project) -> None:
    project = exec_project
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write("test_broken.py", BROKEN["dies"])
    project.write("test_[brackets].py", "def test_good(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_broken.py"]
    assert set(run.outcomes.values()) == {Outcome.PASSED}


@both_launchers
def test_what_the_collection_leaves_running_is_ended(project: Project) -> None:
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write(
        "conftest.py",
        """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        """,
    )
    project.write("test_good.py", "def test_good(): pass\n")
    project.run().check(0)
    project.plan("phases: [{name: all}]")
    project.write("test_broken.py", "syntax error\n")
    project.run().check(1)


def test_an_interpreter_that_is_not_there_is_noticed_before_anything_runs(project: Project) -> None:
    project.plan("phases: [{name: first, keyword: first}, {name: second, python: missing/python}]")
    project.write(
        "test_a.py", "import pathlib\ndef test_first(): pathlib.Path('ran').touch()\ndef test_second(): pass\n"
    )
    run = project.run()
    assert run.code == 2, run.output
    assert "missing/python" in run.output
    assert not (project.root / "ran").exists()


# ------------------------------------------------------------------------------------------ results that are no results


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


def test_tests_that_are_only_set_up_do_not_pass(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = --setup-only\n")
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): assert 0\n")
    run = project.run().check(1)
    assert run.outcome("test_a") is not Outcome.PASSED


@both_launchers
def test_what_tests_do_to_their_process_does_not_cut_its_reports(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import builtins, json, os, sys, time, pytest
        def test_environment(): os.environ.clear()
        def test_directory(tmp_path):
            os.chdir(tmp_path)
            tmp_path.rmdir()
        def test_time(): time.time = time.monotonic = lambda: 0
        def test_modules(): sys.modules.pop("json")
        def test_streams(): sys.stdout = sys.__stdout__ = sys.stderr = None
        def test_fork():
            if os.fork() == 0: os._exit(0)
            os.wait()
        def test_descriptors(): os.closerange(100, 4096)
        def test_repr():
            class Bad:
                def __repr__(self): raise RuntimeError("no repr")
                def __eq__(self, other): return False
            assert Bad() == Bad()
        def test_recursion():
            def deeper(): deeper()
            deeper()
        @pytest.fixture
        def broken():
            yield
            raise ValueError("in teardown")
        def test_teardown(broken): pass
        def test_output():
            print("\\x1b[31m\\x00\\udcff" + "x" * 1_000_000)
            os.write(2, b"\\xff\\xfe")
            assert 0, "\\x1b]0;title\\x07\\udcff"
        def test_last(): pass
        """,
    )
    run = project.run().check(1)
    red = {"test_repr": "failed", "test_recursion": "failed", "test_output": "failed", "test_teardown": "error"}
    assert {id.partition("::")[2]: outcome.value for id, outcome in run.outcomes.items()} == {
        **{id.partition("::")[2]: "passed" for id in run.outcomes},
        **red,
    }
    assert "\x1b" not in run.output
    assert all(attempt.duration >= 0 for test in run.tests.values() for attempt in test.attempts)


@both_launchers
def test_a_process_that_fails_in_its_exit_handler_makes_the_run_red(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import atexit, os\ndef test_a(): atexit.register(os._exit, 7)\n")
    run = project.run().check(1)
    assert run.outcome("test_a") is Outcome.PASSED
    assert "exited with 7" in " ".join(run.problems)


@both_launchers
def test_a_fixture_that_hangs_in_its_teardown_costs_the_test_that_tears_it_down(project: Project) -> None:
    project.plan("phases: [{name: all, test_timeout: 3s, grace: 300ms}]")
    project.write(
        "test_a.py",
        """
        import time, pytest
        @pytest.fixture(scope="session")
        def hanging():
            yield
            time.sleep(600)
        def test_one(hanging): pass
        def test_two(hanging): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "timed_out"]


def test_a_signal_during_the_setup_runs_no_test_but_the_teardown(project: Project) -> None:
    project.plan("""
        phases:
          - name: all
            setup: [{run: "touch setting-up; sleep 600", shell: true}]
            teardown: [touch torn-down]
    """)
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.start("run").until("setting-up").signal(signal.SIGTERM).wait().check(143)
    assert run.outcome("test_a") is Outcome.NOT_RUN
    assert (project.root / "torn-down").exists()


def test_a_setup_that_hangs_is_ended_at_its_deadline(project: Project) -> None:
    project.plan(
        "phases: [{name: all, setup_timeout: 300ms, grace: 300ms, setup: [sleep 600], teardown: [touch torn]}]"
    )
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(4)
    assert "exceeded its deadline of 300ms (setup_timeout)" in run.output
    assert (project.root / "torn").exists()


def test_a_teardown_that_fails_is_no_success(project: Project) -> None:
    project.plan("phases: [{name: all, teardown: ['false', touch second]}]")
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(4)
    assert run.outcome("test_a") is Outcome.PASSED
    assert (project.root / "second").exists()


# --------------------------------------------------------------------------------------------- other people's plugins


@pytest.mark.parametrize("dist", ["loadgroup", "loadfile", "worksteal", "each"])
def test_ways_of_xdist_to_distribute(project: Project, dist: str) -> None:
    project.write("pytest.ini", f"[pytest]\naddopts = -p xdist.plugin -n 2 --dist {dist}\n")
    project.plan("phases: [{name: all}]")
    for name in "ab":
        project.write(
            f"test_{name}.py",
            """
            import os, pytest
            @pytest.mark.xdist_group("one")
            def test_grouped(): pass
            @pytest.mark.xdist_group(name="g@two")
            @pytest.mark.parametrize("n", ["x@y", "@one"])
            def test_params(n): pass
            def test_free(worker_id): assert worker_id == os.environ["PYTEST_XDIST_WORKER"]
            """,
        )
    run = project.run().check(0)
    assert len(run.tests) == 8
    assert {test.attempts[0].worker for test in run.tests.values()} <= {"gw0", "gw1"}


def test_a_result_that_only_one_of_two_workers_has_is_not_lost(exec_project: Project) -> None:
    exec_project.write("pytest.ini", "[pytest]\naddopts = -p xdist -n 2 --dist each\n")
    exec_project.plan("phases: [{name: all}]")
    exec_project.write("test_a.py", "def test_a(worker_id): assert worker_id == 'gw0'\ndef test_b(): pass\n")
    exec_project.run().check(1)


@both_launchers
def test_a_plugin_that_ends_the_process_at_a_timeout_of_its_own_crashes_that_test(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_timeout\ntimeout = 0.3\ntimeout_method = thread\n")
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import time\ndef test_a(): time.sleep(600)\ndef test_b(): pass\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["crashed", "passed"]
    assert "Timeout" in run.text("test_a")


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


def test_files_that_skip_themselves_are_counted_and_no_failure(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import pytest\npytest.skip('not here', allow_module_level=True)\ndef test_a(): pass\n")
    project.write("test_b.py", "import pytest\npytest.importorskip('no_such_module')\ndef test_b(): pass\n")
    project.write("test_c.py", "def test_c(): pass\n")
    run = project.run().check(0)
    assert {skip.id for skip in run.result.collect_skips} == {"test_a.py", "test_b.py"}
    assert len(run.tests) == 1


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

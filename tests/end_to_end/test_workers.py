"""How many processes a phase has, what each of them finds, and what the death of one costs the others."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


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


@both_launchers
def test_a_test_runs_in_one_worker_also_where_xdist_would_run_it_in_each(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist -n 2 --dist each\n")
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py", "def test_a():\n    with open('ran', 'a') as file: file.write('a')\ndef test_b(): pass\n"
    )
    run = project.run().check(0)
    assert (project.root / "ran").read_text() == "a"
    said = "--dist each in pytest's configuration has no effect: a test runs once, in one worker"
    assert run.result.warnings == (said,)


@both_launchers
def test_faults_in_distributed_sessions_cost_only_their_own_tests(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("""
        defaults: {test_timeout: 3s, grace: 300ms}
        phases: [{name: all, workers: 2}]
    """)
    project.write(
        "test_a.py",
        r"""
        import os, signal, time
        def test_before(): pass
        def test_surrogate(): raise ValueError("\x00\udcff")
        def test_controller_killed():
            time.sleep(1)  # until the other worker has nothing to do
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        def test_no_environment(): os.environ.clear()
        def test_after(): pass
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_surrogate") is Outcome.FAILED
    assert "ValueError" in run.text("test_surrogate")
    assert run.outcome("test_controller_killed") is Outcome.CRASHED
    assert len([outcome for outcome in run.outcomes.values() if outcome is Outcome.PASSED]) == 3

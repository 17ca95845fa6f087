"""What forks of one process must not have in common, seen from the tests that run in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.processes

EACH_ALONE = "phases: [{name: all, isolation: test, workers: 2}]"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "warm")


def test_files_that_were_opened_at_import_have_a_position_in_each_process(project: Project) -> None:
    project.plan("""
        phases:
          - {name: alone, tests: [test_a.py], isolation: test, workers: 2}
          - {name: whole, tests: [test_b.py]}
          - {name: again, tests: [test_c.py]}
    """)
    project.write("data.txt", "all of it\n")
    project.write(
        "opened.py",
        """
        import logging
        DATA = open("data.txt")
        PLAIN = open("plain.txt", "w")
        PLAIN.write("first line\\n")  # not on the disk when the processes begin
        logging.getLogger().addHandler(logging.FileHandler("log.txt", mode="w"))
        logging.getLogger().warning("from the import")

        def use(name):
            assert DATA.read() == "all of it\\n"
            logging.getLogger().warning("x" * 2000 + name)
            PLAIN.write("y" * 2000 + name + "\\n")
            PLAIN.flush()
        """,
    )
    for letter in "bc":
        project.write(f"test_{letter}.py", f"import opened\ndef test_{letter}(): opened.use('whole {letter}')\n")
    project.write(
        "test_a.py",
        "import opened, pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_a(n): opened.use(f'alone {n}')\n",
    )
    project.run().check(0)
    names = sorted([f"alone {n}" for n in range(6)] + ["whole b", "whole c"])
    log, plain = ((project.root / name).read_text().splitlines() for name in ("log.txt", "plain.txt"))
    assert (log[0], sorted(log[1:])) == ("from the import", ["x" * 2000 + name for name in names])
    assert (plain[0], sorted(plain[1:])) == ("first line", ["y" * 2000 + name for name in names])


def test_what_is_to_happen_at_the_end_happens_once_after_all_phases(project: Project) -> None:
    project.plan("phases: [{name: a, tests: [test_a.py]}, {name: b, tests: [test_b.py], isolation: test}, {name: c}]")
    project.write(
        "conftest.py",
        """
        import atexit, pathlib, shutil, tempfile, weakref
        SHARED, KEPT = pathlib.Path("shared"), tempfile.TemporaryDirectory()
        SHARED.mkdir()
        def end():
            with open("ended.txt", "a") as file: file.write("x")
            shutil.rmtree(SHARED)
        atexit.register(end)
        """,
    )
    for letter in "abc":
        project.write(
            f"test_{letter}.py",
            """
            import atexit, os, pathlib, weakref, conftest, pytest
            class Held: pass
            HELD = Held()
            def note(text):
                with open("noted.txt", "a") as file: file.write(text + " ")
            @pytest.mark.parametrize("number", range(2))
            def test_it_is_there(number):
                assert conftest.SHARED.is_dir()
                assert os.path.isdir(conftest.KEPT.name)
                atexit.register(note, "handler")
                weakref.finalize(HELD, note, "finalizer")
            """,
        )
    project.run().check(0)
    assert (project.root / "ended.txt").read_text() == "x"
    assert not (project.root / "shared").exists()
    noted = (project.root / "noted.txt").read_text().split()
    assert (noted.count("handler"), noted.count("finalizer")) == (6, 6)  # of each process its own


@pytest.mark.parametrize("phase", ["isolation: test", "workers: 2"])
def test_what_tests_leave_to_the_end_of_their_process_is_done_in_workers_too(project: Project, phase: str) -> None:
    project.plan(f"phases: [{{name: all, {phase}}}]")
    project.write(
        "test_a.py",
        """
        import atexit, logging.handlers, multiprocessing, pathlib, tempfile, pytest
        TEMPORARY, BUFFERED = [], []
        @pytest.mark.parametrize("number", range(4))
        def test_it(number, tmp_path):
            TEMPORARY.append(tempfile.TemporaryDirectory(dir=pathlib.Path("held")))
            atexit.register(pathlib.Path(f"ended-{number}.txt").write_text, "x")
            handler = logging.handlers.MemoryHandler(9, target=logging.FileHandler(f"log-{number}.txt"))
            logger = logging.getLogger(f"buffered.{number}")
            logger.addHandler(handler)
            logger.warning("in the buffer")
            manager = multiprocessing.get_context("fork").Manager()
            manager.list([number])
            BUFFERED.append((handler, manager))
        """,
    )
    (project.root / "held").mkdir()
    project.run().check(0)
    assert list((project.root / "held").iterdir()) == []
    assert [(project.root / f"ended-{number}.txt").exists() for number in range(4)] == [True] * 4
    assert [(project.root / f"log-{number}.txt").read_text() for number in range(4)] == ["in the buffer\n"] * 4


@pytest.mark.parametrize("phase", ["isolation: test", "workers: 2"])
def test_a_worker_that_fails_after_its_last_test_makes_the_run_red(project: Project, phase: str) -> None:
    project.plan(f"phases: [{{name: all, {phase}}}]")
    project.write(
        "conftest.py",
        """
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"): raise RuntimeError("a broken hook")
        """,
    )
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "passed"]
    assert "RuntimeError: a broken hook, after its last test" in " ".join(run.problems)


def test_every_process_draws_random_numbers_of_its_own(project: Project) -> None:
    project.plan(EACH_ALONE)
    project.write(
        "numpy/__init__.py",
        "import os, random as _random\nclass random:\n    state = 1\n"
        "    @classmethod\n    def seed(cls): cls.state = _random.SystemRandom().random()\n",
    )
    project.write(
        "test_a.py",
        """
        import random, tempfile, uuid, numpy, pytest
        @pytest.mark.parametrize("number", range(6))
        def test_draws(number):
            with open("seen.txt", "a") as file:
                file.write(f"{random.random()} {numpy.random.state} {next(tempfile._get_candidate_names())}\\n")
        """,
    )
    project.run().check(0)
    rows = [line.split() for line in (project.root / "seen.txt").read_text().splitlines()]
    assert [len(set(column)) for column in zip(*rows, strict=True)] == [6, 6, 6]


def test_a_process_leaves_neither_directory_nor_environment_nor_handlers_to_the_next(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    project.write(
        "test_a.py",
        """
        import logging, os, pathlib, signal, sys, threading, pytest
        HOME = os.getcwd()
        @pytest.mark.parametrize("number", range(3))
        def test_spoils(number, tmp_path):
            assert os.getcwd() == HOME
            assert "LEFT" not in os.environ
            assert not hasattr(sys, "left")
            assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
            assert threading.active_count() == 1
            assert "left" not in [handler.get_name() for handler in logging.getLogger().handlers]
            os.chdir(tmp_path)
            os.environ["LEFT"] = sys.left = "x"
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            handler = logging.FileHandler("left.log")
            handler.set_name("left")
            logging.getLogger().addHandler(handler)
        """,
    )
    project.run().check(0)

"""Tests that use up memory, or print without end, with real processes."""

from __future__ import annotations

import re
import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are watched on Linux"),
]

MISSING = re.compile(r"… (\d+) bytes left out …")


@both_launchers
@pytest.mark.parametrize("phase", ["isolation: phase", "isolation: phase, workers: 2", "isolation: test, workers: 2"])
def test_a_test_that_uses_up_its_memory_is_named_and_the_rest_runs(project: Project, phase: str) -> None:
    project.plan(f"phases: [{{name: all, {phase}, memory: 300MB}}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.write(
        "test_a.py",
        """
        import time
        def test_before(): pass
        def test_hungry():
            held = []
            for _ in range(60):
                held.append(b"x" * 10_000_000)
                time.sleep(0.01)
            time.sleep(100)
        def test_after(): pass
        def test_refused(): bytearray(16 << 30)
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "crashed", "passed", "failed"]
    assert "out of memory: limit 300 MB (its process had " in run.text("test_hungry")
    assert "out of memory: limit 300 MB (MemoryError)" in run.text("test_refused")
    assert run.problems == []


def test_a_process_that_is_too_large_from_the_beginning_ends_too(project: Project) -> None:
    project.plan("phases: [{name: all, memory: 16MB}]")
    project.write("test_a.py", "import time\ndef test_a(): time.sleep(60)\ndef test_b(): time.sleep(60)\n")
    run = project.run().check(1)
    assert set(run.outcomes.values()) == {Outcome.CRASHED}


def test_what_a_test_prints_is_kept_up_to_its_limit(project: Project) -> None:
    project.plan("phases: [{name: one, paths: [test_a.py], output: 10kB}, {name: each, isolation: test, output: 10kB}]")
    for name in ("test_a.py", "test_b.py"):
        project.write(
            name,
            """
            import os, sys
            def test_loud():
                print("first", flush=True)
                for _ in range(200):
                    os.write(1, b"x" * 1_000_000)
                print("last")
                assert 0
            def test_quiet():
                print("whole")
                assert 0
            """,
        )
    run = project.run().check(1)
    for test in run.tests.values():
        (section,) = test.attempts[0].sections
        assert len(section.content.encode()) <= 10_000
        if test.id.endswith("test_quiet"):
            assert section.content == "whole\n"
            continue
        assert section.content.startswith("first\n") and section.content.endswith("last\n")
        (missing,) = MISSING.findall(section.content)
        kept = len(section.content.encode()) - len(f"\n… {missing} bytes left out …\n".encode())
        assert int(missing) + kept == 200_000_000 + len("first\nlast\n")
    assert run.run is not None
    sizes = {path.name: path.stat().st_size for path in run.run.rglob("*") if path.is_file()}
    assert max(sizes.values()) < 200_000


@both_launchers
@pytest.mark.parametrize("phase", ["isolation: phase", "isolation: test"])
def test_what_is_printed_without_end_does_not_fill_the_disk(project: Project, phase: str) -> None:
    project.plan(f"phases: [{{name: all, {phase}}}]")
    project.write(
        "test_a.py",
        """
        import os, time
        def test_captured():
            for _ in range(60):
                os.write(1, b"x" * 1_000_000)
            end = time.monotonic() + 60
            while os.fstat(1).st_blocks * 512 > 30_000_000:
                assert time.monotonic() < end
                time.sleep(0.02)
            print("last")
            assert 0
        def test_not_captured(capfd):
            with capfd.disabled():
                for _ in range(60):
                    os.write(1, b"x" * 1_000_000)
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["failed", "passed"]
    assert "assert 0" in run.text("test_captured")
    (section,) = next(iter(run.tests.values())).attempts[0].sections
    assert section.content.endswith("last\n")
    assert "\0" not in section.content
    assert run.run is not None
    assert all(log.stat().st_size < 10_000_000 for log in run.run.rglob("output.log"))

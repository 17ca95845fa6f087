"""Real processes: groups, escalation, outputs, orphans."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.system import process
from tests.support.projects import MARK, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """In the environment of everything that a test starts; nothing of it may be left."""
    mark = str(tmp_path)  # the whole path: the last part is the same in every run of this test
    yield mark
    wait_until(lambda: survivors(mark) == [], 10.0)


async def start(mark: str, output: Path, *argv: str, shell: bool = False) -> process.Process:
    env = {**os.environ, MARK: mark}
    return await process.start(argv, cwd=output.parent, env=env, output=output, shell=shell)


def python(script: str) -> tuple[str, ...]:
    return sys.executable, "-c", script


def test_a_process_ends_with_its_status_and_both_outputs_are_in_the_file(tmp_path: Path, mark: str) -> None:
    async def run() -> int:
        ended = asyncio.Event()
        child = await process.start(
            python("import os, sys; print(os.getcwd(), flush=True); print('err', file=sys.stderr); sys.exit(3)"),
            cwd=tmp_path,
            env={MARK: mark},
            output=tmp_path / "log",
            on_exit=ended.set,
        )
        assert child.status is None
        await ended.wait()
        assert await child.wait() == child.status
        return await child.wait()

    assert asyncio.run(run()) == 3
    assert (tmp_path / "log").read_text() == f"{tmp_path}\nerr\n"


def test_output_is_appended_and_nothing_is_on_the_input(tmp_path: Path, mark: str) -> None:
    (tmp_path / "log").write_text("before\n")

    async def run() -> int:
        return await (await start(mark, tmp_path / "log", *python("print(repr(input()))"))).wait()

    assert asyncio.run(run()) == 1
    assert (tmp_path / "log").read_text().startswith("before\n")
    assert "EOFError" in (tmp_path / "log").read_text()


def test_a_signal_reaches_the_whole_group(tmp_path: Path, mark: str) -> None:
    async def run() -> int:
        child = await start(mark, tmp_path / "log", "sleep 600 & sleep 600 & wait", shell=True)
        await asyncio.to_thread(wait_until, lambda: len(survivors(mark)) == 3)
        assert os.getpgid(child.pid) == child.pid
        child.signal(signal.SIGKILL)
        return await child.wait()

    assert asyncio.run(run()) == -signal.SIGKILL


def test_ending_a_process_that_listens_takes_a_term(tmp_path: Path, mark: str) -> None:
    async def run() -> int:
        child = await start(mark, tmp_path / "log", "sleep", "600")
        return await process.end(child, 30.0)

    assert asyncio.run(run()) == -signal.SIGTERM


def test_ending_a_process_that_does_not_listen_takes_a_kill(tmp_path: Path, mark: str) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )

    async def run() -> int:
        child = await start(mark, tmp_path / "log", *python(script))
        await asyncio.to_thread(wait_until, lambda: "up" in (tmp_path / "log").read_text())
        return await process.end(child, 0.05)

    assert asyncio.run(run()) == -signal.SIGKILL


def test_signals_to_what_is_gone_are_no_error(tmp_path: Path, mark: str) -> None:
    async def run() -> None:
        child = await start(mark, tmp_path / "log", "true")
        await child.wait()
        child.signal(signal.SIGTERM)
        process.signal_process(child.pid, signal.SIGTERM)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("argv", "said"),
    [(("/no/such/program",), "No such file"), (("nul\0",), "embedded null"), (("true", "x" * 3_000_000), "too long")],
)
def test_what_cannot_be_started_is_infrastructure(tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    with pytest.raises(InfrastructureError, match="cannot start") as caught:
        asyncio.run(start("none", tmp_path / "log", *argv))
    assert said in caught.value.message


def test_a_short_command_answers_or_does_not(tmp_path: Path) -> None:
    assert process.output_of(python("print('hello')")) == "hello\n"
    assert process.output_of(python("raise SystemExit(1)")) is None
    assert process.output_of(["/no/such/program"]) is None
    assert process.output_of(["sleep", "600"], timeout=0.05) is None


def test_orphans_and_all_that_they_started_are_ended_and_named(tmp_path: Path) -> None:
    """In a process of its own: adopting orphans cannot be undone, and this one has other children."""
    script = """
import os, subprocess, sys, time
from async_test_runner.system import process
assert process.adopt_orphans()
known = subprocess.Popen(["sleep", "600"])
nest = '''
import os, time
for _ in range(4):
    if os.fork(): time.sleep(600)
    os.setsid()
open("ready", "w").close()
time.sleep(600)
'''
middle = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)"
subprocess.run([sys.executable, "-c", middle, nest])
deadline = time.monotonic() + 30
while not os.path.exists("ready"):
    assert time.monotonic() < deadline
    time.sleep(0.01)
found = process.end_orphans({known.pid})
alive = known.poll() is None
known.kill()
print(len(found), alive, found[0].command)
"""
    source = Path(process.__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(source), MARK: tmp_path.name}
    with (tmp_path / "output").open("w+") as output:
        done = subprocess.run(python(script), env=env, cwd=tmp_path, stdout=output, stderr=output, timeout=60)
    left = survivors(tmp_path.name)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    said = (tmp_path / "output").read_text()
    assert done.returncode == 0, said
    assert left == []
    count, alive, command = said.split(" ", 2)
    assert (count, alive) == ("5", "True")
    assert "time.sleep(600)" in command


def test_a_question_to_an_interpreter_does_not_hear_the_terminals_signals() -> None:
    leads = "import os; print(os.getpgrp() == os.getpid())"

    assert process.output_of(python(leads)) == "True\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_what_a_process_has_resident_is_known_until_it_is_gone() -> None:
    before = process.resident(os.getpid())
    held = b"x" * 50_000_000
    after = process.resident(os.getpid())
    assert before is not None and after is not None
    assert after - before > len(held) / 2
    assert process.resident(2**30) is None


def test_kills_of_the_kernel_for_want_of_memory_are_counted() -> None:
    assert process.oom_kills() >= 0

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from async_test_run_inside.session import limits

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux refuses")


def run(code: str) -> str:
    """What a process of its own prints: a limit stays until the process ends."""
    path = str(Path(limits.__file__).parents[2])
    text = f"import sys; sys.path.insert(0, {path!r})\n"
    text += f"from async_test_run_inside.session.limits import bound_memory\n{code}"
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.processes
def test_an_allocation_far_beyond_the_limit_is_refused_at_once() -> None:
    code = """
bound_memory(50_000_000)
try:
    bytearray(8 << 30)
except MemoryError:
    print("refused")
print(len(bytearray(20_000_000)))
"""
    assert run(code).split() == ["refused", "20000000"]


@pytest.mark.processes
def test_what_is_reserved_and_not_used_is_no_memory() -> None:
    code = """
bound_memory(50_000_000)
import threading
done = threading.Event()
threads = [threading.Thread(target=done.wait) for _ in range(40)]  # 8 MB of stack each
for thread in threads: thread.start()
done.set()
print("started")
"""
    assert run(code) == "started"


@pytest.mark.processes
def test_without_a_limit_nothing_changes() -> None:
    code = (
        "import resource; a = resource.getrlimit(resource.RLIMIT_DATA); bound_memory(None); "
        "print(a == resource.getrlimit(resource.RLIMIT_DATA))"
    )
    assert run(code) == "True"

"""Which memory is put together into larger pages before many forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from async_test_run_inside.forks import hugepages

MIB = 1 << 20


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("100000-900000 rw-p 00000000 00:00 0", (0x200000, 0x800000)),
        ("200000-400000 rw-p 00000000 00:00 0    [heap]", (0x200000, 0x400000)),
        ("200000-300000 rw-p 00000000 00:00 0", None),  # smaller than a huge page
        ("200000-400000 r--p 00000000 00:00 0", None),
        ("200000-400000 rw-s 00000000 00:00 0", None),  # shared on purpose
        ("200000-400000 rw-p 00000000 08:01 1234  /usr/lib/libc.so.6", None),
        ("7ffc00000000-7ffc00400000 rw-p 00000000 00:00 0  [stack]", None),
    ],
)
def test_private_memory_without_a_file_counts(line: str, expected: tuple[int, int] | None) -> None:
    assert hugepages._region(line + "\n") == expected


_PROGRAM = """
import sys
sys.path.insert(0, {inside!r})
from async_test_run_inside.forks import hugepages
kept = [bytes([n % 256]) * 4000 for n in range(20_000)]
hugepages.collapse({forks})
assert all(text == bytes([n % 256]) * 4000 for n, text in enumerate(kept))
print(next(line.split()[1] for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHugePages")))
"""


def huge_kib(forks: int) -> int:
    inside = str(Path(hugepages.__file__).parents[2])
    program = _PROGRAM.format(inside=inside, forks=forks)
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="huge pages are asked for on Linux only")
@pytest.mark.processes
def test_memory_is_put_together_before_many_forks_and_left_alone_before_few() -> None:
    few, many = huge_kib(1), huge_kib(100)
    assert many > few or not Path("/sys/kernel/mm/transparent_hugepage").exists()

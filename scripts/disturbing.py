"""What may happen to a run at random: processes killed, stopped, and files of facts that are not what they were.

`strike` does one of `DISTURBANCES` to a run that is under way. All is drawn from the generator that it is given.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "SOAK_MARK"
JOURNAL = "journal.jsonl"
SEAL = "journal.seal"  # of a run that is over
NOBODY = "nobody"
_PROCESSES = ("worker", "session", "host", "guardian", "nursery")
_DEPTHS = {"guardian": {1}, "host": {2}, "session": {3}, "nursery": {4}, "worker": {5}}
_SIGNALS = ("TERM", "INT")
_AGAIN = (1.0, 3.0)  # seconds after which a runner that was stopped goes on: nobody else can see to that
_STRAY = (b"x", b"{", b"\n\n", b"\xff\x00", b'{"kind":"finished"}', b"null\n", b'{"kind":"exited","at":')
_WINDOW = 4.0  # seconds after the start in which something happens
_TRIES = 4  # kinds, where there is nothing yet that one could be done to

# Each kind as often as it stands here.
DISTURBANCES = (
    NOBODY,
    "worker",
    "session",
    "host",
    "guardian",
    "nursery",
    "runner",
    "runner",
    "TERM",
    "INT",
    "everything",
    "host at once",
    "stop worker",
    "stop session",
    "stop host",
    "stop guardian",
    "stop nursery",
    "stop runner",
    "stray bytes",
    "stray bytes",
    "fifo beside",
    "fifo in place",
)
TRUNCATION = "truncate journal"


def strike(
    rng: random.Random, kinds: tuple[str, ...], process: subprocess.Popen[bytes], mark: str, directory: Path
) -> str:
    """Do something to the run, after a while; returns what was done, `NOBODY` where there was nothing to do it to."""
    what = rng.choice(kinds)
    if what == "host at once":
        return what if _collected(process, directory) and _kill(rng, "host", process.pid, mark) else NOBODY
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(rng.uniform(0.2, _WINDOW))
        return NOBODY
    for _ in range(_TRIES):
        if what == NOBODY or _done(rng, what, process, mark, directory):
            return what
        what = rng.choice([kind for kind in kinds if kind != "host at once"])
    return NOBODY


def _done(rng: random.Random, what: str, process: subprocess.Popen[bytes], mark: str, directory: Path) -> bool:
    if what in _SIGNALS:
        process.send_signal(getattr(signal, f"SIG{what}"))
    elif what == "runner":
        process.kill()
    elif what == "everything":  # the runner's group, as a shell or a CI service kills it
        os.killpg(process.pid, signal.SIGKILL)
    elif what == "stop runner":
        _stop_for_a_while(process, rng.uniform(*_AGAIN))
    elif what in _PROCESSES:
        return _kill(rng, what, process.pid, mark)
    elif what.startswith("stop "):
        return _kill(rng, what.removeprefix("stop "), process.pid, mark, signal.SIGSTOP)
    elif what == TRUNCATION:
        return _truncate(rng, directory)
    else:
        return _touch_facts(rng, what, directory)
    return True


def _stop_for_a_while(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    timer = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
    timer.daemon = True
    timer.start()


# ------------------------------------------------------------------------------------------------------- processes


def marked(mark: str) -> dict[int, int]:
    """Living processes of a run, by the mark in their environment: id -> parent."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    return found


def _kill(rng: random.Random, what: str, runner: int, mark: str, number: int = signal.SIGKILL) -> bool:
    """Signal a process of this kind. The tree below the runner: guardian, host or session, session, nursery, worker."""
    parents = marked(mark)
    found = [pid for pid in parents if _depth(pid, runner, parents) in _DEPTHS[what]]
    if not found:
        return False
    try:
        os.kill(rng.choice(found), number)
    except ProcessLookupError:
        return False
    return True


def _depth(pid: int, runner: int, parents: dict[int, int]) -> int:
    steps = 0
    while pid != runner:
        if pid not in parents or steps > 9:
            return -1
        pid, steps = parents[pid], steps + 1
    return steps


def _collected(process: subprocess.Popen[bytes], directory: Path) -> bool:
    """Wait for the moment between the collection and the first fork; False when the run ends before it."""
    while process.poll() is None:
        if any(b'"collected"' in _read(path) for path in _journals(directory)):
            return True
        time.sleep(0.002)
    return False


# ----------------------------------------------------------------------------------------------------------- files


def _journals(directory: Path) -> list[Path]:
    return sorted(directory.glob(f".async-test-run/runs/2*/{JOURNAL}"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _facts(directory: Path) -> list[Path]:
    """Files of facts, in an order that is the same again; those of the collection among them."""
    return sorted(directory.glob(".async-test-run/runs/2*/**/events*.jsonl"))


def _touch_facts(rng: random.Random, what: str, directory: Path) -> bool:
    files = [path for path in _facts(directory) if path.is_file()]
    if not files:
        return False
    path = rng.choice(files)
    with contextlib.suppress(OSError):
        if what == "stray bytes":
            _append(path, rng.choice(_STRAY))
        elif what == "fifo beside":
            os.mkfifo(path.with_name(f"events.{rng.randrange(1000)}.jsonl"))
        else:
            path.unlink()
            os.mkfifo(path)
        return True
    return False


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _truncate(rng: random.Random, directory: Path) -> bool:
    for path in _journals(directory)[-1:]:
        if path.with_name(SEAL).exists():
            return False  # what is changed now is refused, and that is right
        with contextlib.suppress(OSError, ValueError):  # it is gone, or empty
            os.truncate(path, rng.randrange(path.stat().st_size))
            return True
    return False


# ------------------------------------------------------------------------------------------------------------ load


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """While inside, so many processes do nothing but work."""
    started = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()

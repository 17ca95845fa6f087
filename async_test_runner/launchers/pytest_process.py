"""A pytest process with our package inside: its command line, its environment, and the session that it becomes."""

from __future__ import annotations

import abc
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..contract.messages import Capturing, Damaged, Message, Why, file_name
from ..contract.settings import HASHSEED, PLUGIN, PYTHONPATH, SETTINGS, Question, Settings, encoded
from ..model.errors import InfrastructureError
from ..system import process, spool
from ..system.files import opened, replaced
from ..words.deaths import crash
from .tail import Tail

INSIDE = Path(__file__).parent.parent / "inside"
LOG_NAME = "output.log"
STOP = "stop"
_LOG_LIMIT = 4000  # bytes of a log, and of a dump, that are shown with an outcome
_STACK_LIMIT = 64_000  # bytes at the end of a log in which stacks of crashes are looked for
_DUMP_LIMIT = 64_000
_LOG_KEPT = 4 << 20  # bytes at both ends of a log that has grown too long
_CAPTURE_KEPT = 1 << 20  # the same of captured output, at least
_COLLECTED = re.compile(r"^collected \d+ item.*\n", re.MULTILINE)  # pytest's own banner ends here: no news before it


def files_of(workers: int) -> list[str]:
    """The files of facts of a session: of pytest itself, and of its workers if it has several."""
    return [file_name("main"), *(file_name(f"gw{number}") for number in range(workers))]


class SessionFiles(abc.ABC):
    """What a pytest session leaves in its directory, and what is left there for it."""

    def __init__(self, directory: Path, tail: Tail) -> None:
        self.directory = directory
        self._tail = tail
        self._dumped: dict[Path, int] = {}  # sizes of the dump files before the last request
        self._captures: dict[str, Capturing] = {}  # by worker

    @property
    @abc.abstractmethod
    def status(self) -> int | None:
        """None while it runs, then the exit status, negative for a signal."""

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.directory / LOG_NAME

    def poll(self) -> Sequence[Message | Damaged]:
        """What was said since the last call."""
        over = self.status is not None  # asked first: what an ended process has said is then all there
        messages = self._tail.poll(over=over)
        self._captures.update((said.worker, said) for said in messages if isinstance(said, Capturing))
        if over:
            self._tail.close()
            spool.shorten(self.log, _LOG_KEPT)
        else:
            self._bound_output()
        return messages

    def _bound_output(self) -> None:
        """See to it that what tests print without end does not fill the disk."""
        spool.thin(self.log, _LOG_KEPT)
        for said in self._captures.values():
            for fd, device, inode in said.files:
                spool.thin(f"/proc/{said.pid}/fd/{fd}", max(said.limit, _CAPTURE_KEPT), (device, inode))

    def stop_soon(self) -> None:
        """A file that it looks for after each test, where the phase may not have any number of failures."""
        with replaced(self.directory / STOP):
            pass

    def ask(self, why: Why, id: str, message: str, pid: int, number: int) -> None:
        """Leave word which test is meant, then send the signal: a test that began meanwhile is not the one."""
        with replaced(self.directory / f"ask-{pid}.json") as file:
            file.write(encoded(Question(why, id, message)))
        process.signal_process(pid, number)

    def ask_in_c(self, pid: int, number: int) -> None:
        """`faulthandler` appends to a file that all processes of the session share: one is asked at a time."""
        self._dumped = {path: path.stat().st_size for path in self._dump_files()}
        process.signal_process(pid, number)

    def dumped(self) -> str:
        """What has been appended since."""
        parts = [_end_of(path, self._dumped.get(path, 0), _DUMP_LIMIT) for path in self._dump_files()]
        return "\n\n".join(part.strip("\n") for part in parts if part.strip())

    def _dump_files(self) -> list[Path]:
        return sorted(self.directory.glob("dump-*.txt"))

    def last_words(self) -> str:
        """For an outcome that pytest could not explain: the stacks of crashes, or else the end of the log."""
        stacks = crash(_end_of(self.log, 0, _STACK_LIMIT))
        return stacks or _COLLECTED.split(_end_of(self.log, 0, _LOG_LIMIT))[-1].strip("\n")


class PytestSession(SessionFiles):
    """A running pytest process; see `launching.Session`."""

    def __init__(self, child: process.Process, directory: Path, tail: Tail) -> None:
        super().__init__(directory, tail)
        self.child = child

    @property
    def pid(self) -> int:
        """Process id, and id of the group."""
        return self.child.pid

    @property
    def status(self) -> int | None:
        """None while it runs, then the exit status, negative for a signal."""
        return self.child.status

    def signal(self, number: int) -> None:
        """Signal the group of the process."""
        self.child.signal(number)

    async def wait(self) -> int:
        """The exit status, when there is one."""
        return await self.child.wait()

    def write(self, line: bytes) -> None:
        """A line for a host; nothing happens when it is gone."""
        self.child.write(line)

    def hang_up(self) -> None:
        """No more lines."""
        self.child.hang_up()


def _end_of(path: Path, start: int, limit: int) -> str:
    """The text from ``start`` on, at most the last ``limit`` bytes of it."""
    try:
        with open(path, "rb", opener=opened) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start, size - limit))
            text = file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
    return text if size - start <= limit else f"… the last of {size} bytes of {path.name} …\n{text}"


async def start(
    argv: Sequence[str],
    *,
    python: str,
    cwd: Path,
    directory: Path,
    settings: Settings,
    env: Mapping[str, str],
    on_exit: Callable[[], None],
    control: bool = False,
    names: Sequence[str],
) -> PytestSession:
    """Start ``python -m pytest`` with our plugin. ``directory`` is made, and holds all files of the session.

    With ``control`` its standard input takes lines from `PytestSession.write`. ``names`` are the files in which its
    processes will tell something.
    """
    path = directory / "settings.json"
    try:
        directory.mkdir(parents=True)
        path.write_bytes(encoded(settings))
    except OSError as error:
        raise InfrastructureError(f"cannot write {directory}: {error.strerror}") from error
    tail = Tail(directory, names)  # before anybody can put something else there
    child = await process.start(
        [python, "-m", "pytest", "-p", PLUGIN, *argv],
        cwd=cwd,
        env=environment(env, path, settings.seed),
        output=directory / LOG_NAME,
        on_exit=on_exit,
        control=control,
    )
    return PytestSession(child, directory, tail)


def ignoring(without: Sequence[str]) -> list[str]:
    """Options that leave out what a conftest.py that took pytest down stands for; other files the plugin leaves out."""
    paths = [Path(name) for name in without]
    return [f"--ignore={path.parent}" for path in paths if path.name == "conftest.py"]


def environment(env: Mapping[str, str], settings: Path, seed: int) -> dict[str, str]:
    """The environment in which pytest finds our plugin; the plugin restores what is changed here.

    Hashes are the same in all processes of a run, or parameters that come from a set would change places.
    """
    result = dict(env)
    before = result.get("PYTHONPATH")
    if before is not None:
        result[PYTHONPATH] = before
    result["PYTHONPATH"] = os.pathsep.join([str(INSIDE), *([before] if before else [])])
    result[SETTINGS] = str(settings)
    hash_seed = result.get("PYTHONHASHSEED", "")
    if not hash_seed.isdecimal():
        result |= {HASHSEED: hash_seed, "PYTHONHASHSEED": str(seed)}
    return result

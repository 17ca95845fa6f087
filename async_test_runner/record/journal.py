"""The journal on disk: an append-only writer that keeps a copy, and a reader that believes what was written only.

The tests of a run can write to its directory. So the writer puts every line into a second file too, which has no name,
and from which the journal is written again at the end where somebody has changed it. When the runner is killed, the
guardian does that: it has both descriptors, and the digest of the last line in memory that the two share.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec

from ..model.errors import ChangedJournalError, InfrastructureError, UsageError
from ..model.result import JournalHead, Problem
from ..system.files import NoFileError, kind_of, opened, replaced
from . import chain
from .events import Event, ProblemFound, RunStarted, decode, encode

FILE_NAME = "journal.jsonl"
_SUMMARY = "summary.json"
_LONGEST = 1 << 30  # bytes of a line
_CHUNK = 1 << 20
_LOOK = 0.05
_SEALED = 16  # where the shared memory has the flag, behind the digest


class JournalWriter:
    """Appends events: what was written survives the death of the writer. It has the run as long as it is open."""

    def __init__(self, path: Path, patience: float = 0.0) -> None:
        """Go on with the journal that is there, if there is one, once no other process writes it.

        ``UsageError`` when another one does so for ``patience`` seconds, ``ChangedJournalError`` when somebody has
        changed it, ``InfrastructureError`` when it cannot be written.
        """
        self._path = path
        self._chain = chain.Chain()
        self._size = 0
        self._mono = 0.0
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)
        with contextlib.ExitStack() as opened_files:
            try:
                self._fd = opened(str(path), os.O_RDWR | os.O_APPEND | os.O_CREAT)
                opened_files.callback(os.close, self._fd)
                copy = tempfile.TemporaryFile(dir=path.parent, buffering=0)  # noqa: SIM115 - closed by `close`
                self._copy = opened_files.enter_context(copy).fileno()
            except NoFileError as error:
                raise ChangedJournalError(f"{path}: {error.strerror}", hint=_HINT) from error
            except OSError as error:
                raise self._refused(error) from error
            self._hold(patience)
            self._take_up()
            self._files = opened_files.pop_all()

    @property
    def head(self) -> JournalHead:
        """The lines so far."""
        return self._chain.head

    def descriptors(self) -> tuple[int, int]:
        """Who holds these holds the run, and can write it again."""
        return self._fd, self._copy

    def _hold(self, patience: float) -> None:
        """Keep others from writing, until all copies of the descriptor are closed."""
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise UsageError(
                        f"run {self._path.parent.name} is still at work in another process",
                        hint="wait for it, or end it and try again",
                    ) from None
                time.sleep(_LOOK)
            except OSError:  # a file system without locks
                return
            else:
                return

    def _take_up(self) -> None:
        """What is there, without what a killed writer left unfinished, is the beginning of what is to come."""
        reader = Reader(self._path, self._fd)
        for event in reader:
            self._mono = event.mono
        self._chain, self._size = reader.chain, reader.size
        try:
            os.ftruncate(self._fd, self._size)
            if reader.lacks_newline:
                self._size += os.write(self._fd, b"\n")
            for data in _chunks(self._fd, self._size):
                _write(self._copy, data)
        except OSError as error:
            raise self._refused(error) from error
        self._shared[:_SEALED] = self._chain.digest.ljust(_SEALED)
        self._shared[_SEALED] = reader.sealed

    # ------------------------------------------------------------------------------------------------------- to write

    def write(self, event: Event) -> None:
        """Append one event. ``InfrastructureError`` when the disk does not take it: then nothing of it is there."""
        line, digest = self._chain.line(encode(event))
        try:
            if self._shared[_SEALED]:
                self._unseal()
            _write(self._copy, line)
            _write(self._fd, line)
        except OSError as error:
            self._take_back()
            raise self._refused(error) from error
        self._chain.advance(digest)
        self._shared[:_SEALED] = digest
        self._size += len(line)
        self._mono = event.mono

    def _take_back(self) -> None:
        """What the disk took of a line that it did not take as a whole."""
        for fd in self.descriptors():
            with contextlib.suppress(OSError):
                if os.fstat(fd).st_size > self._size:
                    os.ftruncate(fd, self._size)
                os.lseek(fd, self._size, os.SEEK_SET)

    def _refused(self, error: OSError) -> InfrastructureError:
        return InfrastructureError(
            f"cannot write the journal {self._path}: {error.strerror}",
            hint="free some space, or choose another place with --run-dir",
        )

    # ---------------------------------------------------------------------------------------------- what others change

    def moved(self) -> str:
        """What has become of the file where that can be seen from outside, as the end of a sentence; else empty."""
        kind = kind_of(self._path)
        if not kind:
            return "was deleted"
        status = self._path.lstat()
        if not os.path.samestat(status, os.fstat(self._fd)):
            return f"was replaced by {kind if kind != 'a file' else 'another file'}"
        if status.st_size < self._size:
            return f"was cut from {self._size} to {status.st_size} bytes"
        if status.st_size > self._size:
            return f"has {status.st_size - self._size} bytes too many"
        return ""

    def changed(self) -> str:
        """The same, with what can be seen inside only."""
        with contextlib.suppress(OSError):
            return self.moved() or ("" if self._agrees(self._size) else "was edited")
        return "cannot be read"

    def _agrees(self, size: int) -> bool:
        """Whether the file begins as its copy does."""
        pairs = zip(_chunks(self._fd, size), _chunks(self._copy, size), strict=True)
        return all(here == there for here, there in pairs)

    def restore(self) -> None:
        """Write the journal again where somebody has changed it. Nothing can be added to it then.

        ``InfrastructureError`` when that cannot be, or when the copy was changed too.
        """
        if not self.changed():
            return
        if _digest(self._copy, self._size) != self._chain.digest:
            raise InfrastructureError(f"cannot write {self._path} again: somebody has changed the copy of it too")
        try:
            if kind_of(self._path) == "a directory":  # not ours to delete
                self._path.rename(_free(self._path))
        except OSError as error:
            raise self._refused(error) from error
        with replaced(self._path) as new:
            new.writelines(_chunks(self._copy, self._size))

    def sync(self) -> None:
        """See to it that the lines so far survive the machine, before anything that knows of them is written."""
        with contextlib.suppress(OSError):
            os.fsync(self._fd)

    def seal(self) -> None:
        """Say that it is complete. ``InfrastructureError`` when that cannot be written."""
        if not self._shared[_SEALED]:
            self.sync()
            chain.seal(self._path, self._path.parent.name, self.head)
            self._shared[_SEALED] = 1

    def _unseal(self) -> None:
        chain.unseal(self._path)
        self._shared[_SEALED] = 0

    def part(self) -> None:
        """What the guardian does, a fork, when the writer was killed: write what is missing, and seal it."""
        if self._shared[_SEALED]:
            return
        if not self._catch_up():
            remembered = self._shared[:_SEALED].decode("ascii", "replace").strip()
            chain.seal(self._path, self._path.parent.name, JournalHead(self.head.events, remembered))
            return
        said = self.changed()
        if said:
            self.write(ProblemFound(at=time.time(), mono=self._mono, problem=problem(said)))
        with contextlib.suppress(InfrastructureError):
            self.restore()
        self.seal()

    def _catch_up(self) -> bool:
        """Learn from the copy what was written since the fork, and finish the last line; False if it cannot be true."""
        before, begin = self._chain.digest, self._size
        with os.fdopen(os.dup(self._copy), "rb") as file:
            file.seek(self._size)
            for line in _lines(file):
                if not line.endswith(b"\n"):
                    break
                before, begin = self._chain.digest, self._size
                try:
                    self._chain.follow(line)
                except chain.BrokenError:
                    return False
                self._size += len(line)
                self._mono = _mono(line, self._mono)
        os.ftruncate(self._copy, self._size)
        os.lseek(self._copy, self._size, os.SEEK_SET)
        self._finish(begin)
        return self._shared[:_SEALED].strip() in (before, self._chain.digest)

    def _finish(self, begin: int) -> None:
        """The last line, from ``begin`` on, may be in the copy and not in the journal yet, or in a part."""
        size = os.fstat(self._fd).st_size
        if begin <= size < self._size and self._agrees(size):
            _write(self._fd, os.pread(self._copy, self._size - size, size))

    def close(self) -> None:
        """Close the files; later writes fail."""
        self._files.close()


def problem(said: str) -> Problem:
    """What a run says about a journal that ``said``: that it was deleted, cut, edited."""
    return Problem(
        "failure",
        f"somebody has changed the journal while the run went on: it {said}",
        "it was written again, and nothing of it is lost; look for code that writes to the run directory",
        stays=True,
    )


# ------------------------------------------------------------------------------------------------------------- to read


class Reader:
    """The events of a journal, one by one; what is known about the whole is known after the last one.

    ``ChangedJournalError`` at a line that is not the one that was written, ``InfrastructureError`` when the file cannot
    be read. Damaged lines of a version that had no digests are passed over, and so are kinds of a later version, and
    the torn end that a killed writer leaves.
    """

    def __init__(self, path: Path, fd: int | None = None) -> None:
        """``fd`` is a descriptor of the file, where it is open already."""
        self._path = path
        self._fd = fd
        self._number = 0
        self._said: list[tuple[Path, JournalHead]] = []  # what is known from elsewhere
        self.chain = chain.Chain()
        self.size = 0  # bytes that are part of it
        self.lacks_newline = False
        self.sealed = False  # it is complete, and as it was when its run ended

    @property
    def head(self) -> JournalHead:
        """The lines that were read."""
        return self.chain.head

    def __iter__(self) -> Iterator[Event]:
        seal = self._known(chain.sealed(self._path))
        try:
            with self._opened() as file:
                for line in _lines(file):
                    event = self._taken(line, seal)
                    if isinstance(event, RunStarted):
                        self._ask_summary(event.run_id)
                        self._compare()
                    if event is not None:
                        yield event
        except NoFileError as error:
            raise ChangedJournalError(f"{self._path}: {error.strerror}", hint=_HINT) from error
        except OSError as error:
            raise InfrastructureError(f"cannot read the journal {self._path}: {error.strerror}") from error
        self._hold_against(seal)

    def _opened(self) -> BinaryIO:
        if self._fd is None:
            return open(self._path, "rb", opener=opened)
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._fd), "rb")

    def _taken(self, line: bytes, seal: chain.Seal | None) -> Event | None:
        """The event of the next line."""
        self._number += 1
        if not line.endswith(b"\n"):
            return self._end(line, seal)
        try:
            self.chain.follow(line)
        except chain.BrokenError:
            self._refuse("this line does not follow from those before it")
        self.size += len(line)
        self._compare()
        return _decoded(line)

    def _end(self, line: bytes, seal: chain.Seal | None) -> Event | None:
        """The last line of a killed writer. A whole one, without its newline, counts."""
        if seal is not None or len(line) > _LONGEST:
            self._refuse("this line is not complete")
        event = _decoded(line)
        if event is None:
            return None
        try:
            self.chain.follow(line + b"\n")
        except chain.BrokenError:
            return None
        self.size += len(line)
        self.lacks_newline = True
        self._compare()
        return event

    def _known(self, path: Path) -> chain.Seal | None:
        try:
            return chain.read(path)
        except (InfrastructureError, msgspec.DecodeError):
            raise ChangedJournalError(f"{path}: this is no seal of a journal", hint=_HINT) from None

    def _ask_summary(self, run_id: str) -> None:
        """What an earlier report of the run knew of its journal; it is there since a hang, or since its end."""
        path = self._path.parent / _SUMMARY
        with contextlib.suppress(InfrastructureError, msgspec.DecodeError):
            found = chain.read(path, _LONGEST)
            if found is not None and found.run_id == run_id and found.journal is not None:
                self._said.append((path, found.journal))

    def _compare(self) -> None:
        for path, head in self._said:
            if head.events == self.chain.events and head != self.head:
                self._refuse(f"up to this line, {path.name} knows it otherwise")

    def _hold_against(self, seal: chain.Seal | None) -> None:
        """What was read against what is known of the whole."""
        for path, head in self._said:
            if head.events > self.chain.events:
                self._refuse(f"it ends here, and {path.name} knows {head.events} lines")
        if seal is None:
            return
        if seal.journal == self.head:
            self.sealed = True
        elif self._known(chain.sealed(self._path)) == seal:  # or else its run has been resumed meanwhile
            lines = seal.journal.events if seal.journal is not None else 0
            self._refuse(f"its last line is not the last of the {lines} lines that were sealed")

    def _refuse(self, why: str) -> NoReturn:
        place = f"{self._path}:{self._number}" if self._number else f"{self._path}"
        raise ChangedJournalError(f"{place}: somebody has changed the journal after it was written: {why}", hint=_HINT)


_HINT = "run everything anew: async-test-run run; `async-test-run report --list` shows other runs"


def read(path: Path) -> Iterator[Event]:
    """The events of a journal, as a `Reader` reads them."""
    return iter(Reader(path))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file with their ends; the last may be torn, or too long."""
    while line := file.readline(_LONGEST + 1):
        yield line
        if not line.endswith(b"\n"):
            return


def _write(fd: int, data: bytes) -> None:
    while data:  # a short write is what a nearly full disk answers before it answers ENOSPC
        data = data[os.write(fd, data) :]


def _decoded(line: bytes) -> Event | None:
    with contextlib.suppress(msgspec.DecodeError):
        return decode(line)
    return None


def _mono(line: bytes, otherwise: float) -> float:
    event = _decoded(line)
    return otherwise if event is None else event.mono


def _digest(fd: int, size: int) -> bytes:
    """That of the lines in the first bytes of a file; empty if they do not follow from each other."""
    found = chain.Chain()
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        try:
            for line in _lines(file):
                found.follow(line)
                if file.tell() >= size:
                    break
        except chain.BrokenError:
            return b""
        finally:
            os.lseek(fd, 0, os.SEEK_END)
    return found.digest


def _chunks(fd: int, size: int) -> Iterator[bytes]:
    """The first bytes of a file, piece by piece; fewer where there are fewer."""
    for position in range(0, size, _CHUNK):
        yield os.pread(fd, min(_CHUNK, size - position), position)


def _free(path: Path) -> Path:
    """A name beside a path that nobody has."""
    return next(name for n in range(1, 1 << 30) if not kind_of(name := path.with_name(f"{path.name}.{n}")))

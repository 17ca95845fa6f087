"""The digest that runs through a journal: each line ends with that of all lines up to itself.

    {"kind":"warned","at":…,"message":"…","chain":"0123456789abcdef"}

It is the first 16 hexadecimal digits of the SHA-256 of the digest before it and the line without its ``chain``. Before
the first line there is none. Lines of a version that had no digests may come first; what follows them begins with the
digest of their bytes. So nobody can change, leave out or add a line without changing the digest of the last one, the
head. The head is in a file of its own beside the journal, the seal, once nothing more is to be written.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from ..model.errors import InfrastructureError
from ..model.result import JournalHead
from ..system.files import opened, replaced

_MARK = b',"chain":"'
_DIGITS = 16
_TAIL = len(_MARK) + _DIGITS + len(b'"}\n')
_MOST = 1 << 16  # bytes of a seal


class BrokenError(Exception):
    """A line that does not follow from those before it."""


class Chain:
    """The digest of the lines so far."""

    def __init__(self) -> None:
        self.events = 0
        self._digest = b""
        self._bare = hashlib.sha256()  # the lines without a digest, which may come first

    @property
    def digest(self) -> bytes:
        """Of all lines so far, as hexadecimal digits; empty before the first one."""
        return self._digest or (self._bare.hexdigest()[:_DIGITS].encode() if self.events else b"")

    @property
    def head(self) -> JournalHead:
        """The lines so far."""
        return JournalHead(self.events, self.digest.decode())

    def line(self, event: bytes) -> tuple[bytes, bytes]:
        """The whole line of an event that is to follow, and its digest. It follows once that is `advanced` to."""
        before = self._digest or self.digest
        digest = hashlib.sha256(before + event).hexdigest()[:_DIGITS].encode()
        return event[:-1] + _MARK + digest + b'"}\n', digest

    def advance(self, digest: bytes) -> None:
        """One more line, with this digest."""
        self.events += 1
        self._digest = digest

    def follow(self, line: bytes) -> None:
        """One more line, as it was read. `BrokenError` if it is not the one that was written."""
        if line[-_TAIL : -_TAIL + len(_MARK)] == _MARK:
            expected, digest = self.line(line[:-_TAIL] + b"}")
            if line != expected:
                raise BrokenError
            self.advance(digest)
        elif self._digest:
            raise BrokenError
        else:
            self._bare.update(line)
            self.events += 1


class Seal(msgspec.Struct, frozen=True):
    """What is known of a journal that is complete, or, by the summary, of its beginning."""

    run_id: str
    journal: JournalHead | None = None


def sealed(path: Path) -> Path:
    """Where the seal of a journal is."""
    return path.with_suffix(".seal")


def seal(path: Path, run_id: str, head: JournalHead) -> None:
    """Say that the journal is complete. ``InfrastructureError`` when that cannot be written."""
    with replaced(sealed(path)) as file:
        file.write(msgspec.json.encode(Seal(run_id, head)) + b"\n")


def read(path: Path, most: int = _MOST) -> Seal | None:
    """The seal in a file, of ``most`` bytes at most; None if there is none. It may be a whole summary.

    ``InfrastructureError`` when it cannot be read, ``msgspec.DecodeError`` when it is none.
    """
    try:
        with open(path, "rb", opener=opened) as file:
            return msgspec.json.decode(file.read(most), type=Seal)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InfrastructureError(f"cannot read {path}: {error.strerror}") from error


def unseal(path: Path) -> None:
    """The journal goes on."""
    with contextlib.suppress(FileNotFoundError):
        sealed(path).unlink()

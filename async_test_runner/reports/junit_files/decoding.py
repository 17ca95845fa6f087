"""An input as UTF-8 that expat takes: other encodings, declarations of their own, and characters that XML forbids."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .xml import is_legal, spelled

_CHUNK = 64 * 1024
_HEAD = 4 * 1024  # an XML declaration is expected to end in here


class UnusableError(Exception):
    """Why an input, or its end, cannot be used; ``kind`` is the type of its error testcase."""

    def __init__(self, path: Path, kind: str, reason: str, place: tuple[int, int] | None = None) -> None:
        where = f":{place[0]}:{place[1]}" if place else ""
        self.path, self.kind = path, kind
        self.message = f"{path}{where}: {reason}"
        super().__init__(self.message)


# An entity that is not declared is an error only in a document that stands alone, and else stays in the text.
_DECLARATION = b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
_THEIRS = re.compile(rb"<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_UTF8_ALREADY = re.compile(r"utf-8|ascii|utf-16.*|utf-32.*")  # the last two: it would not have been readable so far
# Python's codecs also unpack archives and evaluate escapes; these map bytes to characters.
_CHARACTER_SETS = re.compile(
    r"(iso8859-|cp|koi8-|kz1048|mac-|big5|gb|hz|euc_|johab|shift_jis|iso2022_|tis-620|hp-roman8|utf-16|utf-32).*"
)


class Decoding:
    """An input as UTF-8 with an XML declaration of ours, and places in it as its author counts them.

    One that ``mends`` also makes something that expat takes of what is not legal in XML 1.0: see `_Mender`.
    """

    def __init__(self, path: Path, *, mends: bool = False) -> None:
        self.mends = mends
        self._path = path
        self._line, self._column = 1, 0  # where the input's own declaration ends

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column, both from 1, of a place as expat has it."""
        if line > 1:
            return line + self._line - 1, column + 1
        return self._line, max(0, column - len(_DECLARATION)) + self._column + 1

    def chunks(self, stuck: Callable[[], bool]) -> Iterator[bytes]:
        """The input in chunks, none for an empty one. ``stuck`` is asked whether they should become larger."""
        try:
            with self._path.open("rb") as file:
                head = file.read(_HEAD)
                if head:
                    yield from self._recoded(head, file, stuck)
        except OSError as error:
            raise UnusableError(self._path, "unreadable", f"cannot be read: {error.strerror}") from error

    def _recoded(self, head: bytes, file: BinaryIO, stuck: Callable[[], bool]) -> Iterator[bytes]:
        encoding = self._encoding(head) or ("utf-8" if self.mends else "")
        errors = "replace" if self.mends else "strict"
        decoder = codecs.getincrementaldecoder(encoding)(errors) if encoding else None
        mended = _Mender() if self.mends else _unchanged
        size = _CHUNK
        data = head.removeprefix(codecs.BOM_UTF8)
        first = True
        while data or decoder is not None:
            try:
                chunk = mended(decoder.decode(data, final=not data), not data).encode() if decoder else data
            except UnicodeDecodeError as error:
                # of "utf-16" the error knows the byte order; of single-byte sets it says "charmap", which is none
                known = error.encoding if error.encoding.startswith("utf") else encoding
                yield error.object[: error.start].decode(known, "ignore").encode()
                raise
            yield self._redeclared(chunk) if first else chunk
            if not data:
                return
            first = False
            size = 2 * size if stuck() else size
            data = file.read(size)

    def _redeclared(self, head: bytes) -> bytes:
        theirs = _THEIRS.match(head)
        if theirs is None:
            return _DECLARATION + head
        lines = theirs[0].split(b"\n")
        self._line, self._column = len(lines), len(lines[-1])
        return _DECLARATION + head[theirs.end() :]

    def _encoding(self, head: bytes) -> str:
        """The codec to decode with; empty for UTF-8, which expat checks itself."""
        for mark, name in _MARKS:
            if head.startswith(mark):
                return name
        declared = _ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
        if declared is None or head.startswith(codecs.BOM_UTF8):
            return ""
        try:
            name = codecs.lookup(declared[1].decode()).name
        except LookupError:
            name = ""
        if _UTF8_ALREADY.fullmatch(name):
            return ""
        if not _CHARACTER_SETS.fullmatch(name):
            raise UnusableError(self._path, "refused", f"its encoding is not supported: {declared[1].decode()}")
        return name


# ------------------------------------------------------------------------------------------------------------- mending

_LONGEST_PART = 12  # characters: &#1114111; has ten
_PART = re.compile(r"(?:&#?[0-9A-Fa-fx]*|<(?:!(?:\[[CDAT]*)?)?|\]\]?)\Z")
_SUSPECT = re.compile(
    r"<!\[CDATA\[|\]\]>|[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));"
)


def _unchanged(text: str, final: bool) -> str:
    return text


class _Mender:
    """Spells out the characters that XML cannot hold, and references to them: ``#x1B``. The rest stays as it is.

    In a CDATA section a reference is text. What may be the beginning of one at the end of a piece waits for the next.
    """

    def __init__(self) -> None:
        self._kept = ""
        self._is_literal = False

    def __call__(self, text: str, final: bool) -> str:
        text = self._kept + text
        part = None if final else _PART.search(text, max(0, len(text) - _LONGEST_PART))
        self._kept = text[part.start() :] if part is not None else ""
        return _SUSPECT.sub(self._mended, text[: len(text) - len(self._kept)])

    def _mended(self, found: re.Match[str]) -> str:
        text = found[0]
        if text in ("<![CDATA[", "]]>"):
            self._is_literal = text[0] == "<"
            return text
        if text[0] != "&":
            return spelled(ord(text))
        code = int(found[1], 16) if found[1] else int(found[2])
        return text if self._is_literal or is_legal(code) else spelled(code)

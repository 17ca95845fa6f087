"""Reads JUnit XML of any producer: finds the suites, counts them, and notes where in a spool file their content lies.

Nothing is built in memory but one small record per suite. The input is copied to the spool as UTF-8 and checked by
expat on the way; element names are those of the root's namespace, or of none.
"""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from ...model.errors import InfrastructureError
from .xml import Counts

_CHUNK = 64 * 1024
_HEAD = 4 * 1024  # an XML declaration is expected to end in here
_DEPTH_LIMIT = 50
_PREFIX_LIMIT = 4096  # bytes of namespace declarations that every suite of a file inherits
_NAME_LIMIT = 500
_LONGEST = 1e9  # seconds; what is longer, or negative, is no duration

_SUITES = frozenset({"testsuite", "testsuites"})
_VERDICTS = frozenset({"failure", "error", "skipped"})


class UnusableError(Exception):
    """Why an input, or its end, cannot be used; ``kind`` is the type of its error testcase."""

    def __init__(self, path: Path, kind: str, reason: str, place: tuple[int, int] | None = None) -> None:
        where = f":{place[0]}:{place[1]}" if place else ""
        self.path, self.kind = path, kind
        self.message = f"{path}{where}: {reason}"
        super().__init__(self.message)


class Spool:
    """Everything that was read, one input after the other, addressed by offset. The file has no name."""

    def __init__(self, directory: Path | None) -> None:
        try:
            self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - `close` is the owner's
        except OSError as error:
            raise InfrastructureError(f"cannot write into {directory}: {error.strerror}") from error
        self.size = 0
        self._last = b""

    def append(self, data: bytes) -> None:
        """Add to the end. ``InfrastructureError`` when the disk is full."""
        try:
            self._file.seek(self.size)
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise InfrastructureError(
                f"cannot keep a copy of the inputs: {error.strerror}",
                hint="free as much space as the inputs take, next to the output file",
            ) from error
        self.size += len(data)
        self._last = data

    def read(self, start: int, size: int) -> bytes:
        """Up to ``size`` bytes."""
        recent = start - (self.size - len(self._last))
        if recent >= 0:  # a report may be little else than suites, whose tags are read again: not from the disk
            return self._last[recent : recent + size]
        self._file.seek(start)
        return self._file.read(size)

    def copy(self, start: int, end: int, output: BinaryIO) -> None:
        """Write what lies between two offsets to a file."""
        self._file.seek(start)
        while start < end:
            data = self._file.read(min(end - start, 16 * _CHUNK))
            output.write(data)
            start += len(data)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class Suite:
    """A suite of an input. ``segments`` are the spool's offsets of its content, without the suites in it.

    ``container`` is a ``<testsuites>``: a suite only when it holds testcases or anything else of its own (``filled``).
    ``outermost`` is what stands in containers only.
    """

    __slots__ = (
        "attributes",
        "container",
        "counts",
        "empty",
        "filled",
        "name",
        "outermost",
        "own_time",
        "prefixes",
        "segments",
        "start",
        "timed",
        "timestamp",
    )

    def __init__(self, name: str, tag: _StartTag, attrs: dict[str, str], *, container: bool, outermost: bool) -> None:
        self.name = name
        self.container = container
        self.outermost = outermost
        self.attributes = tag.kept
        self.prefixes = tag.prefixes
        self.empty = tag.empty
        self.counts = Counts()
        self.own_time = duration(attrs.get("time", ""))
        self.timestamp = attrs.get("timestamp", "")
        self.timed = False  # whether a testcase says how long it took
        self.filled = False
        self.segments: list[tuple[int, int]] = []
        self.start = tag.end  # of the segment that is being read

    @property
    def time(self) -> float:
        """Seconds as its testcases say; as it says itself when none of them does."""
        return self.counts.time if self.timed else self.own_time or 0.0

    def count(self, attrs: dict[str, str], verdicts: set[str]) -> None:
        """Count a testcase of this suite."""
        time = duration(attrs.get("time", ""))
        self.timed = self.timed or time is not None
        self.counts.add(verdicts, time or 0.0)


class Reader:
    """One input: feeds expat and keeps the stack of open suites.

    ``_inner`` is the number of open elements below the innermost suite: 0 between its children, 1 in a testcase, 2 in a
    child of that. The parser's offsets and the spool's differ by ``_base``.
    """

    def __init__(self, path: Path, spool: Spool) -> None:
        self.suites: list[Suite] = []
        self._path = path
        self._spool = spool
        self._base = spool.size
        self._open: list[Suite] = []
        self._kinds: dict[str, str] = {}
        self._inner = 0
        self._ended: tuple[int, int] | None = None  # line and column of the end of the outermost suite
        self._case: dict[str, str] | None = None
        self._verdicts: set[str] = set()
        self._child = (0, 0)  # start and end of the last child of any suite that is complete
        self._child_start = 0
        self._decoding = _Decoding(path)

    def read(self) -> None:
        """Read the input. `UnusableError` says why it, or its rest, is of no use; ``suites`` holds what is."""
        parser = self._new_parser()
        try:
            self._feed(parser)
        except UnusableError:
            self._close_broken()
            raise
        finally:
            del self._parser  # it and its handlers refer to each other: each would wait for the garbage collector

    def _new_parser(self) -> expat.XMLParserType:
        # aware of namespaces, since a prefix without a declaration would spoil the merged file for its readers
        self._parser = parser = expat.ParserCreate("utf-8", "}")
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity
        parser.AttlistDeclHandler = self._attlist
        return parser

    def _feed(self, parser: expat.XMLParserType) -> None:
        last = -1

        def stuck() -> bool:  # no token was complete: larger chunks keep a huge one from costing quadratic time
            nonlocal last
            before, last = last, parser.CurrentByteIndex
            return before == last

        try:
            for chunk in self._decoding.chunks(stuck):
                self._spool.append(chunk)
                parser.Parse(chunk, False)
            if self._spool.size == self._base:
                raise UnusableError(self._path, "empty", "the file is empty")
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._broken(error) from None
        except UnicodeError as error:
            raise self._refusal("malformed", f"the text does not decode: {getattr(error, 'reason', error)}") from None

    def _broken(self, error: expat.ExpatError) -> UnusableError:
        if self._ended is not None and error.code not in _BREAKS_OFF:
            # what expat calls it, and where, depends on how much of it has been read
            return UnusableError(
                self._path, "malformed", "junk after document element", self._decoding.place(*self._ended)
            )
        kind = "truncated" if error.code in _BREAKS_OFF else "malformed"
        if error.code == _NO_ELEMENTS and not self.suites:
            kind = "empty"
        reason = "breaks off inside an element" if error.code == _NO_ELEMENTS else expat.errors.messages[error.code]
        reason = "holds no element" if kind == "empty" else reason
        return UnusableError(self._path, kind, reason, self._decoding.place(error.lineno, error.offset))

    def _refusal(self, kind: str, reason: str) -> UnusableError:
        place = self._decoding.place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)
        return UnusableError(self._path, kind, reason, place)

    # -------------------------------------------------------------------------------------------- handlers, hot first

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        inner = self._inner
        if inner:
            if inner == 1 and self._case is not None:
                tag = self._kinds.get(name, "")
                if tag in _VERDICTS:
                    self._verdicts.add(tag)
            self._inner = inner + 1
            return
        if not self._kinds:
            self._kinds = self._vocabulary(name)
        kind = self._kinds.get(name)
        if kind in _SUITES:
            self._open_suite(attrs, container=kind == "testsuites")
            return
        self._child_start = self._parser.CurrentByteIndex
        self._case = attrs if kind == "testcase" else None
        self._inner = 1

    def _end(self, name: str) -> None:
        inner = self._inner
        if inner > 1:
            self._inner = inner - 1
        elif inner:
            self._inner = 0
            self._child = (self._child_start, self._parser.CurrentByteIndex)
            suite = self._open[-1]
            suite.filled = True
            if self._case is not None:
                suite.count(self._case, self._verdicts)
                self._verdicts.clear()
        else:
            self._close_suite()

    def _entity(self, name: str, *_: object) -> None:
        raise self._refusal("refused", f"declares the entity {name}: entities are not expanded")

    def _attlist(self, element: str, name: str, kind: str, default: str | None, required: bool) -> None:
        if default is not None:
            raise self._refusal("refused", f"declares a default for the attribute {name} of {element}")

    def _vocabulary(self, root: str) -> dict[str, str]:
        """What elements are called in this input: ``namespace}tag`` and ``tag`` -> tag."""
        parts = root.split("}")  # namespace, tag, prefix
        tag = parts[-2] if len(parts) > 2 else parts[-1]
        if tag not in _SUITES or len(parts) > 2:
            shown = f"{parts[-1]}:{tag}" if len(parts) > 2 else tag
            raise self._refusal("foreign", f"no JUnit XML: the root is <{shown}>, not <testsuites> or <testsuite>")
        namespace = root.removesuffix(tag)
        tags = (*_SUITES, *_VERDICTS, "testcase")
        return {tag: tag for tag in tags} | {namespace + tag: tag for tag in tags}

    # --------------------------------------------------------------------------------------------------------- suites

    def _open_suite(self, attrs: dict[str, str], *, container: bool) -> None:
        start = self._base + self._parser.CurrentByteIndex
        outer = self._open[-1] if self._open else None
        if len(self._open) == _DEPTH_LIMIT:
            raise self._refusal("refused", f"suites are nested more than {_DEPTH_LIMIT} deep")
        tag = _start_tag(self._spool, start, outer.prefixes if outer else {})
        if sum(map(len, tag.prefixes.values())) > _PREFIX_LIMIT:
            raise self._refusal("refused", f"a suite declares more than {_PREFIX_LIMIT} bytes of namespaces")
        name = (attrs.get("name") or self._path.stem)[:_NAME_LIMIT]
        if outer is not None:
            outer.segments.append((outer.start, start))
            name = name if outer.container else f"{outer.name}/{name}"[:_NAME_LIMIT]
        outermost = all(suite.container for suite in self._open)
        suite = Suite(name, tag, attrs, container=container, outermost=outermost)
        self._open.append(suite)
        self.suites.append(suite)

    def _close_suite(self) -> None:
        suite = self._open.pop()
        end = self._base + self._parser.CurrentByteIndex
        suite.segments.append((suite.start, end))
        if not self._open:
            self._ended = (self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)
        else:
            self._open[-1].start = end if suite.empty else _end_of_tag(self._spool, end)

    def _close_broken(self) -> None:
        """The innermost open suite ends with its last complete child; the segments of those around it are closed."""
        if not self._open:
            return
        suite = self._open[-1]
        start, end = (self._base + offset for offset in self._child)
        if start >= suite.start:
            # at an element's end expat stands behind <a/>, but before </a>
            empty = _start_tag(self._spool, start, {}).empty
            suite.segments.append((suite.start, end if empty else _end_of_tag(self._spool, end)))


# ------------------------------------------------------------------------------------------------------- tags, numbers

_CODES = expat.errors.codes
_NO_ELEMENTS = _CODES[expat.errors.XML_ERROR_NO_ELEMENTS]
_BREAKS_OFF = {
    _NO_ELEMENTS,
    _CODES[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    _CODES[expat.errors.XML_ERROR_PARTIAL_CHAR],
    _CODES[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}

# Only ever applied to tags that expat has accepted.
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG = re.compile(rb"""<[^\s/>]++((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*+)\s*(/?)>""")
_RECOMPUTED = frozenset({b"name", b"tests", b"failures", b"errors", b"skipped", b"time", b"xmlns"})


class _StartTag(NamedTuple):
    """A suite's start tag: where it ends, and its attributes as they stood, with the prefixes of those around it."""

    end: int
    empty: bool
    kept: bytes
    prefixes: dict[bytes, bytes]


def _start_tag(spool: Spool, start: int, inherited: dict[bytes, bytes]) -> _StartTag:
    match, size = None, 1024
    while match is None:
        match, size = _TAG.match(spool.read(start, size)), 2 * size
    own = {name: b" %b=%b" % (name, value) for name, value in _ATTRIBUTE.findall(match[1])}
    prefixes = inherited | {name: value for name, value in own.items() if name.startswith(b"xmlns:")}
    kept = prefixes | {name: value for name, value in own.items() if name not in _RECOMPUTED}
    return _StartTag(start + match.end(), bool(match[2]), b"".join(kept.values()), prefixes)


def _end_of_tag(spool: Spool, start: int) -> int:
    """The offset behind the end tag that begins at ``start``."""
    at, size = -1, 64
    while at < 0:
        at, size = spool.read(start, size).find(b">"), 2 * size
    return start + at + 1


def duration(value: str) -> float | None:
    """Seconds; None when the text says none. Java writes ``1,234.5``, some locales ``0,5``."""
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = _localised(value)
    return number if 0 <= number < _LONGEST else None


def _localised(value: str) -> float:
    if re.fullmatch(r"\s*[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*", value):
        return float(value.replace(",", ""))
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return -1.0


# ----------------------------------------------------------------------------------------------------------- decoding

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


class _Decoding:
    """An input as UTF-8 with an XML declaration of ours, and places in it as its author counts them."""

    def __init__(self, path: Path) -> None:
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
        encoding = self._encoding(head)
        decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
        size = _CHUNK
        data = head.removeprefix(codecs.BOM_UTF8)
        first = True
        while data or decoder is not None:
            try:
                chunk = decoder.decode(data, final=not data).encode() if decoder else data
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

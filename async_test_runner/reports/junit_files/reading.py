"""Reads JUnit XML of any producer: finds the suites, counts them, and notes where in a spool file their content lies.

Nothing is built in memory but one small record per suite. The input is copied to the spool as UTF-8 and checked by
expat on the way; element names are those of the root's namespace, or of none.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from ...model.errors import InfrastructureError
from ..wording import words
from .decoding import Decoding, UnusableError
from .verdicts import LEFT_OUT, VERDICTS, unread
from .xml import Counts, element

_COPIED = 1 << 20
_DEPTH_LIMIT = 50
_PREFIX_LIMIT = 4096  # bytes of namespace declarations that every suite of a file inherits
_NAME_LIMIT = 500
_LONGEST = 1e9  # seconds; what is longer, or negative, is no duration

_SUITES = frozenset({"testsuite", "testsuites"})
# Roots of other test results: NUnit, xUnit.net, Visual Studio, TestNG, Robot Framework, Catch2, doctest, CTest.
_RESULTS = frozenset(
    {
        *("test-run", "test-results", "assemblies", "assembly", "testrun", "testng-results", "robot", "catch"),
        *("catch2testrun", "catchtestrun", "doctest", "site"),
    }
)
# Behind the end of a document: another one, or as much as there is of its beginning.
_ANOTHER = re.compile(rb"\s*(?=<\?xml\s|<testsuites?[\s/>])")
_BEGINNINGS = (b"<?xml ", b"<testsuites>")
_NEXT = {
    expat.errors.codes[name]
    for name in (expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT, expat.errors.XML_ERROR_MISPLACED_XML_PI)
}
_MENDABLE = {
    expat.errors.codes[name] for name in (expat.errors.XML_ERROR_INVALID_TOKEN, expat.errors.XML_ERROR_BAD_CHAR_REF)
}


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
            data = self._file.read(min(end - start, _COPIED))
            output.write(data)
            start += len(data)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class _MendableError(UnusableError):
    """Another look at it, which takes what is not legal in XML, may help."""


class Suite:
    """A suite of an input. ``segments`` are its content: offsets in the spool, without the suites in it, or additions.

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
        "own_red",
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
        self.own_red = _number(attrs.get("failures", "")) + _number(attrs.get("errors", ""))
        self.timestamp = attrs.get("timestamp", "")
        self.timed = False  # whether a testcase says how long it took
        self.filled = False
        self.segments: list[tuple[int, int] | bytes] = []
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
    """One input, which may hold several documents: feeds expat and keeps the stack of open suites.

    ``_inner`` is the number of open elements below the innermost suite: 0 between its children, 1 in a testcase, 2 in a
    child of that. The parser's offsets and the spool's differ by ``_base``.
    """

    def __init__(self, path: Path, spool: Spool) -> None:
        self._path = path
        self._spool = spool
        self._first = spool.size
        self._begin(Decoding(path))

    def _begin(self, decoding: Decoding) -> None:
        self.documents: list[list[Suite]] = []
        self._decoding = decoding
        self._spool.size = self._first
        self._lines: int | None = None  # that stand before the document, but for the first one
        self._begin_document(self._first)

    def _begin_document(self, start: int) -> None:
        self.documents.append([])
        self._base = start
        self._open: list[Suite] = []
        self._kinds: dict[str, str] = {}
        self._inner = 0
        self._ended: tuple[int, int] | None = None  # line and column of the end of the outermost suite
        self._end_offset = 0  # of it
        self._waits: expat.ExpatError | None = None  # what is wrong, unless it becomes the beginning of a document
        self._case: dict[str, str] | None = None
        self._verdicts: set[str] = set()
        self._left_out = ""
        self._child = (0, 0)  # start and end of the last child of any suite that is complete
        self._child_start = 0
        self._parser = self._new_parser()

    @property
    def suites(self) -> list[Suite]:
        """Of all documents."""
        return [suite for suites in self.documents for suite in suites]

    @property
    def is_mended(self) -> bool:
        """Whether characters that XML cannot hold stand in another way in the copy."""
        return self._decoding.mends

    def read(self) -> None:
        """Read the input. `UnusableError` says why it, or its rest, is of no use; ``suites`` holds what is."""
        try:
            try:
                self._feed()
            except _MendableError as first:
                self._begin(Decoding(self._path, mends=True))
                self._feed_again(first)
        except UnusableError:
            self._close_broken()
            raise
        finally:
            del self._parser  # it and its handlers refer to each other: each would wait for the garbage collector

    def _feed_again(self, first: UnusableError) -> None:
        """What has no suites all the same was none from the beginning: that is what is wrong."""
        try:
            self._feed()
        except UnusableError as problem:
            raise problem if self.suites else first from None

    def _new_parser(self) -> expat.XMLParserType:
        # aware of namespaces, since a prefix without a declaration would spoil the merged file for its readers
        parser = expat.ParserCreate("utf-8", "}")
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity
        parser.AttlistDeclHandler = self._attlist
        return parser

    def _feed(self) -> None:
        last = -1

        def stuck() -> bool:  # no token was complete: larger chunks keep a huge one from costing quadratic time
            nonlocal last
            before, last = last, self._parser.CurrentByteIndex
            return before == last

        try:
            for chunk in self._decoding.chunks(stuck):
                self._spool.append(chunk)
                self._parse(chunk)
            if self._spool.size == self._first:
                raise UnusableError(self._path, "empty", "the file is empty")
            if self._waits is not None:
                raise self._waits
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._broken(error) from None
        except UnicodeError as error:
            reason = f"the text does not decode: {getattr(error, 'reason', error)}"
            raise self._mendable("malformed", reason, self._place_now()) from None
        self._check_verdicts()

    def _parse(self, chunk: bytes) -> None:
        """Parse what has come, of as many documents as it holds."""
        if self._waits is not None:
            chunk = self._next_document(self._waits)
        while chunk:
            try:
                self._parser.Parse(chunk, False)
            except expat.ExpatError as error:
                chunk = self._next_document(error)
            else:
                return

    def _next_document(self, error: expat.ExpatError) -> bytes:
        """What there is of the document that begins behind the last; nothing as long as that is not sure."""
        if self._ended is None or error.code not in _NEXT:
            raise error
        rest = self._spool.read(self._end_offset, self._spool.size - self._end_offset)
        found = _ANOTHER.match(rest)
        if found is None:
            if not any(beginning.startswith(rest.lstrip()) for beginning in _BEGINNINGS):
                raise error
            self._waits = error
            return b""
        self._check_verdicts()
        line, _ = self._place(*self._ended)
        self._lines = line - 1 + found[0].count(b"\n")
        self._begin_document(self._end_offset + found.end())
        return rest[found.end() :]

    def _check_verdicts(self) -> None:
        """A document that speaks of failures and shows none has lost them on its way."""
        suites = self.documents[-1]
        red = max((suite.own_red for suite in suites if suite.outermost), default=0)
        if red and not any(suite.counts.red for suite in suites):
            reason = f"declares {words.plural(red, 'failure')}, and no testcase in it has one"
            raise UnusableError(self._path, "inconsistent", reason)

    def _broken(self, error: expat.ExpatError) -> UnusableError:
        if self._ended is not None and error.code not in _BREAKS_OFF:
            # what expat calls it, and where, depends on how much of it has been read
            return UnusableError(self._path, "malformed", "junk after document element", self._place(*self._ended))
        place = self._place(error.lineno, error.offset)
        if error.code in _MENDABLE:
            return self._mendable("malformed", expat.errors.messages[error.code], place)
        kind = "truncated" if error.code in _BREAKS_OFF else "malformed"
        if error.code == _NO_ELEMENTS and not self.suites:
            kind = "empty"
        reason = "breaks off inside an element" if error.code == _NO_ELEMENTS else expat.errors.messages[error.code]
        reason = "holds no element" if kind == "empty" else reason
        return UnusableError(self._path, kind, reason, place)

    def _mendable(self, kind: str, reason: str, place: tuple[int, int]) -> UnusableError:
        """What another look may help with, if that has not been tried."""
        problem = UnusableError if self._decoding.mends else _MendableError
        return problem(self._path, kind, reason, place)

    def _refusal(self, kind: str, reason: str) -> UnusableError:
        return UnusableError(self._path, kind, reason, self._place_now())

    def _place_now(self) -> tuple[int, int]:
        return self._place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)

    def _place(self, line: int, column: int) -> tuple[int, int]:
        if self._lines is None:
            return self._decoding.place(line, column)
        return self._lines + line, column + 1

    # -------------------------------------------------------------------------------------------- handlers, hot first

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        inner = self._inner
        if inner:
            if inner == 1 and self._case is not None:
                tag = self._kinds.get(name, "")
                if tag in VERDICTS:
                    self._verdicts.add(tag)
                elif tag in LEFT_OUT:
                    self._left_out = tag
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
                self._judge(suite, self._case)
        else:
            self._close_suite()

    def _judge(self, suite: Suite, case: dict[str, str]) -> None:
        """Count a testcase. What it says of its outcome in a way that nobody reads is written as everybody does."""
        tag, said = unread(case, self._verdicts, self._left_out)
        if tag:
            self._verdicts.add(tag)
            self._write(suite, element(tag, [("message", said)]).encode())
        suite.count(case, self._verdicts)
        self._verdicts.clear()
        self._left_out = ""

    def _write(self, suite: Suite, text: bytes) -> None:
        """Add something at the end of the testcase that ends here."""
        start, end = self._child
        tag = _start_tag(self._spool, self._base + start, {})
        end += self._base
        if not tag.empty:
            suite.segments += [(suite.start, end), text]
        else:  # <testcase/> becomes <testcase>...</testcase>
            name = _NAME.match(self._spool.read(self._base + start, _NAME_LIMIT))
            suite.segments += [
                (suite.start, end - 2),
                b">%b</%b>" % (text, name[1] if name is not None else b"testcase"),
            ]
        suite.start = end

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
            kind = "results" if tag.lower() in _RESULTS else "foreign"
            raise self._refusal(kind, f"no JUnit XML: the root is <{shown}>, not <testsuites> or <testsuite>")
        namespace = root.removesuffix(tag)
        tags = (*_SUITES, *VERDICTS, *LEFT_OUT, "testcase")
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
        self.documents[-1].append(suite)

    def _close_suite(self) -> None:
        suite = self._open.pop()
        end = self._base + self._parser.CurrentByteIndex
        suite.segments.append((suite.start, end))
        behind = end if suite.empty else _end_of_tag(self._spool, end)
        if not self._open:
            self._ended = (self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)
            self._end_offset = behind
        else:
            self._open[-1].start = behind

    def _close_broken(self) -> None:
        """The innermost open suite ends with its last complete child; the segments of those around it are closed."""
        if not self._open:
            return
        suite = self._open[-1]
        start, end = (self._base + offset for offset in self._child)
        # at an element's end expat stands behind <a/>, but before </a>
        if end > self._base and not _start_tag(self._spool, start, {}).empty:
            end = _end_of_tag(self._spool, end)
        if end > suite.start:
            suite.segments.append((suite.start, end))


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
_NAME = re.compile(rb"<([^\s/>]+)")
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


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0


def _localised(value: str) -> float:
    if re.fullmatch(r"\s*[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*", value):
        return float(value.replace(",", ""))
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return -1.0

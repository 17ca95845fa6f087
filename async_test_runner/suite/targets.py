"""The files, directories and tests that a command line names, as questions about collected tests."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable

import msgspec

from ..model.errors import UsageError
from ..model.inventory import CollectedTest
from ..words.globs import IdMatcher, PathMatcher, directories, relative
from ..words.wording import closest, quoted

_SEPARATOR = "::"
FileOf = Callable[[CollectedTest], str]


class Target(msgspec.Struct, frozen=True):
    """``word`` is what was typed, ``place`` what it means: an absolute path or glob, with ``::class::test`` or not."""

    word: str
    place: str

    @property
    def file(self) -> str:
        """The path or glob alone."""
        return self.place.partition(_SEPARATOR)[0]

    @property
    def name(self) -> str:
        """What is meant within the file: empty for all of it."""
        return self.place.partition(_SEPARATOR)[2]


def matcher(target: Target, tests: Iterable[CollectedTest], file_of: FileOf) -> Callable[[CollectedTest], bool]:
    """Whether a test is meant. An id that a test has means this test alone, whatever characters it holds."""
    files = PathMatcher((target.file,), "/")
    if not target.name:
        return lambda test: files.matches(file_of(test))
    exact = {test.id for test in tests if _name(test) == target.name and files.matches(file_of(test))}
    if exact:
        return lambda test: test.id in exact
    names = IdMatcher((target.name,))
    return lambda test: files.matches(file_of(test)) and names.matches(_name(test))


def unknown(target: Target, tests: Iterable[CollectedTest], file_of: FileOf) -> UsageError:
    """The error for a target that no collected test belongs to, with the nearest that one does, as it is typed."""
    base = _base(target)
    every = list(tests)
    files = {file_of(test) for test in every}
    known = sorted({relative(part, base) for file in files for part in directories(file)} - {"."})
    if target.name:
        inside = [test for test in every if file_of(test) == target.file] or every
        names = {name: test for test in inside for name in _names(test)}
        near = closest(target.name, names, most=len(names))
        found = f"{relative(file_of(names[near]), base)}{_SEPARATOR}{near}" if near else ""
    else:
        found = closest(relative(target.file, base), known, most=len(known))
    remedy = f"did you mean {quoted(found, 200)}?" if found else "see the ids with: async-test-run plan -v"
    return UsageError(
        f"{quoted(target.word, 200)} is no phase and holds no collected test; {remedy}",
        hint="paths begin where you stand; an id from a report is run with: --test ID",
    )


def _name(test: CollectedTest) -> str:
    """The id without its file."""
    return test.id.removeprefix(test.file).removeprefix(_SEPARATOR)


def _names(test: CollectedTest) -> list[str]:
    """What a user may write for it: its name, that without parameters, and its classes."""
    head = _name(test).partition("[")[0].split(_SEPARATOR)
    return [_name(test), *(_SEPARATOR.join(head[:length]) for length in range(1, len(head) + 1))]


def _base(target: Target) -> str:
    """The directory that the word was typed in, as far as it can be told; else that of the place."""
    typed = posixpath.normpath(target.word.partition(_SEPARATOR)[0])
    if target.file.endswith(f"/{typed}"):
        return target.file.removesuffix(f"/{typed}") or "/"
    return posixpath.dirname(target.file)

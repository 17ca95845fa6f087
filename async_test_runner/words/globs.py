"""What the entries of ``paths`` and ``tests`` match. Compiled once, asked for every test; no file system is touched."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_WILD = re.compile(r"[*?]")


class PathMatcher:
    """Files below the entries: paths or globs, relative to ``root`` (absolute). ``*`` stays in one path component."""

    def __init__(self, entries: Iterable[str], root: str) -> None:
        every = list(entries)
        self._exact = {absolute(entry, root) for entry in every if not _WILD.search(entry)}
        globs = [_path_regex(entry, root) for entry in every if _WILD.search(entry)]
        self._globs = re.compile("|".join(globs), re.DOTALL) if globs else None
        self._answers: dict[str, bool] = {}

    def matches(self, file: str) -> bool:
        """Whether an entry is this file (absolute) or a directory that it lies in."""
        answer = self._answers.get(file)
        if answer is None:
            answer = self._answers[file] = self._decide(file)
        return answer

    def _decide(self, file: str) -> bool:
        if any(part in self._exact for part in directories(file)):
            return True
        return self._globs is not None and self._globs.fullmatch(file) is not None


class IdMatcher:
    """Tests by node id: the id itself, a file, class or function with everything below it, or a glob."""

    def __init__(self, entries: Iterable[str]) -> None:
        every = [entry.removeprefix("./") for entry in entries]
        self._above = {entry for entry in every if not _WILD.search(entry)}
        globs = [_id_regex(entry) for entry in every if _WILD.search(entry)]
        self._globs = re.compile("|".join(globs), re.DOTALL) if globs else None

    def matches(self, id: str) -> bool:
        """Whether an entry takes this test; an entry that equals the id takes it whatever characters it holds."""
        if self._above and not self._above.isdisjoint(_ancestors(id)):
            return True
        return self._globs is not None and self._globs.fullmatch(id) is not None


def absolute(path: str, root: str) -> str:
    """A path, as seen from ``root`` unless it is absolute itself; with forward slashes and without ``..``."""
    return posixpath.normpath(posixpath.join(root, path))


def relative(path: str, root: str) -> str:
    """An absolute path as seen from ``root``; it may begin with ``..``."""
    return posixpath.relpath(path, root)


def fixed_part(entry: str) -> str:
    """The directory or file that an entry's matches lie in: ``tests/**/test_db_*.py`` -> ``tests``."""
    found = _WILD.search(entry)
    if found is None:
        return entry
    return posixpath.dirname(entry[: found.start()]) or ("/" if entry.startswith("/") else ".")


def directories(file: str) -> list[str]:
    """The file and every directory that it lies in: ``/a/b.py`` -> ``/a/b.py``, ``/a``, ``/``."""
    parts = [file]
    while (parent := posixpath.dirname(parts[-1])) and parent != parts[-1]:
        parts.append(parent)
    return parts


def _ancestors(id: str) -> list[str]:
    """The id, and every id above it: the function of a parameter set, its classes, its file."""
    head, bracket, _ = id.partition("[")
    parts = [id] if bracket else []
    parts.append(head)
    while "::" in head:
        head = head.rpartition("::")[0]
        parts.append(head)
    return parts


def _path_regex(entry: str, root: str) -> str:
    fixed = fixed_part(entry)
    wild = entry[len(fixed) :].lstrip("/") if entry.startswith(fixed) and fixed != "." else entry.removeprefix("./")
    body = _translated(wild, {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"})
    return f"(?:{re.escape(absolute(fixed, root).rstrip('/'))}/{body}(?:/.*)?)"


def _id_regex(entry: str) -> str:
    inside = "(?:[^:]|:(?!:))"
    body = _translated(entry, {"**/": "(?:.*/)?", "**": ".*", "*": f"{inside}*", "?": inside})
    return rf"(?:{body}(?:::.*|\[.*)?)"


def _translated(entry: str, wildcards: dict[str, str]) -> str:
    pieces = []
    end = 0
    for found in _WILDCARD.finditer(entry):
        pieces += [re.escape(entry[end : found.start()]), wildcards[found.group()]]
        end = found.end()
    return "".join((*pieces, re.escape(entry[end:])))

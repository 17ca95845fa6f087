"""Warnings that a session has heard, by message and place: bounded, and what is beyond the bound is counted."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator

from ..wire.contract import WarningSaid
from ..wire.facts import plain

KINDS = 200  # different warnings of one session that are told with their text
TESTS = 20  # tests named of each
_TEXT = 1000  # characters
_SHORT = 300
_relpath = os.path.relpath


class Warnings:
    """What is new is told at once by whoever calls `heard`; `rest` is what came after."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: dict[tuple[str, str, str], WarningSaid] = {}
        self._beyond = 0

    def heard(self, warning: warnings.WarningMessage, id: str) -> WarningSaid | None:
        """Take one in, of the test ``id`` or of none; returned where it is the first of its kind."""
        category, text = _name(warning), _text(warning)
        where = _cut(plain(f"{self._path(str(warning.filename))}:{warning.lineno}"), _SHORT)
        key = (category, where, text)
        tests = [id] if id else []
        known = self._seen.get(key)
        if known is not None:
            known["count"] += 1
            if id and id not in known["tests"] and len(known["tests"]) < TESTS:
                known["tests"].append(id)
            return None
        if len(self._seen) >= KINDS:
            self._beyond += 1
            return None
        self._seen[key] = {"category": category, "where": where, "text": text, "count": 0, "tests": list(tests)}
        return {"category": category, "where": where, "text": text, "count": 1, "tests": tests}

    def rest(self) -> Iterator[WarningSaid]:
        """What has come since each was told, and how many are beyond the limit."""
        yield from (said for said in self._seen.values() if said["count"])
        if self._beyond:
            yield {"category": "", "where": "", "text": "", "count": self._beyond, "tests": []}

    def all(self) -> list[WarningSaid]:
        """All of them, where nothing has been told at once."""
        said: list[WarningSaid] = [{**one, "count": one["count"] + 1} for one in self._seen.values()]
        return said + [one for one in self.rest() if not one["category"]]

    def _path(self, path: str) -> str:
        root = self._root.rstrip(os.sep) + os.sep
        return _relpath(path, root) if path.startswith(root) else path


def _name(warning: warnings.WarningMessage) -> str:
    return _cut(plain(str(getattr(warning.category, "__name__", "") or "Warning")), _SHORT)


def _text(warning: warnings.WarningMessage) -> str:
    try:
        return _cut(plain(str(warning.message)), _TEXT)
    except Exception as error:  # noqa: BLE001 - the str() of an object of a test may do anything
        return f"<its text could not be had: {type(error).__name__}>"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… {len(text) - limit} more characters"

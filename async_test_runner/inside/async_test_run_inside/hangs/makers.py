"""Whose line made something: the innermost frame of the code under test, none of a library's and none of ours."""

from __future__ import annotations

import os
import types
from typing import NamedTuple

_STDLIB = os.path.join(os.path.dirname(os.__file__), "")
_OURS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
_FARTHEST = 40  # frames that are looked at
_libraries: dict[str, bool] = {}  # by the file of a code, which is asked for many times


class Made(NamedTuple):
    """A line of the code under test."""

    code: types.CodeType
    line: int


def is_library(path: str) -> bool:
    """Whether a file belongs to an installed package or to the standard library."""
    return "-packages" + os.sep in path or path.startswith(_STDLIB)


def is_of_tests(path: str) -> bool:
    """Whether a file is one of the code under test."""
    known = _libraries.get(path)
    if known is None:
        known = _libraries[path] = is_library(path) or path.startswith((_OURS, "<"))
    return not known


def maker(frame: types.FrameType | None) -> Made | None:
    """The innermost line of the code under test, from a frame outwards; of an ``__init__``, that of its caller."""
    for _ in range(_FARTHEST):
        if frame is None:
            return None
        code = frame.f_code
        if code.co_name != "__init__" and is_of_tests(code.co_filename):
            return Made(code, frame.f_lineno)
        frame = frame.f_back
    return None

"""One file per format of a report, and the registry of them all: a new format is a file and a line here."""

from __future__ import annotations

from . import ctrf, github, gitlab, html, junit, markdown, summary, trace
from .format import Format

_ALL = (html, junit, summary, ctrf, github, gitlab, markdown, trace)

FORMATS: dict[str, Format] = {module.FORMAT.key: module.FORMAT for module in _ALL}

"""One file per format of a report, and the registry of them all: a new format is a file and a line here."""

from __future__ import annotations

from . import html, junit, summary
from .format import Format

FORMATS: dict[str, Format] = {format.key: format for format in (html.FORMAT, junit.FORMAT, summary.FORMAT)}

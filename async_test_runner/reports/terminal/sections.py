"""Sections that a CI service folds in its log: one for the phases that run at the time.

A log has one order and its sections may not overlap, while phases may. So a section ends where a phase begins or ends,
and the next one names all phases that run then. Nothing of a test stands in these lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...record.events import Service
from ..wording.text import item


class Sections:
    """``service`` decides the form; without one there are none. ``at`` is wall time."""

    def __init__(self) -> None:
        self.service: Service = "none"
        self._running: tuple[str, ...] = ()
        self._number = 0

    def ended(self, running: Sequence[str], at: float) -> str:
        """What ends the section, if other phases run now than those that it names."""
        if not self._running or tuple(running) == self._running:
            return ""
        self._running = ()
        match self.service:
            case "github":
                return "::endgroup::\n"
            case "gitlab":
                return f"\x1b[0Ksection_end:{int(at)}:phases_{self._number}\r\x1b[0K\n"
            case "none":
                return ""

    def begun(self, running: Sequence[str], at: float) -> str:
        """What begins one, where phases run that none names."""
        if not running or tuple(running) == self._running:
            return ""
        self._running = tuple(running)
        self._number += 1
        title = item(f"phase{'s' if len(running) > 1 else ''} {', '.join(running)}")
        match self.service:
            case "github":
                return f"::group::{title.replace('%', '%25')}\n"
            case "gitlab":
                return f"\x1b[0Ksection_start:{int(at)}:phases_{self._number}\r\x1b[0K{title}\n"
            case "none":
                return ""

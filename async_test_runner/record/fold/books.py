"""What breaks planned = reported: results of nobody, and results twice."""

from __future__ import annotations


class Books:
    """The ids of such results, as often as there are any."""

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self.unplanned: list[str] = []

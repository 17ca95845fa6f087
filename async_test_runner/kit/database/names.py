"""The names of databases on a server: ours by their prefix, a machine's, a run's, and what each one is for."""

from __future__ import annotations

import re
from typing import NamedTuple

from .runs import Run, machine


class Name(NamedTuple):
    """``atr_3f9a2c_9ix_4fa9s_ab12cd_gw0``: prefix, machine, the run's process and its start, declaration, purpose."""

    prefix: str
    machine: str
    run: Run
    declaration: str
    purpose: str

    def __str__(self) -> str:
        return "_".join((self.prefix, self.machine, self.run.mark, self.declaration, self.purpose))

    @property
    def is_left_behind(self) -> bool:
        """Whether the run that made it is over. What another machine made is that machine's business."""
        return self.machine == machine() and not self.run.is_alive


def here(prefix: str, run: Run, declaration: str, purpose: str) -> Name:
    return Name(prefix, machine(), run, declaration, purpose)


def parse(prefix: str, text: str) -> Name | None:
    """A name that the kit has given, or None: anything else is somebody else's, however it begins."""
    found = re.fullmatch(
        rf"{re.escape(prefix)}_([0-9a-f]{{6}})_([0-9a-z]+_[0-9a-z]+)_([0-9a-f]{{6}})_([a-z0-9]+)", text
    )
    if found is None:
        return None
    run = Run.from_mark(found[2])
    return Name(prefix, found[1], run, found[3], found[4]) if run is not None else None

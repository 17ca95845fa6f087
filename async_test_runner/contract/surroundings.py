"""What all processes of a run are started under, as one value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..model.inventory import Inventory, PytestFacts

AT_END = "at-end"  # a directory of the run's


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """``root`` is the plan's directory, in which everything runs; ``run_dir`` holds all files of the run.

    ``arguments`` are passed on to pytest by the command line, ``paths`` are those of the collection, and ``environ`` is
    what the runner itself was started with. ``facts``, ``without`` (files that took the collection down, absolute)
    and ``tests`` (how many there are) come from the collection. ``imports`` is the file in which one run tells the next
    what its workers import.
    """

    root: Path
    run_dir: Path
    run_id: str
    environ: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    imports: Path = Path()
    facts: PytestFacts = PytestFacts()
    without: tuple[str, ...] = ()
    tests: int = 0

    def after(self, inventory: Inventory) -> Surroundings:
        """The same, once the collection is over."""
        return msgspec.structs.replace(
            self, facts=inventory.facts, without=inventory.without, tests=len(inventory.tests)
        )

    @property
    def seed(self) -> int:
        """What is drawn while tests are collected, hashes of strings too, is the same in all processes of a run.

        Python takes hash seeds below 2³²; 0 would switch the randomness of hashes off.
        """
        return 1 + int.from_bytes(hashlib.sha256(self.run_id.encode("utf-8", "surrogatepass")).digest()[:3])

    @property
    def at_end(self) -> Path:
        """Where processes leave commands for the end of the run."""
        return self.run_dir / AT_END

    def directory(self, process: str) -> Path:
        """The directory of one pytest process."""
        return self.run_dir / "processes" / process

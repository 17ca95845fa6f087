"""``python -m async_test_runner.kit``: what test runs have left behind.

drop RUN       what the run with this mark has made (the runner calls it at the end of a run)
sweep [URL]    what runs of this machine have left on a server (default: DATABASE_URL), and in files
"""

from __future__ import annotations

import os
import sys

from .errors import KitError


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["drop", mark]:
                return _drop(mark)
            case ["sweep", *url] if len(url) < 2:
                return _sweep(*url)
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


def _drop(mark: str) -> int:
    from .database import dropping
    from .database.runs import Run

    run = Run.from_mark(mark)
    if run is None:
        raise KitError(f"{mark!r} is not the mark of a run")
    dropping.drop(run)
    return 0


def _sweep(url: str = "") -> int:
    from .database import dropping
    from .database.runs import Run

    dropped = dropping.sweep_server(url or os.environ.get("DATABASE_URL", ""))
    dropping.sweep(Run.of(os.getpid()))
    print(f"dropped {dropped} databases of runs that are over")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

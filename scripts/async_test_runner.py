"""Start the runner from this checkout, without installing it: the same commands and options as ``async-test-run``.

python scripts/async_test_runner.py run --quiet
"""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
# This directory is where Python looks first, and the name of this file is that of the package.
sys.path[0] = str(CHECKOUT)
sys.modules.pop("async_test_runner", None)


def main() -> None:
    """Never returns."""
    try:
        from async_test_runner.cli import main as run
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("async_test_runner"):
            raise
        sys.exit(f"{Path(__file__).name}: {missing}; try: {sys.executable} -m pip install --editable {CHECKOUT}")
    run()


if __name__ == "__main__":
    main()

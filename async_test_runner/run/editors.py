"""The schema that a plan's first line names for editors: it is ours to keep, because git does not have it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..model.errors import InfrastructureError
from ..plan import schema
from ..record import runs
from ..system.files import replaced, text_of

SCHEMA = f"{runs.BASE_NAME}/{runs.SCHEMA_NAME}"  # seen from the plan
_NAMED = f"$schema={SCHEMA}\n"


def keep_schema(plan: Path) -> None:
    """Write the schema where the plan names it, if it is not there as it should be: in a clone, after an update.

    Nothing depends on it but the comfort of an editor, so a place where nothing can be written is left alone.
    """
    with contextlib.suppress(OSError, InfrastructureError):
        if _NAMED not in text_of(Path(os.path.realpath(plan))):
            return
        path, wanted = plan.parent / SCHEMA, schema.schema_text()
        if _is(path, wanted):
            return
        runs.prepare(path.parent)
        with replaced(path) as file:
            file.write(wanted.encode())


def _is(path: Path, wanted: str) -> bool:
    try:
        return text_of(path) == wanted
    except OSError:
        return False

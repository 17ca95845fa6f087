"""What pytest processes of a run have asked to be done after it: commands in files of the run directory.

Something that a whole run shares, such as the template of its test databases, ends with none of its processes. Who
makes it leaves a command that removes it, in the directory that the settings of every process name (``at_end``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..contract.surroundings import AT_END
from ..model.errors import InfrastructureError
from ..system import process
from ..system.files import text_of

_DEADLINE = 30.0  # seconds for each command
_LAST_WORDS = 500  # characters of its output that a warning quotes


async def run(run_dir: Path, root: Path, environ: Mapping[str, str]) -> list[str]:
    """Run the commands that were left; returns a warning for each that failed."""
    return [
        warning for path in sorted(run_dir.glob(f"{AT_END}/*.json")) if (warning := await _one(path, root, environ))
    ]


async def _one(path: Path, root: Path, environ: Mapping[str, str]) -> str:
    try:
        asked = json.loads(text_of(path))
        command, env = list(map(str, asked["command"])), {**environ, **asked["environment"]}
    except (OSError, ValueError, LookupError, TypeError):
        return f"{path.name} in {path.parent} says nothing that could be run"
    log = path.with_suffix(".log")
    try:
        child = await process.start(command, cwd=root, env=env, output=log)
        status = await process.wait_or_end(child, _DEADLINE)
        said = text_of(log).strip()[-_LAST_WORDS:]
    except (OSError, InfrastructureError) as error:
        return f"after the run, `{' '.join(command)[:200]}` could not be run: {error}"
    if status == 0:
        return ""
    return f"after the run, `{' '.join(command)[:200]}` ended with {status}: {said}"

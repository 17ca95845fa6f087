"""The child that runs migrations: ``python migrating.py``, with what to do as JSON on its standard input.

A process of its own, because an ``env.py`` may start an event loop, take over logging, or never end. It imports from
where the tests import from, and nothing of the kit.
"""

import faulthandler
import json
import logging
import sys
from pathlib import Path
from typing import Any

faulthandler.enable()


def problem(asked: dict[str, Any]) -> tuple[Any, list[str] | None]:
    """What is wrong with the migrations as they lie there, or None; and the configuration for running them."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config(asked["ini"])
    try:
        script = ScriptDirectory.from_config(config)
        heads = script.get_heads()
    except CommandError as error:
        return config, ["no_migrations", str(error)]
    if not heads:
        return config, ["no_migrations", f"there is no migration in {script.versions}"]
    if len(heads) > 1 and asked["revision"] == "head":
        return config, ["many_heads", ", ".join(sorted(heads))]
    return config, None


def main() -> None:
    asked = json.load(sys.stdin)
    sys.path[:] = asked["path"]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
    try:
        config, found = problem(asked)
        if found is None:
            from alembic import command

            config.set_main_option("sqlalchemy.url", asked["url"].replace("%", "%%"))
            config.attributes["url"] = asked["url"]
            command.upgrade(config, asked["revision"])
            found = ["done", ""]
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "alembic":
            raise
        found = ["no_alembic", str(error)]
    Path(asked["answer"]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The options and ini keys that a pytest registers, asked in a process of its own: nothing public lists them."""

from __future__ import annotations

import json
import os
import subprocess

_SCRIPT = """
import json, sys
from _pytest.config import _prepareconfig
plugins = [part for name in sys.argv[1:] for part in ("-p", name)]
parser = _prepareconfig([*plugins, "--noconftest", "-c", "/dev/null"])._parser
groups = [*parser._groups, parser._anonymous]
names = [name for group in groups for option in group.options for name in option.names()]
print(json.dumps([*names, *parser._inidict, *getattr(parser, "_ini_aliases", ())]))
"""


def registered(python: str, *plugins: str) -> set[str]:
    """All names, aliases too, with these plugins loaded and no others."""
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run([python, "-c", _SCRIPT, *plugins], cwd="/", env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))

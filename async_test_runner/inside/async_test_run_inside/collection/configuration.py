"""What the project's pytest is configured to do, as far as the runner has to know it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ..wire.contract import Facts
from ..wire.facts import plain

_INI = "ini:"  # begins the name of an ini key among the options that are looked for
_XDIST = "pytest-xdist"
_SHOWN_INSTEAD = ("showfixtures", "show_fixtures_per_test", "markers", "cacheshow", "help", "version")


def facts(config: pytest.Config, watched: Mapping[str, str]) -> Facts:
    """What the user's pytest configuration asks for that the runner has to understand (see ``PytestFacts``).

    ``watched`` has, by what pytest keeps, the options that are looked for.
    """
    option = config.option
    get = config.getoption
    return {
        "version": pytest.__version__,
        "python": platform.python_version(),
        "rootdir": plain(str(config.rootpath)),
        "inipath": plain(str(config.inipath or "")),
        "plugins": _plugins(config),
        "junit_xml": _expanded(getattr(option, "xmlpath", None)),
        "junit_prefix": plain(str(getattr(option, "junitprefix", None) or "")),
        "junit_suite": plain(str(ini(config, "junit_suite_name", "pytest"))),
        "junit_family": str(ini(config, "junit_family", "xunit2")),
        "junit_logging": str(ini(config, "junit_logging", "no")),
        "junit_log_passing": bool(ini(config, "junit_log_passing_tests", True)),
        "junit_duration": str(ini(config, "junit_duration_report", "total")),
        "maxfail": int(get("maxfail", 0) or 0),
        "max_warnings": _max_warnings(config),
        "warnings": 0,
        "warned": [],
        "durations": get("durations", None),
        "durations_min": _seconds(get("durations_min", None)),
        "report_chars": str(get("reportchars", "") or ""),
        "numprocesses": _numprocesses(config),
        "dist": str(get("dist", "no") or "no"),
        "given": list(_given(config, watched)),
        "renamed": [],
        "seed": "",
        "coverage": None,
        "demands": [],
    }


def seed(config: pytest.Config) -> str:
    """The option that gives the random order of this collection again; empty where the order is not random."""
    option = config.option
    drawn = getattr(option, "randomly_seed", None)
    if isinstance(drawn, int):
        return f"--randomly-seed={drawn}"
    if getattr(option, "random_order", None) or getattr(option, "random_order_bucket", None):
        return f"--random-order-seed={plain(str(getattr(option, 'random_order_seed', '')))}"
    return ""


def show_nothing_instead(config: pytest.Config) -> None:
    """Options with which pytest shows something instead of collecting: the runner is told of them, and refuses."""
    for name in _SHOWN_INSTEAD:
        if getattr(config.option, name, None):
            setattr(config.option, name, 0)


def _given(config: pytest.Config, watched: Mapping[str, str]) -> Iterator[str]:
    """The names of the options that are set."""
    for kept, name in watched.items():
        where, _, value = kept.partition("=")
        key = where.removeprefix(_INI)
        found = ini(config, key, None) if key != where else getattr(config.option, where, None)
        if str(found) == value if value else found:
            yield name


def ini(config: pytest.Config, key: str, otherwise: object) -> Any:
    """The value of an ini key; ``otherwise`` where nobody knows it: a project may do without a plugin of pytest."""
    try:
        return config.getini(key)
    except ValueError:
        return otherwise


def _expanded(path: object) -> str:
    """A path as pytest's plugin for the XML understands it."""
    return plain(os.path.expanduser(os.path.expandvars(str(path)))) if path else ""


def _plugins(config: pytest.Config) -> list[str]:
    distributions = [distribution for _, distribution in config.pluginmanager.list_plugin_distinfo()]
    found = {f"{d.project_name}-{d.version}" for d in distributions if d.project_name != _XDIST}
    if hasattr(config.option, "numprocesses"):
        # By its option: it may be loaded by the name of its module, and pytest does not know whose that is. Under
        # `-p no:xdist` its other module is loaded all the same.
        found.add(f"{_XDIST}-{getattr(sys.modules.get('xdist'), '__version__', '')}")
    if hasattr(config.option, "asyncio_mode"):
        found.add(f"pytest-asyncio-{getattr(sys.modules.get('pytest_asyncio'), '__version__', '')}")
    return sorted(found)


def _numprocesses(config: pytest.Config) -> int:
    value = config.getoption("numprocesses", None)
    most = config.getoption("maxprocesses", None)
    if value in ("auto", "logical"):
        value = os.cpu_count() or 1
    if not isinstance(value, int):
        return 0
    return min(value, most) if isinstance(most, int) and most else value


def _max_warnings(config: pytest.Config) -> int | None:
    """pytest has it from 9.2 on."""
    if not hasattr(config.option, "max_warnings"):
        return None
    value = config.option.max_warnings
    value = ini(config, "max_warnings", None) if value is None else value
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _seconds(value: object) -> float | None:
    return value if isinstance(value, float) and 0 <= value < 1e9 else None

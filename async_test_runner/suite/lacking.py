"""What a project's environment lacks, and what to type: told by what pytest says, and by what was collected. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ..model.inventory import CollectedTest, CollectError, Interpreter, PytestFacts
from ..plan import pytest_options
from ..words.wording import listed

ASYNCIO, TIMEOUT, XDIST = "pytest-asyncio", "pytest-timeout", "pytest-xdist"
_COV, _TRIO, _RERUNS, _DJANGO = "pytest-cov", "pytest-trio", "pytest-rerunfailures", "pytest-django"

# Whose they are: marks, options, keys of the configuration, and modules that are loaded with `-p`.
_MARKS: Mapping[str, str] = {
    "asyncio": ASYNCIO, "anyio": "anyio", "trio": _TRIO, "timeout": TIMEOUT, "xdist_group": XDIST, "flaky": _RERUNS,
    "django_db": _DJANGO, "benchmark": "pytest-benchmark", "order": "pytest-order", "httpx_mock": "pytest-httpx",
}  # fmt: skip
_TABLE: Mapping[str, str] = {
    name: plugin.partition(",")[0]
    for plugin, options in pytest_options.TABLE.items()
    if plugin != "pytest"
    for option in options
    for name in option.names
}
_OPTIONS: Mapping[str, str] = {
    **_TABLE, "--ds": _DJANGO, "--reuse-db": _DJANGO, "--json-report": "pytest-json-report",
    "--benchmark-disable": "pytest-benchmark",
}  # fmt: skip
_KEYS: Mapping[str, str] = {
    **_TABLE, "anyio_mode": "anyio", "trio_mode": _TRIO, "trio_run": _TRIO, "DJANGO_SETTINGS_MODULE": _DJANGO,
}  # fmt: skip
_MODULES: Mapping[str, str] = {
    "pytest_asyncio": ASYNCIO, "pytest_timeout": TIMEOUT, "xdist": XDIST, "pytest_cov": _COV, "anyio": "anyio",
    "pytest_trio": _TRIO, "pytest_rerunfailures": _RERUNS, "pytest_django": _DJANGO,
}  # fmt: skip

_UNKNOWN_MARK = re.compile(r"'(\w+)' not found in `markers` configuration option|Unknown pytest\.mark\.(\w+)")
_UNKNOWN_OPTIONS = re.compile(r"unrecognized arguments: (.+)")
_UNKNOWN_KEYS = re.compile(r"Unknown config options?: ([\w, ]+)")
_NO_PLUGIN = re.compile(r"Error importing plugin \"(\w+)")
_NO_IMPORT = re.compile(r"\b(ModuleNotFoundError|ImportError)\b")


def explained(error: CollectError, python: Interpreter) -> CollectError:
    """The error with what pytest does not know: whose an unknown mark is, and which Python has not found a module."""
    said = missing(error.text, python)
    if python.path and _NO_IMPORT.search(error.text):
        said.append(f"collected with {described(python)}")
    return msgspec.structs.replace(error, text="\n\n".join([error.text, *said])) if said else error


def described(python: Interpreter) -> str:
    """``/project/.venv/bin/python: .venv beside the plan``, with what a reader may have expected instead."""
    return f"{python.path}: {python.why}" + (f"; {python.note}" if python.note else "")


def missing(text: str, python: Interpreter) -> list[str]:
    """A sentence for each plugin whose marks, options or keys pytest does not know, with the command to install it."""
    whose: dict[str, list[str]] = {}
    for name, distribution in _unknown(text):
        whose.setdefault(distribution, []).append(name)
    return [
        f"{listed(dict.fromkeys(names), 3)}: of {distribution}, which this pytest has not loaded; "
        f"to install it: {install(python, distribution)}"
        for distribution, names in whose.items()
    ]


def _unknown(text: str) -> Iterator[tuple[str, str]]:
    for found in _UNKNOWN_MARK.finditer(text):
        mark = found[1] or found[2]
        if mark in _MARKS:
            yield f"the mark {mark}", _MARKS[mark]
    for found in _UNKNOWN_OPTIONS.finditer(text):
        names = (re.match(r"--[\w-]+|-\w", word) for word in found[1].split())
        yield from ((f"the option {name[0]}", _OPTIONS[name[0]]) for name in names if name and name[0] in _OPTIONS)
    for found in _UNKNOWN_KEYS.finditer(text):
        names_of_keys = [key.strip() for key in found[1].split(",")]
        yield from ((f"the key {key}", _KEYS[key]) for key in names_of_keys if key in _KEYS)
    for found in _NO_PLUGIN.finditer(text):
        if found[1] in _MODULES:
            yield f"the plugin {found[1]}", _MODULES[found[1]]


def install(python: Interpreter, *distributions: str) -> str:
    """The line to type."""
    return f"{python.path or 'python'} -m pip install {' '.join(distributions)}"


def unawaited(tests: Iterable[CollectedTest], facts: PytestFacts, python: Interpreter) -> list[str]:
    """A sentence for each kind of coroutine tests that no plugin of this pytest would await, with the remedy."""
    kinds: dict[str, list[str]] = {}
    for test in tests:
        if test.unawaited:
            kinds.setdefault(_remedy(test, facts, python), []).append(test.id)
    return [
        f"{_counted(ids)} ({listed(ids, 2)}): nothing here awaits such tests; {remedy}" for remedy, ids in kinds.items()
    ]


def _counted(ids: Sequence[str]) -> str:
    return "1 coroutine test does not run" if len(ids) == 1 else f"{len(ids)} coroutine tests do not run"


def _remedy(test: CollectedTest, facts: PytestFacts, python: Interpreter) -> str:
    for mark in ("asyncio", "anyio", "trio"):
        if mark in test.marks:
            return f"the mark {mark} needs {_MARKS[mark]}: {install(python, _MARKS[mark])}"
    if any(plugin.startswith(f"{ASYNCIO}-") for plugin in facts.plugins):
        return f"mark these with @pytest.mark.asyncio, or set `asyncio_mode = auto` for {ASYNCIO}"
    return f"a plugin for coroutines is missing: {install(python, ASYNCIO)}, then set `asyncio_mode = auto`"

"""The pytest options that a plan or a command line may not pass on, because the runner decides them itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_PATHS = "name tests with `paths` or `tests`"
_MARKERS = "use the key `markers`"
_KEYWORD = "use the key `keyword`"
_JUNIT = "use `reports: {junit: …}`"
_COLLECT = "remove it: collecting without running is a command of its own, not a phase"
_WORKERS = "use the key `workers`"
_FAILURES = "use the key `max_failures`"
_CONFIG = "remove it: put the plan next to that configuration, where pytest finds it for every phase"
_TERMINAL = "remove it: a phase has no terminal to ask at"
_RETRIES = "use the key `retries`"
_EARLIER = "remove it: earlier results are the runner's to choose from"

_LONG: Mapping[str, str] = {
    "--junitxml": _JUNIT, "--junit-xml": _JUNIT,
    "--collect-only": _COLLECT, "--collectonly": _COLLECT, "--co": _COLLECT,
    "--numprocesses": _WORKERS, "--dist": "use the keys `workers` and `isolation`", "--tx": _WORKERS,
    "--maxprocesses": _WORKERS, "--forked": "use `isolation: test`", "--boxed": "use `isolation: test`",
    "--maxfail": _FAILURES, "--exitfirst": _FAILURES,
    "--rootdir": _CONFIG, "--config-file": _CONFIG,
    "--basetemp": "remove it: processes that share one would delete each other's files",
    "--pdb": _TERMINAL, "--trace": _TERMINAL, "--looponfail": _TERMINAL,
    "--reruns": _RETRIES, "--reruns-delay": _RETRIES,
    "--timeout": "use the key `test_timeout`", "--session-timeout": "use the key `timeout`",
    "--lf": _EARLIER, "--last-failed": _EARLIER, "--sw": _EARLIER, "--stepwise": _EARLIER,
    "--stepwise-skip": _EARLIER, "--sw-skip": _EARLIER,
    "--help": "remove it", "--version": "remove it", "--fixtures": "remove it", "--markers": "remove it",
    "--setup-only": "remove it", "--setup-plan": "remove it",
}  # fmt: skip
_REWRITING = frozenset({"create", "fix", "trim", "update", "review"})  # of --inline-snapshot
_SHORT: Mapping[str, str] = {
    "m": _MARKERS,
    "k": _KEYWORD,
    "n": _WORKERS,
    "x": _FAILURES,
    "c": _CONFIG,
    "d": _WORKERS,
    "f": _TERMINAL,
    "h": "remove it",
    "V": "remove it",
}
# On the command line, what is refused is what nobody would obey: it is said for one run, by somebody who wants it now.
_SHOWS = "use `async-test-run plan -v`, which shows the tests of each phase"
_DEBUGGER = "tests run without a terminal: debug one with python -m pytest --pdb ID (async-test-run help debug)"
_ASKS_PYTEST = "ask pytest itself: python -m pytest"
_OUTPUT = "failures show what they printed; for the rest see: async-test-run help debug"
_UNOBEYED: Mapping[str, str] = {
    "--collect-only": _SHOWS, "--collectonly": _SHOWS, "--co": _SHOWS,
    "--setup-only": _ASKS_PYTEST, "--setup-plan": _ASKS_PYTEST, "--setup-show": _ASKS_PYTEST,
    "--setuponly": _ASKS_PYTEST, "--setupplan": _ASKS_PYTEST, "--setupshow": _ASKS_PYTEST,
    "--fixtures": _ASKS_PYTEST, "--fixtures-per-test": _ASKS_PYTEST, "--funcargs": _ASKS_PYTEST,
    "--markers": _ASKS_PYTEST, "--help": _ASKS_PYTEST, "--version": _ASKS_PYTEST,
    "--cache-show": _ASKS_PYTEST, "--trace-config": _ASKS_PYTEST, "--debug": _ASKS_PYTEST,
    "--pdb": _DEBUGGER, "--trace": _DEBUGGER, "--pdbcls": _DEBUGGER, "--looponfail": _DEBUGGER,
    "--capture": _OUTPUT,
    "--durations": "the end of a run lists the slowest tests; `report -v` lists all",
    "--durations-min": "the end of a run lists the slowest tests; `report -v` lists all",
    "--stepwise": "use --max-failures 1, then -- --lf", "--sw": "use --max-failures 1, then -- --lf",
    "--stepwise-skip": "use --max-failures 1, then -- --lf", "--sw-skip": "use --max-failures 1, then -- --lf",
    "--basetemp": "processes that share one would delete each other's files",
    "--pastebin": "the report of the run is in its directory",
}  # fmt: skip
_UNOBEYED_SHORT: Mapping[str, str] = {
    "s": _OUTPUT,
    "f": _DEBUGGER,
    "h": _ASKS_PYTEST,
    "V": _ASKS_PYTEST,
    "r": "the end of a run names every test that is not passed",
}
_SHORT_WITH_VALUE = "mknpcorW"  # what follows in the same argument is the value
_TAKES_NEXT = re.compile(r"-[a-zA-Z]*[porW]|--[a-z-]+")


def refused_arguments(arguments: Sequence[str]) -> list[tuple[int, str]]:
    """``(index, problem)`` of every argument that fights the runner; a problem ends with the remedy."""
    problems = (_problem(argument, before) for argument, before in zip(arguments, ("", *arguments), strict=False))
    return [(index, problem) for index, problem in enumerate(problems) if problem]


def unobeyed(arguments: Sequence[str]) -> list[str]:
    """A problem with its remedy for each argument after ``--`` that would have no effect in a run."""
    problems = (_unobeyed(argument, before) for argument, before in zip(arguments, ("", *arguments), strict=False))
    return [problem for problem in problems if problem]


def _unobeyed(argument: str, before: str) -> str:
    if before == "-p":
        return _plugin_problem(argument)
    if argument == "--" or (_TAKES_NEXT.fullmatch(before) and not argument.startswith("-")):
        return ""
    if argument.startswith("--"):
        name = argument.partition("=")[0]
        return f"{name} has no effect in a run; {_UNOBEYED[name]}" if name in _UNOBEYED else ""
    if argument.startswith("-p"):
        return _plugin_problem(argument[2:])
    for letter in argument[1:] if argument.startswith("-") else "":
        if letter in _UNOBEYED_SHORT:
            return f"-{letter} has no effect in a run; {_UNOBEYED_SHORT[letter]}"
        if letter in _SHORT_WITH_VALUE:
            return ""
    return ""


def _problem(argument: str, before: str) -> str:
    if _changes_files(argument, before):
        return f"{argument} changes files of the project in every run; pass it for one run: async-test-run run -- …"
    if argument.startswith("--") and argument != "--":
        name = argument.partition("=")[0]
        return f"{name} is the runner's to set; {_LONG[name]}" if name in _LONG else ""
    if argument.startswith("-") and argument != "--":
        return _short_problem(argument) or _plugin_problem(argument[2:] if argument.startswith("-p") else "")
    if before == "-p":
        return _plugin_problem(argument)
    if not _TAKES_NEXT.fullmatch(before) and ("::" in argument or argument.endswith(".py")):
        return f"an argument that names tests would run them in this phase only by accident; {_PATHS}"
    return ""


def _changes_files(argument: str, before: str) -> bool:
    """Whether snapshots of the project are written anew."""
    name, _, value = argument.partition("=")
    if name == "--inline-snapshot" or before == "--inline-snapshot":
        return not _REWRITING.isdisjoint((value or argument).split(","))
    return argument == "--snapshot-update"


def _short_problem(argument: str) -> str:
    for letter in argument[1:]:
        if letter in _SHORT:
            return f"-{letter} is the runner's to set; {_SHORT[letter]}"
        if letter in _SHORT_WITH_VALUE:
            return ""
    return ""


def _plugin_problem(plugin: str) -> str:
    name = plugin.strip().lstrip("=")
    if name.startswith("no:") and "async" in name:
        return "switching off asyncio support would skip coroutine tests without running them; remove it"
    return ""

"""Arguments for pytest in a plan or behind ``--``, read as pytest reads them, and what is said of each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .pytest_options import OPTIONS, Option

VARIABLE = "PYTEST_ADDOPTS"  # arguments for pytest in one text, in the environment
_PATHS = "name tests with `paths` or `tests`"
_SHORT_WITH_VALUE = "mknpcorW"  # what follows in the same argument is the value
_TAKES_NEXT = re.compile(rf"-[^-{_SHORT_WITH_VALUE}]*[{_SHORT_WITH_VALUE}]|--[a-z-]+")
_REWRITING = frozenset({"create", "fix", "trim", "update", "review"})  # of --inline-snapshot
_INI_OPTIONS = ("-o", "--override-ini")


class Given(NamedTuple):
    """An option as an argument gives it. ``name`` is the ini key in ``-o KEY=VALUE``; ``place`` counts from 0."""

    place: int
    name: str
    value: str = ""

    @property
    def option(self) -> Option | None:
        """What is known of it, or of this value of it."""
        known = (OPTIONS.get(name) for name in (f"{self.name} {self.value}", f"{self.name}={self.value}", self.name))
        return next(filter(None, known), None)


def given(arguments: Sequence[str]) -> Iterator[Given]:
    """The options among the arguments; what is no option has an empty name."""
    for index, argument in enumerate(arguments):
        before = arguments[index - 1] if index else ""
        if argument == "--":
            continue
        if before in ("-p", *_INI_OPTIONS):
            yield _with_value(index, before, argument)
        elif argument.startswith("--"):
            name, _, value = argument.partition("=")
            yield _with_value(index, name, value)
        elif argument.startswith("-"):
            yield from _letters(index, argument)
        elif not _TAKES_NEXT.fullmatch(before):
            yield Given(index, "", argument)


def _letters(index: int, argument: str) -> Iterator[Given]:
    """Short options in one argument, the last of which may have its value there."""
    for position, letter in enumerate(argument[1:], 2):
        name = f"-{letter}"
        if letter in _SHORT_WITH_VALUE:
            yield _with_value(index, name, argument[position:].removeprefix("="))
            return
        yield Given(index, name)


def _with_value(index: int, name: str, value: str) -> Given:
    if name in _INI_OPTIONS and value:
        key, _, value = value.partition("=")
        return Given(index, key.strip(), value.strip())
    return Given(index, name, value)


def names(arguments: Sequence[str]) -> list[str]:
    """The options among the arguments, by the names under which `pytest_options` knows them."""
    return [option.names[0] for found in given(arguments) if (option := found.option) is not None]


def of_environment(env: Iterable[tuple[str, str]]) -> list[str]:
    """The arguments that an environment of the plan gives to pytest."""
    return [argument for name, text in env if name == VARIABLE for argument in shlex.split(text)]


def text_problem(text: str) -> str:
    """What is wrong with the arguments in one text, each problem with its remedy; empty if nothing is."""
    try:
        arguments = shlex.split(text)
    except ValueError as error:
        return f"pytest cannot split {text!r}: {str(error).lower()}; close the quote"
    return "; ".join(dict.fromkeys(problem for _, problem in refused_arguments(arguments)))


def refused_arguments(arguments: Sequence[str]) -> list[tuple[int, str]]:
    """``(index, problem)`` of every argument that fights the runner; a problem ends with the remedy."""
    problems: dict[int, str] = {}
    for found in given(arguments):
        problem = _plugin_problem(found) or _in_plan(found)
        if problem:
            problems.setdefault(found.place, problem)
    for place in range(len(arguments)):
        problem = _changes_files(arguments, place)
        if problem:
            problems.setdefault(place, problem)
    return sorted(problems.items())


def unobeyed(arguments: Sequence[str]) -> list[str]:
    """A problem with its remedy for each argument after ``--`` that would have no effect in a run."""
    problems: dict[int, str] = {}
    for found in given(arguments):
        problem = _plugin_problem(found) or _after_dashes(found)
        if problem:
            problems.setdefault(found.place, problem)
    return list(problems.values())


def _in_plan(found: Given) -> str:
    if not found.name:
        names_tests = "::" in found.value or found.value.endswith(".py")
        said = "an argument that names tests would run them in this phase only by accident"
        return f"{said}; {_PATHS}" if names_tests else ""
    remedy = found.option.plan if found.option is not None else ""
    return f"{found.name} is the runner's to set; {remedy}" if remedy else ""


def _after_dashes(found: Given) -> str:
    remedy = found.option.dashes if found.option is not None else ""
    return f"{found.name} has no effect in a run; {remedy}" if remedy else ""


def _changes_files(arguments: Sequence[str], place: int) -> str:
    """A problem for an argument with which snapshots of the project are written anew."""
    argument, before = arguments[place], arguments[place - 1] if place else ""
    name, _, value = argument.partition("=")
    inline = name == "--inline-snapshot" or before == "--inline-snapshot"
    if not (argument == "--snapshot-update" or (inline and not _REWRITING.isdisjoint((value or argument).split(",")))):
        return ""
    return f"{argument} changes files of the project in every run; pass it for one run: async-test-run run -- …"


def _plugin_problem(found: Given) -> str:
    if found.name == "-p" and found.value.strip().startswith("no:") and "async" in found.value:
        return "switching off asyncio support would skip coroutine tests without running them; remove it"
    return ""

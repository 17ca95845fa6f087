"""``runner.yaml`` -> `Plan`. Every problem is reported at once, each with its place, its key and the remedy."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from ..model.errors import PlanError
from ..model.plan import Phase, Plan, Select
from ..model.vocabulary import Isolation
from ..reports.formats import FORMATS
from ..words.globs import fixed_part
from ..words.wording import closest, did_you_mean, listed, printable, quoted
from . import document
from .document import Items, Node, Scalar, Table
from .fields import OFF, PHASE, TOP
from .kinds import read_part
from .problems import MOST_PROBLEMS, Problems, TooMany, below, entries, what
from .schema import json_schema, reference, schema_text

__all__ = ["FILE_NAME", "json_schema", "load", "parse", "reference", "schema_text"]

FILE_NAME = "runner.yaml"

_HINT = "the keys of a plan: async-test-run schema"
_HINT_MORE = f"there may be more than these {MOST_PROBLEMS}; the keys of a plan: async-test-run schema"


def load(path: Path) -> Plan:
    """The plan in a file. `PlanError` with every problem."""
    shown = printable(str(path))
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe would block, a device never end
            raise PlanError([f"{shown}: is not a regular file; name the plan's own file"])
        with path.open("rb") as file:
            data = file.read(document.MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PlanError([f"{shown}: {_unreadable(path, error)}"]) from error
    return parse(data, path, on_disk=True)


def _unreadable(path: Path, error: Exception) -> str:
    match error:
        case FileNotFoundError() if path.is_symlink():
            return "is a link to a file that is not there; mend the link"
        case FileNotFoundError():
            near = _near(path)
            remedy = f"did you mean {quoted(near, 300)}?" if near else "write one with: async-test-run init"
            return f"no such file; {remedy}"
        case IsADirectoryError():
            return f"is a directory; name the file in it, such as {printable(str(path / FILE_NAME))}"
        case PermissionError():
            return "permission denied; make it readable for this user"
        case OSError():
            return f"cannot be read ({(error.strerror or 'unknown error').lower()}); name a readable file"
        case _:
            return "is not a usable file name; name a readable file"


def _near(path: Path) -> str:
    found = closest(path.name, (name for name in _names_in(path.parent) if name.endswith((".yaml", ".yml"))))
    return str(path.parent / found) if found else ""


def _names_in(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208  # the names are what is wanted
    except OSError:
        return []


def parse(text: str | bytes, path: Path, *, on_disk: bool = False) -> Plan:
    """The plan in a text. ``path`` names it in messages; its directory is the plan's root. `PlanError` as in `load`.

    ``on_disk``: what is to be collected must exist below that directory.
    """
    problems = Problems(printable(str(path)))
    plan = None
    try:
        plan = _read(text, path, problems, on_disk)
    except document.YamlError as error:
        problems.add_at(error.line, error.column, "plan", error.text)
    except TooMany:
        pass
    lines = problems.lines()
    if lines or plan is None:
        raise PlanError(lines, hint=_HINT_MORE if len(lines) >= MOST_PROBLEMS else _HINT)
    return plan


def _read(text: str | bytes, path: Path, problems: Problems, on_disk: bool) -> Plan | None:
    node = document.read(document.decode(text) if isinstance(text, bytes) else text)
    if node is None or (isinstance(node, Scalar) and node.kind == "null"):
        problems.add_at(1, 1, "plan", "is empty; begin with version: 1 and phases:")
        return None
    if not isinstance(node, Table) or node.tag:
        said = f"the tag {quoted(node.tag)} is not supported" if node.tag else f"expected a mapping, got {what(node)}"
        problems.add(node, "plan", f"{said}; begin with version: 1 and phases:")
        return None
    values = TOP.read(node, "", problems)
    places = _places(node, "")
    if on_disk and "select" in values:
        _check_paths(values["select"], places["select"], path.parent, problems)
    if "reports" in values:
        _check_reports(values["reports"], places["reports"], problems)
    phases = _Phases(values, places, problems).read(values.pop("phases", None))
    return _plan(values, phases, path) if not problems.lines() else None


def _check_paths(select: Select, node: Node, root: Path, problems: Problems) -> None:
    """pytest would say so too, but not where."""
    for entry, item, key in _located({"paths": select.paths}, _places(node, "select"), "paths", "select"):
        fixed = Path(fixed_part(entry))
        if not os.path.exists(root / fixed):  # noqa: PTH110  # Path.exists raises for names that are too long
            near = closest(fixed.name, _names_in((root / fixed).parent))
            remedy = (
                f"did you mean {quoted(str(fixed.parent / near))}?" if near else "write it from the plan's directory"
            )
            problems.add(item, key, f"there is no {quoted(str(fixed))}; {remedy}")


def _check_reports(reports: dict[str, str], node: Node, problems: Problems) -> None:
    owners: dict[str, str] = {}
    for key, path in reports.items():
        if path == OFF and FORMATS[key].service:
            continue
        owner = owners.setdefault(path, key)
        if owner != key:
            place = _places(node, "reports")[key]
            problems.add(place, f"reports.{key}", f"is the file of reports.{owner} too; give each its own")


def _places(node: Node, key: str) -> dict[str, Node]:
    """The nodes of a mapping's values; what is wrong with its keys has been reported already."""
    return {name: value for name, _, value in entries(node, key, Problems(""))} if isinstance(node, Table) else {}


def _plan(values: dict[str, Any], phases: tuple[Phase, ...], path: Path) -> Plan:
    defaults = values.pop("defaults", {})
    values.pop("version")
    root = Path(os.path.realpath(path.parent))
    values.setdefault("name", printable(root.name) or "plan")
    reports = values.pop("reports", {})
    silent = frozenset(key for key, file in reports.items() if file == OFF and FORMATS[key].service)
    values["reports"] = {key: file for key, file in reports.items() if key not in silent}
    shared = {key: defaults[key] for key in ("python", "pytest_args", "env") if key in defaults}
    rest = _phase({**defaults, "name": "unassigned", "isolation": Isolation.TEST})
    return Plan(path=root / path.name, root=root, phases=phases, rest=rest, silent=silent, **shared, **values)


def _phase(values: dict[str, Any], line: int = 0) -> Phase:
    isolation = Isolation(values.get("isolation", Isolation.PHASE))
    recheck = isolation is Isolation.CLEAN  # there a red test may have seen what no look has found
    return Phase(**{"recheck": recheck, **values, "isolation": isolation, "line": line})


class _Phases:
    """Reads the phases in order, and checks what they say about each other and about the top level."""

    def __init__(self, top: dict[str, Any], places: dict[str, Node], problems: Problems) -> None:
        self._defaults: dict[str, Any] = top.get("defaults", {})
        self._resources = dict(top.get("resources", ()))
        self._problems = problems
        self._lines: dict[str, int] = {}
        self._lower: dict[str, int] = {}
        self._catch_all = ""
        if "resources" in self._defaults:
            within = _places(places["defaults"], "defaults")
            for name, item, key in _located(self._defaults, within, "resources", "defaults"):
                self._check_resource(name, item, key)

    def read(self, node: Node | None) -> tuple[Phase, ...]:
        if node is None:
            return ()  # missing, and reported as that
        if not isinstance(node, Items) or not node.items or node.tag:
            got = "an empty list" if isinstance(node, Items) else what(node)
            self._problems.add(node, "phases", f'expected a list of phases, got {got}; write "- name: all" below it')
            return ()
        names = [_name_of(item) for item in node.items]
        phases = [self._read_one(item, f"phases[{index}]", names) for index, item in enumerate(node.items)]
        return tuple(phase for phase in phases if phase is not None)

    def _read_one(self, node: Node, key: str, names: list[str]) -> Phase | None:
        found: list[dict[str, Any]] = []
        if not read_part(PHASE, node, key, self._problems, found.append):
            return None
        values = found[0]
        assert isinstance(node, Table)
        places = _places(node, key)
        self._check_name(values.get("name", ""), places, key)
        for name, item, place in _located(values, places, "needs", key):
            self._check_need(name, item, place, names, values.get("name", ""))
        for name, item, place in _located(values, places, "resources", key):
            self._check_resource(name, item, place)
        self._check_catch_all(values, node, places, key)
        if "name" not in values:
            return None
        self._lines.setdefault(values["name"], node.line)
        self._lower.setdefault(values["name"].lower(), node.line)
        if "env" in values:
            values["env"] = tuple({**dict(self._defaults.get("env", ())), **dict(values["env"])}.items())
        return _phase({**self._defaults, **values}, node.line)

    def _check_name(self, name: str, places: dict[str, Node], key: str) -> None:
        line = self._lower.get(name.lower())
        if line is not None:
            self._problems.add(
                places["name"],
                below(key, "name"),
                f'"{name}" is the phase in line {line} (case does not count); choose another name',
            )

    def _check_need(self, name: str, node: Node, key: str, names: list[str], own: str) -> None:
        if name in self._lines and name != own:
            return
        if name == own:
            text = f'"{name}" needs itself; remove it'
        elif name in names:
            text = f'"{name}" comes later; a phase can need earlier phases only: move it up, or remove it'
        else:
            known = list(self._lines)
            near = did_you_mean(name, known)
            text = f"there is no phase {quoted(name)}; " + (near or _choices("earlier phases are", known))
        self._problems.add(node, key, text)

    def _check_resource(self, name: str, node: Node, key: str) -> None:
        if name not in self._resources:
            remedy = did_you_mean(name, self._resources) or f"add {name}: 1 to `resources` at the top level"
            self._problems.add(node, key, f"there is no resource {quoted(name)}; {remedy}")

    def _check_catch_all(self, values: dict[str, Any], node: Node, places: dict[str, Node], key: str) -> None:
        if any(name in places for name in ("paths", "markers", "keyword", "tests")):
            return
        if self._catch_all:
            said = f"selects nothing, because {self._catch_all} takes whatever is left already"
            self._problems.add(node, key, f"{said}; give one of the two `markers` or `paths`")
        else:
            self._catch_all = key


def _name_of(node: Node) -> str:
    if isinstance(node, Table):
        for entry in node.entries:
            if isinstance(entry.key, Scalar) and entry.key.text == "name" and isinstance(entry.value, Scalar):
                return entry.value.text
    return ""


def _located(values: dict[str, Any], places: dict[str, Node], name: str, key: str) -> list[tuple[str, Node, str]]:
    """``(value, node, key)`` for every item of a list of names that was read."""
    if name not in values:
        return []
    node, path = places[name], below(key, name)
    if not isinstance(node, Items):
        return [(values[name][0], node, path)]
    pairs = zip(values[name], node.items, strict=True)
    return [(value, item, f"{path}[{index}]") for index, (value, item) in enumerate(pairs)]


def _choices(said: str, names: list[str]) -> str:
    return f"{said} {listed(names)}" if names else "it is the first phase: remove it"

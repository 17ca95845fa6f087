"""A table of fields and the reading of a mapping by it; the two values of a plan that are small tables themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from ..model.plan import Command, Retries
from ..words.wording import closest, listed
from .document import Items, Node, Scalar, Table
from .kinds import Boolean, Choice, Duration, ScalarText, Schema, Whole, read_part, shown_value
from .parts import ListOf, split
from .problems import Abandoned, Problems, Refused, below, entries, what

Level = Literal["top", "select", "reports", "defaults", "phase", "retries", "leaks", "command"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the plan. ``example`` is YAML; ``default`` is what the reference says when the key is left out."""

    key: str
    kind: Any  # a Kind: msgspec cannot check protocols
    help: str
    example: str
    levels: tuple[Level, ...]
    default: str = ""
    required: bool = False


# Words that people try, which no distance between letters would lead to ours.
_ALIASES = {
    "marks": "markers", "mark": "markers", "m": "markers", "tag": "markers", "tags": "markers",
    "k": "keyword", "expression": "keyword", "match": "keyword",
    "files": "paths", "file": "paths", "testpaths": "paths", "dirs": "paths", "include": "paths",
    "ids": "tests", "nodeids": "tests", "node_ids": "tests", "nodes": "tests",
    "jobs": "workers", "parallel": "workers", "processes": "workers", "numprocesses": "workers", "n": "workers",
    "concurrency": "workers",
    "maxfail": "max_failures", "fail_fast": "max_failures", "failfast": "max_failures", "exitfirst": "max_failures",
    "depends_on": "needs", "depends": "needs", "after": "needs", "requires": "needs",
    "environment": "env", "vars": "env", "environ": "env",
    "args": "pytest_args", "addopts": "pytest_args", "options": "pytest_args", "extra_args": "pytest_args",
    "before": "setup", "pre": "setup", "setup_commands": "setup", "post": "teardown", "cleanup": "teardown",
    "reruns": "retries", "retry": "retries",
    "memory_limit": "memory", "max_memory": "memory", "rss": "memory", "output_limit": "output", "max_output": "output",
    "pollution": "recheck", "order": "order_dependent",
    "process": "isolation", "isolate": "isolation", "forked": "isolation",
    "interpreter": "python", "junitxml": "junit", "xml": "junit", "stages": "phases", "steps": "phases",
    "attempts": "count", "times": "count", "cmd": "run", "command": "run", "argv": "run",
}  # fmt: skip


class Fields:
    """The fields of one level, in the order of the reference; a kind of value themselves: what fits of a mapping."""

    shown = "mapping"

    def __init__(
        self,
        fields: tuple[Field, ...],
        model: type[msgspec.Struct] | None = None,
        elsewhere: Callable[[str], str] = lambda key: "",
    ) -> None:
        self.by_key: Mapping[str, Field] = {field.key: field for field in fields}
        self._defaults = {f.name: f.default for f in msgspec.structs.fields(model)} if model else {}
        self._elsewhere = elsewhere

    def default(self, field: Field) -> str:
        """The default as the reference writes it; the model's own, unless the field says it in words."""
        if field.required:
            return "required"
        return field.default or shown_value(self._defaults[field.key])

    def read(self, node: Node, key: str, problems: Problems) -> dict[str, Any]:
        """Key -> value for every key that is given and fits. Everything else is reported; `Refused` for no mapping."""
        if not isinstance(node, Table):
            raise Refused(f"expected a mapping, got {what(node)}; write keys such as {self._some()} below it")
        values: dict[str, Any] = {}
        seen = set()
        for name, name_node, value in entries(node, key, problems):
            seen.add(name)
            field = self.by_key.get(name)
            if field is None:
                problems.add(name_node, below(key, name), f"unknown key; {self._remedy(name)}")
                continue
            into: list[Any] = []
            read_part(field.kind, value, below(key, name), problems, into.append)
            values.update((name, read) for read in into)
        for name, field in self.by_key.items():
            if field.required and name not in seen:
                example = field.example if "\n" not in field.example else "…"
                problems.add(node, below(key, name), f"is missing; write {name}: {example}")
        return values

    def _some(self) -> str:
        return " and ".join(f"{key}:" for key in list(self.by_key)[:2])

    def _remedy(self, name: str) -> str:
        alias = _ALIASES.get(name.lower().replace("-", "_").lstrip("_"), "")
        if alias in self.by_key:
            return f'did you mean "{alias}"?'
        elsewhere = self._elsewhere(name)
        if elsewhere:
            return elsewhere
        near = closest(name, self.by_key)
        return f'did you mean "{near}"?' if near else f"known here: {listed(self.by_key, 40)}"

    def schema(self) -> Schema:
        """An object with these properties and no others."""
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                key: {**field.kind.schema(), "description": self._description(field)}
                for key, field in self.by_key.items()
            },
        }
        required = [key for key, field in self.by_key.items() if field.required]
        if required:
            schema["required"] = required
        return schema

    def _description(self, field: Field) -> str:
        default = self.default(field)
        return f"{field.help} {'Required' if field.required else f'Default: {default}'}. Example: {field.example}"


class Record:
    """A mapping whose keys are `Fields`, none of them required; ``build`` makes the value from those that fit."""

    shown = "mapping"

    def __init__(self, fields: Fields, build: Callable[[dict[str, Any]], Any]) -> None:
        self.fields = fields
        self._build = build

    def read(self, node: Node, key: str, problems: Problems) -> Any:
        return self._build(self.fields.read(node, key, problems))

    def schema(self) -> Schema:
        return self.fields.schema()


# ------------------------------------------------------------------------------------------------------ retries


_RETRY_COUNT = Whole(0, 100)

RETRY_FIELDS = Fields(
    (
        Field(
            key="count",
            kind=_RETRY_COUNT,
            help="How often a red test is run again, in a fresh process.",
            example="2",
            levels=("retries",),
            default="`0`",
        ),
        Field(
            key="delay",
            kind=Duration(zero=True, nullable=False),
            help="The pause before each new attempt.",
            example="5s",
            levels=("retries",),
            default="`0s`",
        ),
        Field(
            key="on",
            kind=ListOf(
                Choice("failed", "timed_out", "crashed"), shown="list of `failed`, `timed_out`, `crashed`", least=1
            ),
            help="The outcomes that are tried again. An error in a fixture counts as `failed`.",
            example="[timed_out, crashed]",
            levels=("retries",),
            default="all three",
        ),
        Field(
            key="isolation",
            kind=Choice("test", "same"),
            help="Which tests share the process of a new attempt. `test`: none. `same`: the tests that are tried again "
            "with it, by the isolation of the phase.",
            example="same",
            levels=("retries",),
            default="`test`",
        ),
    )
)


class RetriesKind:
    """A number of retries, or a mapping that says when."""

    shown = "whole number or mapping"
    _record = Record(RETRY_FIELDS, lambda values: Retries(**values))

    def read(self, node: Node, key: str, problems: Problems) -> Retries:
        if isinstance(node, Table):
            retries: Retries = self._record.read(node, key, problems)
            return retries
        if isinstance(node, Scalar) and node.kind == "whole":
            count = _RETRY_COUNT.read(node, key, problems)
            assert isinstance(count, int)
            return Retries(count=count)
        got = f"expected a number of retries or a mapping, got {what(node)}"
        raise Refused(f"{got}; write 2 or {{count: 2, on: [crashed]}}")

    def schema(self) -> Schema:
        return {"anyOf": [_RETRY_COUNT.schema(), self._record.schema()]}


# ----------------------------------------------------------------------------------------------------- commands


class RunKind:
    """What a command runs: a text or a list of arguments; which of them is kept until ``shell`` is known."""

    shown = "text or list of arguments"
    _argument = ScalarText("upgrade")

    def read(self, node: Node, key: str, problems: Problems) -> str | tuple[str, ...]:
        if isinstance(node, Items):
            return _argv(node, key, problems)
        split(node, "alembic upgrade head")
        assert isinstance(node, Scalar)
        if not node.text.strip():
            raise Refused("is empty; write the command, or remove it")
        return node.text

    def schema(self) -> Schema:
        arguments = {"type": "array", "items": self._argument.schema(), "minItems": 1}
        return {"anyOf": [{"type": "string", "pattern": r"\S"}, arguments]}


COMMAND_FIELDS = Fields(
    (
        Field(
            key="run",
            kind=RunKind(),
            help="The command: a text that is split like a shell does, or a list of arguments.",
            example='"alembic upgrade head"',
            levels=("command",),
            required=True,
        ),
        Field(
            key="shell",
            kind=Boolean(),
            help="Hand the text to `/bin/sh -c`, for pipes, `&&` and variables.",
            example="true",
            levels=("command",),
            default="`false`",
        ),
        Field(
            key="timeout",
            kind=Duration(),
            help="The time that this command may take.",
            example="30s",
            levels=("command",),
            default="the phase's `setup_timeout`",
        ),
    )
)

_SHELL_WORD = re.compile(r"&&?|\|\|?|;|[0-9]?>>?|<|2>&1|>&2")


class CommandKind:
    """A command: a text, a list of arguments, or a mapping."""

    shown = "command"

    def read(self, node: Node, key: str, problems: Problems) -> Command:
        match node:
            case Table():
                return self._from_table(node, key, problems)
            case Items():
                return Command(argv=_argv(node, key, problems))
            case _:
                return Command(argv=_plain(RunKind().read(node, key, problems)))

    def _from_table(self, node: Table, key: str, problems: Problems) -> Command:
        values = COMMAND_FIELDS.read(node, key, problems)
        if "run" not in values:
            raise Abandoned
        run, shell = values["run"], values.get("shell", False)
        culprit = next(value for name, _, value in entries(node, key, Problems("")) if name == "run")
        try:
            if shell and not isinstance(run, str):
                raise Refused("with shell: true the command is one text; write it as a text, or remove shell")
            argv = (run,) if shell else _plain(run)
        except Refused as refused:
            problems.add(culprit, below(key, "run"), refused.text)
            raise Abandoned from refused
        return Command(argv=argv, shell=shell, timeout=values.get("timeout"))

    def schema(self) -> Schema:
        return {"anyOf": [*RunKind().schema()["anyOf"], COMMAND_FIELDS.schema()]}


def _argv(node: Items, key: str, problems: Problems) -> tuple[str, ...]:
    values: list[str] = []
    item = ScalarText("upgrade")
    fits = [read_part(item, part, f"{key}[{index}]", problems, values.append) for index, part in enumerate(node.items)]
    if not all(fits):
        raise Abandoned
    if not values or not values[0].strip():
        raise Refused('is an empty command; write for example ["alembic", "upgrade", "head"], or remove it')
    return tuple(values)


def _plain(run: str | tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of a command that no shell sees; `Refused` when its text was clearly meant for one."""
    if not isinstance(run, str):
        return run
    argv = tuple(split(Scalar(run, "text", 0, 0), ""))
    meant = next((word for word in argv if _SHELL_WORD.fullmatch(word)), "")
    if meant:
        raise Refused(f"{meant} needs a shell; write {{run: …, shell: true}}, or one command per item")
    return argv

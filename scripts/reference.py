"""Write what the documentation takes from the code.

    python scripts/reference.py              write the parts below
    python scripts/reference.py --check      only compare; exits 1 if a page is not current
    python scripts/reference.py --picture    write the picture of README.md too, from a real run

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``. NAME is one of:

plan        the table of fields
commands    the help of Click
journal     the union of events, and the values in them
summary     the docstring of the module that writes summary.json
options     the table of pytest's options
plugins     the plugins of others that tests/installed tries

The picture stands between ``<!-- picture: PROJECT: COMMAND -->`` and ``<!-- end of picture -->``. scripts/pages.py runs
it like every console block, so that it stays current too.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
import tempfile
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), str(SCRIPTS), *(place for place in sys.path if Path(place) != SCRIPTS)]

import click  # noqa: E402
import msgspec  # noqa: E402

from async_test_runner.commands import COMMANDS, load  # noqa: E402
from async_test_runner.model import inventory, result  # noqa: E402
from async_test_runner.plan import pytest_options, schema  # noqa: E402
from async_test_runner.plan.pytest_options import How, Option  # noqa: E402
from async_test_runner.record import events  # noqa: E402
from async_test_runner.reports.formats import summary  # noqa: E402

_PART = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end of generated -->)", re.DOTALL)
_PICTURE = re.compile(r"(<!-- picture: (\S+): (.+?) -->\n)(.*?)(<!-- end of picture -->)", re.DOTALL)
_VERDICT = re.compile(r"(PASSED|FAILED) ")
_BEHIND = 2  # lines of a block behind │ that the picture keeps
_VALUES = (
    events.Asked,
    result.CommandResult,
    result.Problem,
    result.Detail,
    result.Section,
    result.Leak,
    inventory.TestRef,
    inventory.CollectError,
    inventory.LeftOut,
    inventory.PytestFacts,
    inventory.Coverage,
    inventory.Demand,
    inventory.SuiteWarning,
)
_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"}


def plan_keys() -> list[str]:
    """Every key of the plan as the reference calls it; a key that stands at two levels comes twice."""
    return [f"{prefix}{key}" for _, _, prefix, fields in schema.SECTIONS for key in fields.by_key]


# ---------------------------------------------------------------------------------------------------------- commands


def commands() -> str:
    """Every command: how it is called, what it does, its options, its examples."""
    return "\n".join("\n".join(_command(name)) for name in sorted(COMMANDS))


def _command(name: str) -> Iterator[str]:
    command = load(name)
    context = click.Context(
        command, info_name=f"async-test-run {name}", max_content_width=10_000, terminal_width=10_000
    )
    yield from (f"## {name}", "", f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`", "")
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    if any(isinstance(option, click.Option) for option in command.params):
        yield from ("| option | meaning |", "|---|---|")
    for option in command.params:
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record:
            yield f"| `{_cell(record[0])}` | {_cell(record[1])} |"
    yield ""
    for part in (command.epilog or "").replace("\b\n", "").strip().split("\n\n"):
        title, _, text = part.partition("\n")
        if text:
            yield from (title, "", "```text", textwrap.dedent(text).rstrip(), "```", "")
        elif title:
            yield from (title, "")


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from (" ".join(paragraph.split()), "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# ----------------------------------------------------------------------------------------------------------- journal


def journal() -> str:
    """Every event with its keys, then every value that stands in them."""
    return "\n".join(
        [
            "## Events",
            "",
            *(line for event in get_args(events.Event) for line in _struct(event)),
            "## Values in events",
            "",
            *(line for value in _VALUES for line in _struct(value)),
        ]
    )


def _struct(cls: type[msgspec.Struct]) -> Iterator[str]:
    tag = cls.__struct_config__.tag
    yield from (f"### `{tag}`" if tag else f"### {_spaced(cls.__name__)}", "")
    text = inspect.getdoc(cls) if cls.__doc__ else ""
    if text:
        yield from _paragraphs(text.replace("``", "`"))
    fields = [field for field in msgspec.structs.fields(cls) if field.name not in ("at", "mono")]
    if not fields:
        return
    if cls.__struct_config__.array_like:
        yield from (f"A list: {', '.join(field.encode_name for field in fields)}.", "")
        return
    comments = _comments(cls)
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for field in fields:
        default = "" if field.required else f"`{_default(field)}`"
        cells = (f"`{field.encode_name}`", _type(field.type), default, comments.get(field.name, ""))
        yield ("| " + " | ".join(cells) + " |").replace("``", "`")
    yield ""


def _spaced(name: str) -> str:
    """``CommandResult`` as the title "Command result"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return msgspec.json.encode(value).decode() if not isinstance(value, msgspec.Struct) else "{}"


def _comments(cls: type[msgspec.Struct]) -> dict[str, str]:
    """The comments behind the fields of a class, by the name of the field."""
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    (body,) = ast.parse(source).body
    assert isinstance(body, ast.ClassDef)
    named = [(node.target.id, lines[node.end_lineno - 1]) for node in body.body if _is_field(node)]
    return {name: line.partition("  # ")[2].replace("|", "\\|") for name, line in named}


def _is_field(node: Any) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _type(kind: Any) -> str:
    """A type as a reader of JSON knows it."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_type, inner))
    if origin is tuple:
        return f"list of {_type(inner[0])}" if inner[1:] == (...,) else f"[{', '.join(map(_type, inner))}]"
    if origin is dict:
        return "mapping of text to " + _type(inner[1])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        title = _spaced(kind.__name__)
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    return f"{_spaced(kind.__name__).lower()}"  # an enumeration


# ----------------------------------------------------------------------------------------------------------- summary


def summary_keys() -> str:
    """The two columns of the docstring as a table."""
    rows: list[list[str]] = []
    for line in _indented(summary.__doc__ or ""):
        key = re.match(r"(\w+(?:, \w+)*) {2,}(.*)", line)
        if key:
            rows.append([key[1], key[2]])
        elif rows:
            rows[-1][1] += f" {line.strip()}"
    lines = ["| key | meaning |", "|---|---|"]
    for key, meaning in rows:
        names = ", ".join(f"`{name}`" for name in key.split(", "))
        lines.append(f"| {names} | {_shaped(meaning)} |")
    after = (summary.__doc__ or "").rstrip().rpartition("\n\n")[2]
    return "\n".join([*lines, "", " ".join(after.replace("``", "`").split()), ""])


def _indented(text: str) -> Iterator[str]:
    yield from (line[4:] for line in text.splitlines() if line.startswith("    "))


def _shaped(meaning: str) -> str:
    """A shape (``[{id, text}]``) as code, the words behind it as they are."""
    text = meaning.replace("``", "`").replace("|", "\\|")
    end = _closing(text)
    return f"`{text[:end]}`{text[end:]}" if end else text


def _closing(text: str) -> int:
    """Where the bracket closes with which a text begins; 0 if it begins with none."""
    depth = 0
    for position, letter in enumerate(text, 1):
        depth += (letter in "[{") - (letter in "]}")
        if not depth:
            return position if position > 1 else 0
    return 0


# ----------------------------------------------------------------------------------------------------------- options


def options() -> str:
    """The table of pytest's options, by plugin; those without a word about them in one block."""
    return "\n".join(line for plugin, found in pytest_options.TABLE.items() for line in _options(plugin, found))


def _options(plugin: str, found: tuple[Option, ...]) -> Iterator[str]:
    yield from (f"### {plugin}", "")
    for how, words in ((How.OBEYED, "Obeyed:"), (How.LOGGED, "In the log:")):
        plain = [option for option in found if option.how is how and not (option.plan or option.dashes)]
        names = " ".join(name for option in plain for name in option.names)
        if names:
            yield from (words, "", "```text", *textwrap.wrap(names, 110, break_on_hyphens=False), "```", "")
    rows = [option for option in found if option.how not in (How.OBEYED, How.LOGGED) or option.plan or option.dashes]
    if rows:
        yield from ("| option | in a run | in `pytest_args` | after `--` |", "|---|---|---|---|")
        for option in rows:
            cells = (_names(option), _becomes(option), *(_refused(text) for text in (option.plan, option.dashes)))
            yield "| " + " | ".join(map(_cell, cells)) + " |"
        yield ""


def _names(option: Option) -> str:
    return ", ".join(f"`{name}`" for name in option.names)


def _becomes(option: Option) -> str:
    several = " (said of several sessions)" if option.several else ""
    return {
        How.OBEYED: "obeyed",
        How.MAPPED: option.says,
        How.LOGGED: "shown in the log of each process",
        How.SAID: f"a warning: {option.says}{several}",
        How.REFUSED: f"refused: {option.says}",
    }[option.how]


def _refused(remedy: str) -> str:
    return f"refused: {remedy}" if remedy else "passed on"


def plugins() -> str:
    """Every plugin that was tried, and what differs in forks and in fresh processes."""
    from tests.installed import plugins_of_others

    return plugins_of_others.table()


# ------------------------------------------------------------------------------------------------------------ writing

PARTS: dict[str, Callable[[], str]] = {
    "plan": schema.reference,
    "commands": commands,
    "journal": journal,
    "summary": summary_keys,
    "options": options,
    "plugins": plugins,
}


def current(text: str) -> str:
    """A page with its generated parts as they are to be."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().rstrip()}\n\n{part[4]}", text)


def pictured(text: str) -> str:
    """A page with the picture of a new run."""
    return _PICTURE.sub(lambda part: f"{part[1]}\n{picture(part[2], part[3])}\n\n{part[5]}", text)


def picture(project: str, command: str) -> str:
    """What a command shows on a project, as a console block; long blocks behind │ are cut."""
    import pages

    with tempfile.TemporaryDirectory() as scratch:
        _, written = pages.execute(command, pages.prepared(project, Path(scratch)))
    return "\n".join(["```console", f"$ {command}", *shortened(written.splitlines()), "```"])


def shortened(lines: list[str]) -> Iterator[str]:
    """The lines, of each block behind │ only the first ones, without the slowest tests and the places of reports."""
    behind, hidden = 0, False
    for line in lines:
        if line == "reports":
            yield from ("…", "")
        hidden = line in ("slowest tests", "reports") or (
            hidden and line not in ("leaks", "failures") and not _VERDICT.match(line)
        )
        if hidden:
            continue
        behind = behind + 1 if line.startswith("│") else 0
        if behind <= _BEHIND:
            yield line.rstrip()
        elif behind == _BEHIND + 1:
            yield "│ …"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write what the documentation takes from the code.")
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--picture", action="store_true", help="write the picture in README.md too")
    options = parser.parse_args()
    stale = 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        wanted = current(pictured(text) if options.picture else text)
        if wanted != text:
            stale += 1
            print(f"{path.relative_to(ROOT)}: {'is not current' if options.check else 'written'}")
            if not options.check:
                path.write_text(wanted, encoding="utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

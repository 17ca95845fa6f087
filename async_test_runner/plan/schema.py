"""The table of fields as JSON Schema, for editors, and as Markdown, for the documentation."""

from __future__ import annotations

import json

from .fields import PHASE, POLICY, REPORTS, SELECT, TOP
from .kinds import Schema
from .leaks import LEAK_FIELDS
from .table import COMMAND_FIELDS, RETRY_FIELDS, Field, Fields

SECTIONS: tuple[tuple[str, str, str, Fields], ...] = (
    ("Top level", "", "", TOP),
    ("Keys of `select`", "", "select.", SELECT),
    ("Keys of a phase", "Many of them may stand under `defaults` too.", "", PHASE),
    ("Keys of `retries`", "As a mapping; a number alone is its `count`.", "retries.", RETRY_FIELDS),
    ("Keys of `leaks`", "As a mapping; a policy alone is its `default`.", "leaks.", LEAK_FIELDS),
    (
        "Keys of a command",
        "A command of `setup` or `teardown` as a mapping. A text, or a list of arguments, is its `run`.",
        "command.",
        COMMAND_FIELDS,
    ),
    ("Keys of `reports`", "", "reports.", REPORTS),
)


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a plan, for editors; what only the whole plan shows is not in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "async-test-run plan",
        "description": "runner.yaml: the phases of a test suite and the policy that each runs under.",
        **TOP.schema(),
    }


def schema_text() -> str:
    """`json_schema` as the text of ``plan.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Every key with its type, default and meaning, as Markdown: a heading each, so that pages can link to it."""
    lines = []
    for title, note, prefix, fields in SECTIONS:
        lines += [f"## {title}", ""]
        lines += [note, ""] if note else []
        for field in fields.by_key.values():
            lines += [f"### {_heading(field, prefix)}", "", field.help, "", _facts(field, fields), ""]
    return "\n".join(lines).rstrip() + "\n"


def _heading(field: Field, prefix: str) -> str:
    twice = field.key in TOP.by_key and field.key in PHASE.by_key and "top" not in field.levels and not prefix
    return f"`{prefix}{field.key}`" + (" of a phase" if twice else "")


def _facts(field: Field, fields: Fields) -> str:
    default = fields.default(field)
    shown = default if default == "required" else f"default: {default}"
    also = " · also under `defaults`" if field.levels == POLICY else ""
    return f"{field.kind.shown} · {shown} · example: `{field.key}: {field.example}`{also}"

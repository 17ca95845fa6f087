"""The table of fields as JSON Schema, for editors, and as Markdown, for the documentation."""

from __future__ import annotations

import json

from .fields import PHASE, POLICY, REPORTS, SELECT, TOP
from .kinds import Schema
from .leaks import LEAK_FIELDS
from .table import COMMAND_FIELDS, RETRY_FIELDS, Field, Fields

_SECTIONS: tuple[tuple[str, str, Fields], ...] = (
    ("Top level", "", TOP),
    ("`select`", "", SELECT),
    ("A phase", "Keys marked * may stand under `defaults` too.", PHASE),
    ("`retries`", "As a mapping; a number alone is its `count`.", RETRY_FIELDS),
    ("`leaks`", "As a mapping; a policy alone is its `default`.", LEAK_FIELDS),
    (
        "A command of `setup` or `teardown`",
        "As a mapping; a text, or a list of arguments, is its `run`.",
        COMMAND_FIELDS,
    ),
    ("`reports`", "", REPORTS),
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
    """Every key with its type, default and meaning, as Markdown."""
    parts = []
    for title, note, fields in _SECTIONS:
        lines = [f"**{title}**", ""]
        lines += [note, ""] if note else []
        lines += ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
        lines += [_row(field, fields) for field in fields.by_key.values()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _row(field: Field, fields: Fields) -> str:
    starred = " *" if field.levels == POLICY else ""
    cells = (f"`{field.key}`{starred}", field.kind.shown, fields.default(field), field.help, f"`{field.example}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""What becomes of leaks: one policy for all kinds, or one by kind."""

from __future__ import annotations

from typing import get_args

from ..model.plan import Leaks
from ..model.vocabulary import LeakKind, LeakPolicy
from .document import Node, Table
from .kinds import Choice, Schema
from .problems import Problems
from .table import Field, Fields, Record

_POLICY = Choice(
    *get_args(LeakPolicy),
    meant={"warn": "report", "warning": "report", "red": "fail", "error": "fail", "off": "ignore", "allow": "ignore"},
)

LEAK_FIELDS = Fields(
    (
        Field(
            key="default",
            kind=_POLICY,
            help="The policy of the kinds that are not named.",
            example="report",
            levels=("leaks",),
            default="`report`",
        ),
        *(
            Field(
                key=kind.value,
                kind=_POLICY,
                help=kind.help,
                example="fail",
                levels=("leaks",),
                default="that of `default`",
            )
            for kind in LeakKind
        ),
    )
)


def _leaks(values: dict[str, LeakPolicy]) -> Leaks:
    default = values.pop("default", Leaks().default)
    return Leaks(default, {kind: values[kind.value] for kind in LeakKind if kind.value in values})


class LeaksKind:
    """A policy for all kinds of leaks, or a mapping of kinds to policies."""

    shown = "`report`, `fail`, `ignore` or mapping"
    _record = Record(LEAK_FIELDS, _leaks)

    def read(self, node: Node, key: str, problems: Problems) -> Leaks:
        if isinstance(node, Table):
            leaks: Leaks = self._record.read(node, key, problems)
            return leaks
        policy: LeakPolicy = _POLICY.read(node, key, problems)  # type: ignore[assignment]
        return Leaks(default=policy)

    def schema(self) -> Schema:
        return {"anyOf": [_POLICY.schema(), self._record.schema()]}

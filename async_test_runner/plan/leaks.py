"""What becomes of leaks: one policy for all kinds, or one by kind."""

from __future__ import annotations

from typing import get_args

from ..model.plan import Leaks
from ..model.vocabulary import LeakKind, LeakPolicy
from .document import Node, Table
from .kinds import Choice, Schema
from .problems import Problems
from .table import Field, Fields, Record

_POLICY = Choice(*get_args(LeakPolicy))

_KINDS: dict[LeakKind, str] = {
    "tasks": "Asyncio tasks that are still pending, those too that the framework's loop cancels silently at its end.",
    "exceptions": "Exceptions of background tasks and callbacks that nobody retrieved.",
    "loops": "Event loops that were not closed.",
    "generators": "Asynchronous generators that were not closed.",
    "threads": "Threads that still run; daemon threads are not meant to be joined.",
    "processes": "Child processes that still run, and those that left their parent (daemons).",
    "descriptors": "Sockets, files and pipes that are still open; sockets too that only the garbage collector closed.",
    "clients": "httpx and aiohttp clients that were not closed, connections not returned to the pool of an SQLAlchemy "
    "engine.",
    "state": "Environment, working directory, `sys.path`, signal handlers, logging and FastAPI's "
    "`dependency_overrides`, changed and not put back.",
    "teardowns": "Fixtures that return before their teardown: what stands after the `return` never runs.",
}

LEAK_FIELDS = Fields(
    (
        Field(
            key="default",
            kind=_POLICY,
            help="What holds for the kinds that are not named here.",
            example="report",
            levels=("leaks",),
            default="`report`",
        ),
        *(
            Field(key=kind, kind=_POLICY, help=help, example="fail", levels=("leaks",), default="that of `default`")
            for kind, help in _KINDS.items()
        ),
    )
)


class LeaksKind:
    """A policy for all kinds of leaks, or a mapping of kinds to policies."""

    shown = "`report`, `fail`, `ignore` or mapping"
    _record = Record(LEAK_FIELDS, lambda values: Leaks(**values))

    def read(self, node: Node, key: str, problems: Problems) -> Leaks:
        if isinstance(node, Table):
            leaks: Leaks = self._record.read(node, key, problems)
            return leaks
        policy: LeakPolicy = _POLICY.read(node, key, problems)  # type: ignore[assignment]
        return Leaks(default=policy)

    def schema(self) -> Schema:
        return {"anyOf": [_POLICY.schema(), self._record.schema()]}

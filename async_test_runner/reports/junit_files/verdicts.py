"""What a testcase says of its outcome in other ways than by an element that everybody reads.

Googletest, CTest, NUnit and others have attributes for it, or elements of their own. A reader of the merged report
would take such a testcase for passed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

VERDICTS = frozenset({"failure", "error", "skipped"})
# Elements that some producers write in the place of <skipped>.
LEFT_OUT = frozenset({"disabled", "ignored", "inconclusive", "notrun", "not-run", "pending", "todo"})

_NOT_RUN = frozenset(
    {
        *("blocked", "cancelled", "canceled", "deferred", "disabled", "excluded", "ignored", "inconclusive", "norun"),
        *("notexecuted", "notrun", "notrunnable", "pending", "skip", "skipped", "suppressed", "todo", "undefined"),
        *("untested",),
    }
)
_RED = frozenset(
    {
        *("aborted", "ambiguous", "broken", "crash", "crashed", "err", "error", "errored", "fail", "failed", "failure"),
        *("fatal", "timedout", "timeout"),
    }
)
_ATTRIBUTES = ("status", "result", "outcome", "state")
_SAYING = frozenset({*_ATTRIBUTES, "executed"})
_NOTHING = ("", "")


def unread(attrs: Mapping[str, str], elements: Collection[str], left_out: str) -> tuple[str, str]:
    """The verdict that a testcase has and no reader would see, and how it says so; two empty texts if there is none.

    ``elements`` are the verdicts that stand in it as elements, ``left_out`` is one of `LEFT_OUT` that does.
    """
    if elements or (not left_out and _SAYING.isdisjoint(attrs)):  # as nearly all are: asked without any loop
        return _NOTHING
    for tag, words in (("failure", _RED), ("skipped", _NOT_RUN)):
        for name in _ATTRIBUTES:
            value = attrs.get(name)
            if value and "".join(filter(str.isalpha, value)).lower() in words:
                return tag, f"{name}: {value}"
    if attrs.get("executed", "").lower() == "false":
        return "skipped", "executed: false"
    return ("skipped", left_out) if left_out else _NOTHING

"""What this process says to the runner: a function per message.

The runner decodes each into the class of the same kind in its ``contract/messages.py``, and a test holds that.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from .contract import Entry, Facts, LeakSaid, Stage, WarningSaid, Why


class Message(NamedTuple):
    """A fact before it has its times."""

    kind: str
    fields: dict[str, Any]


def hello(pid: int, worker: str, dump_signal: int | None, c_signal: int | None) -> Message:
    """This process is up; it answers these two signals."""
    return Message("hello", {"pid": pid, "worker": worker, "dump_signal": dump_signal, "c_signal": c_signal})


def capturing(pid: int, worker: str, limit: int, files: list[tuple[int, int, int]]) -> Message:
    """Where it keeps captured output: descriptor, device and inode of each file."""
    return Message("capturing", {"pid": pid, "worker": worker, "limit": limit, "files": files})


# ------------------------------------------------------------------------------------------------------ the collection


def collecting(id: str, path: str = "") -> Message:
    """This file is about to be imported; an empty id says that all files have been."""
    return Message("collecting", {"id": id, "path": path})


def conftest_failed(id: str, path: str, text: str) -> Message:
    """A conftest.py that pytest loads before it collects raised."""
    return Message("conftest_failed", {"id": id, "path": path, "text": text})


def collect_error(id: str, text: str) -> Message:
    """A file could not be collected."""
    return Message("collect_error", {"id": id, "text": text})


def collect_skip(id: str, text: str) -> Message:
    """A whole file skipped itself."""
    return Message("collect_skip", {"id": id, "text": text})


def found(test: Entry) -> Message:
    """One item of the inventory."""
    return Message("test", {"test": test})


def left_out(reason: str, count: int, what: Literal["tests", "paths"], examples: list[str]) -> Message:
    """What does not take part, and by whose decision."""
    return Message("left_out", {"reason": reason, "count": count, "what": what, "examples": examples})


def bad_expression(index: int, text: str) -> Message:
    """pytest does not accept this expression of the plan."""
    return Message("bad_expression", {"index": index, "text": text})


def inventory(facts: Facts) -> Message:
    """All items have been told."""
    return Message("inventory", {"facts": facts})


# ---------------------------------------------------------------------------------------------------------- the host


def hosting(unsafe: list[str], reads: list[str]) -> Message:
    """The collecting process waits for orders; ``unsafe`` says why it must not fork, ``reads`` who asked which worker
    it is.
    """
    return Message("hosting", {"unsafe": unsafe, "reads": reads})


def forked(process: str, pid: int) -> Message:
    """The host has forked the session of a job."""
    return Message("forked", {"process": process, "pid": pid})


def exited(process: str, status: int) -> Message:
    """A session that the host had forked has ended."""
    return Message("exited", {"process": process, "status": status})


# ------------------------------------------------------------------------------------------------------------ a test


def started(id: str, worker: str) -> Message:
    """A test begins."""
    return Message("started", {"id": id, "worker": worker})


def stage(id: str, stage: Stage) -> Message:
    """A stage is over, and was not simply passed."""
    return Message("stage", {"id": id, "stage": stage})


def finished(
    id: str,
    worker: str,
    started: float,
    duration: float,
    call: float,
    stages: list[Stage],
    sections: list[tuple[str, str]],
    properties: list[tuple[str, str]],
    attributes: list[tuple[str, str]],
    leaks: list[LeakSaid],
) -> Message:
    """A test is over. What is empty is left out: most tests have nothing more to say."""
    fields: dict[str, Any] = {"id": id, "worker": worker, "started": started, "duration": duration, "call": call}
    if stages:
        fields["stages"] = stages
    if sections:
        fields["sections"] = sections
    if properties:
        fields["properties"] = properties
    if attributes:
        fields["attributes"] = attributes
    if leaks:
        fields["leaks"] = leaks
    return Message("finished", fields)


def leaked(id: str, leak: LeakSaid) -> Message:
    """Something that a test left has come up after the test was over."""
    return Message("leaked", {"id": id, "leak": leak})


def hang(pid: int, id: str, why: Why, likely: str, text: str) -> Message:
    """The answer of a process that was asked what it is at."""
    return Message("hang", {"pid": pid, "id": id, "why": why, "likely": likely, "text": text})


# --------------------------------------------------------------------------------------------------------- a session


def missing(ids: list[str]) -> Message:
    """Ids that were asked for and are not there."""
    return Message("missing", {"ids": ids})


def changed(id: str, meant: str, found: str) -> Message:
    """An id that was asked for means another test here."""
    return Message("changed", {"id": id, "meant": meant, "found": found})


def worker_died(id: str, worker: str, status: int | None = None, reason: str = "") -> Message:
    """A worker died while it ran this test."""
    return Message("worker_died", {"id": id, "worker": worker, "status": status, "reason": reason})


def worker_lost(worker: str, text: str) -> Message:
    """A worker is gone, and took no test along."""
    return Message("worker_lost", {"worker": worker, "text": text})


def retired(id: str, worker: str, why: str) -> Message:
    """This process runs no other test after this one, for it is not clean any more."""
    return Message("retired", {"id": id, "worker": worker, "why": why})


def left_behind(worker: str, what: str, stacks: str = "") -> Message:
    """A process has finished, and something of its tests is still there."""
    return Message("left_behind", {"worker": worker, "what": what, "stacks": stacks})


def notice(text: str) -> Message:
    """Something worth knowing that is nobody's fault."""
    return Message("notice", {"text": text})


def suite_property(name: str, value: str) -> Message:
    """A test has added it to the whole suite."""
    return Message("suite_property", {"name": name, "value": value})


def warned(warning: WarningSaid) -> Message:
    """A warning that tests of this session have caused: at once when it is new, its repetitions at the end."""
    return Message("warned", {"warning": warning})


def session_finished(status: int, reason: str, error: str, red: int, warnings: int) -> Message:
    """The last word of a session that came to its end by itself."""
    fields = {"status": status, "reason": reason, "error": error, "red": red, "warnings": warnings}
    return Message("session_finished", fields)

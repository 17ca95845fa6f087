"""The digest that runs through a journal, and the seal of one that is complete."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import msgspec
import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.result import JournalHead
from async_test_runner.record import chain
from async_test_runner.record.chain import BrokenError, Chain


def lines(*events: bytes) -> list[bytes]:
    written, found = Chain(), []
    for event in events:
        line, digest = written.line(event)
        written.advance(digest)
        found.append(line)
    return found


def followed(given: list[bytes]) -> Chain:
    read = Chain()
    for line in given:
        read.follow(line)
    return read


THREE = lines(b'{"a":1}', b'{"b":2}', b'{"c":3}')


def test_a_digest_is_that_of_the_line_and_of_the_digest_before_it() -> None:
    first = hashlib.sha256(b'{"a":1}').hexdigest()[:16]
    second = hashlib.sha256(first.encode() + b'{"b":2}').hexdigest()[:16]
    assert [json.loads(line)["chain"] for line in THREE[:2]] == [first, second]
    assert followed(THREE[:2]).head == JournalHead(2, second)


def test_before_the_first_line_there_is_no_digest() -> None:
    assert Chain().head == JournalHead(0, "")


@pytest.mark.parametrize(
    "changed",
    [
        [THREE[1], THREE[2]],
        [THREE[0], THREE[2]],
        [THREE[0], THREE[0], THREE[1]],
        [THREE[1], THREE[0], THREE[2]],
        [THREE[0], THREE[1].replace(b"2", b"4", 1), THREE[2]],
        [THREE[0], b'{"b":2}\n', THREE[2]],
        [THREE[0], b"\n", THREE[1]],
        [b'{"z":0}\n', *THREE],
    ],
)
def test_lines_that_are_changed_left_out_added_or_moved_do_not_follow(changed: list[bytes]) -> None:
    with pytest.raises(BrokenError):
        followed(changed)


def test_lines_without_a_digest_may_come_first_and_are_part_of_what_follows() -> None:
    bare = [b'{"a":1}\n', b"damaged\n"]
    written = followed(bare)
    assert written.head == JournalHead(2, hashlib.sha256(b"".join(bare)).hexdigest()[:16])
    line, _ = written.line(b'{"b":2}')
    assert followed([*bare, line]).events == 3
    with pytest.raises(BrokenError):
        followed([bare[0], line])


def test_a_seal_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    chain.seal(path, "r", JournalHead(3, "abc"))
    found = chain.read(chain.sealed(path))
    assert found == chain.Seal("r", JournalHead(3, "abc"))
    chain.unseal(path)
    chain.unseal(path)
    assert chain.read(chain.sealed(path)) is None


def test_what_is_no_seal_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(msgspec.DecodeError):
        chain.read(tmp_path / "text")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InfrastructureError, match="a named pipe"):
        chain.read(tmp_path / "pipe")


def test_of_a_seal_so_many_bytes_are_read(tmp_path: Path) -> None:
    (tmp_path / "endless").write_text(json.dumps({"run_id": "r" * 100_000}))
    with pytest.raises(msgspec.DecodeError):
        chain.read(tmp_path / "endless")

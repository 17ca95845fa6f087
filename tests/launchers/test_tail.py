"""Messages are read once, complete, in order; whatever else stands in the files is told, and never believed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from async_test_runner.contract.messages import Damaged, Hello, Started
from async_test_runner.launchers import tail as tails
from async_test_runner.launchers.tail import Tail
from async_test_runner.model.errors import InfrastructureError

NAME = "events.main.jsonl"


HELLO = b'\n{"kind":"hello","at":1.0,"mono":0.5,"n":0,"pid":1}\n'


def line(id: str, mono: float = 1.0, n: int = 0) -> bytes:
    """The fact that follows ``n`` others and the hello of its process."""
    return b"\n" + json.dumps({"kind": "started", "at": 1.0, "mono": mono, "n": n + 1, "id": id}).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def said(tail: Tail, *, over: bool = False) -> list[str]:
    """Ids of tests that began, and in their place what is damaged."""
    found = []
    for message in tail.poll(over=over):
        assert isinstance(message, Started | Damaged)
        found.append(message.id if isinstance(message, Started) else f"! {message.what}")
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def tail(tmp_path: Path) -> Tail:
    """Of one process, which has said hello."""
    it = Tail(tmp_path, [NAME])
    append(tmp_path / NAME, HELLO)
    assert [type(message) for message in it.poll()] == [Hello]
    return it


def test_nothing_said_is_nothing(tail: Tail) -> None:
    assert tail.poll() == []


def test_each_line_is_read_once(tail: Tail, path: Path) -> None:
    append(path, line("a") + line("b", n=1))
    assert said(tail) == ["a", "b"]
    assert said(tail) == []
    append(path, line("c", n=2))
    assert said(tail) == ["c"]


def test_half_a_line_waits_for_its_other_half(tail: Tail, path: Path) -> None:
    first, second = line("a"), line("ü\n", n=1)
    for position, byte in enumerate(first + second):
        append(path, bytes([byte]))
        expected = {len(first) - 1: ["a"], len(first + second) - 1: ["ü\n"]}.get(position, [])
        assert said(tail) == expected


@pytest.mark.parametrize(
    "stray",
    [b"x", b"\x00", b'{"kind":"new"}', b"[]", b'{"kind":"sta', b'{"kind":"started","id":"\xff"}', b"\xff" * 500],
)
def test_what_is_no_fact_is_told_and_costs_only_itself(tail: Tail, path: Path, stray: bytes) -> None:
    append(path, line("a") + stray + line("b", n=1))
    first, damage, last = said(tail)
    assert (first, last) == ("a", "b")
    assert damage.startswith("! holds a line that is no fact: '")
    assert len(damage) < 700


def test_a_fact_that_is_missing_is_missed(tail: Tail, path: Path) -> None:
    append(path, line("a") + line("c", n=2))
    assert [text[:33] for text in said(tail)] == ["a", "! has fact 3 where 2 was to come:", "c"]


def test_a_fact_that_somebody_says_again_is_told(tail: Tail, path: Path) -> None:
    append(path, line("a") + line("b", n=1) + line("b", n=1))
    assert [text[:18] for text in said(tail)] == ["a", "b", "! has fact 2 where"]


def test_a_fact_without_a_number_is_not_believed_and_spoils_none_of_ours(tail: Tail, path: Path) -> None:
    append(path, line("a") + line("b", n=1) + line("forged", n=-1) + line("c", n=2))
    assert [text[:18] for text in said(tail)] == ["a", "b", "! has fact 0 where", "c"]


def test_a_process_that_takes_the_place_of_another_counts_anew(tail: Tail, path: Path) -> None:
    append(path, line("a") + HELLO + line("b"))
    assert [type(message) for message in tail.poll()] == [Started, Hello, Started]


def test_nobody_is_believed_before_a_process_has_said_hello(tmp_path: Path, path: Path) -> None:
    tail = Tail(tmp_path, [NAME])
    append(path, line("forged", n=-1) + HELLO + line("a"))
    first, hello, last = tail.poll()
    assert isinstance(first, Damaged)
    assert first.what.startswith("has a fact before any process said hello there: ")
    assert (type(hello), type(last)) == (Hello, Started)


def test_of_many_damages_the_first_are_told(tail: Tail, path: Path) -> None:
    append(path, b"x\n" * 10_000 + line("a"))
    found = said(tail)
    assert (len(found), found[-1]) == (tails._SAID + 1, "a")


def test_the_files_of_several_processes_are_put_in_the_order_of_the_clock(tmp_path: Path) -> None:
    tail = Tail(tmp_path, ["events.gw0.jsonl", "events.gw1.jsonl"])
    for name in ("events.gw0.jsonl", "events.gw1.jsonl"):
        append(tmp_path / name, HELLO)
    tail.poll()
    append(tmp_path / "events.gw0.jsonl", line("a", 1.0) + line("c", 3.0, 1))
    append(tmp_path / "events.gw1.jsonl", line("b", 2.0) + line("d", 4.0, 1))
    assert said(tail) == ["a", "b", "c", "d"]


def test_only_files_that_were_announced_are_read(tail: Tail, tmp_path: Path) -> None:
    append(tmp_path / "events.evil.jsonl", line("a"))
    os.mkfifo(tmp_path / "events.fifo.jsonl")
    assert said(tail) == []


@pytest.mark.parametrize("what", ["file", "link", "fifo"])
def test_a_file_that_is_there_already_is_not_read(tmp_path: Path, path: Path, what: str) -> None:
    if what == "file":
        path.write_bytes(line("forged"))
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(path)
    with pytest.raises(InfrastructureError, match="cannot make"):
        Tail(tmp_path, [NAME])


def test_what_takes_the_place_of_a_file_is_not_read(tail: Tail, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    assert said(tail) == []


def test_a_file_that_is_cut_off_is_told_and_read_from_its_beginning(tail: Tail, path: Path) -> None:
    append(path, line("a"))
    assert said(tail) == ["a"]
    path.write_bytes(b"")
    append(path, b"")
    assert said(tail) == ["! was cut off while it was read"]
    append(path, line("b", n=1))
    assert said(tail) == ["b"]


def test_a_look_takes_so_much_and_the_last_one_all(tail: Tail, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "_LOOK", 100)
    append(path, b"".join(line(str(n), n=n) for n in range(10)))
    first = said(tail)
    assert 0 < len(first) < 3
    assert first + said(tail, over=True) == [str(n) for n in range(10)]


def test_a_line_without_an_end_is_given_up(tail: Tail, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "_LONGEST", 1000)
    append(path, b"x" * 2000)
    assert said(tail) == ["! holds a line of more than 1000 bytes"]
    assert said(tail) == []


def test_everything_is_read_at_the_end(tail: Tail, path: Path) -> None:
    count = 70  # a megabyte each: more than any buffer
    append(path, b"".join(line(f"{n}-" + "x" * (1 << 20), n=n) for n in range(count)))
    assert len(said(tail, over=True)) == count


def test_what_is_written_to_a_file_that_was_deleted_is_read_until_the_end(tail: Tail, path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(line("a"))
        assert said(tail) == ["a"]
        path.unlink()
        file.write(line("b", n=1))
        assert said(tail) == ["b"]
    tail.close()


def test_what_was_read_before_the_end_is_not_read_again_after_it(tail: Tail, path: Path) -> None:
    append(path, line("a"))
    assert said(tail) == ["a"]
    tail.close()
    tail.close()
    assert said(tail) == []

"""Messages are read once, complete, in order, whatever else stands in the files."""

from __future__ import annotations

import json
from pathlib import Path

from async_test_runner.contract.messages import Started
from async_test_runner.launchers.tail import Tail


def line(id: str, mono: float = 1.0) -> bytes:
    return json.dumps({"kind": "started", "at": 1.0, "mono": mono, "id": id}).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def ids(tail: Tail) -> list[str]:
    return [message.id for message in tail.poll() if isinstance(message, Started)]


def test_no_file_yet_is_nothing_said(tmp_path: Path) -> None:
    assert Tail(tmp_path).poll() == []


def test_each_line_is_read_once(tmp_path: Path) -> None:
    tail, path = Tail(tmp_path), tmp_path / "events.jsonl"
    append(path, line("a") + line("b"))
    assert ids(tail) == ["a", "b"]
    assert ids(tail) == []
    append(path, line("c"))
    assert ids(tail) == ["c"]


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    tail, path = Tail(tmp_path), tmp_path / "events.jsonl"
    data = line("a") + line("ü\n")
    for position in range(len(data)):
        append(path, data[position : position + 1])
        expected = {len(line("a")) - 1: ["a"], len(data) - 1: ["ü\n"]}.get(position, [])
        assert ids(tail) == expected


def test_damaged_and_foreign_lines_cost_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, line("a") + b'{"kind":"started","id":"\xff"}\n\x00\n{"kind":"new"}\n[]\n\n{"kind":"sta\n' + line("b"))
    assert ids(Tail(tmp_path)) == ["a", "b"]


def test_the_files_of_several_processes_are_put_in_the_order_of_the_clock(tmp_path: Path) -> None:
    append(tmp_path / "events.gw0.jsonl", line("a", 1.0) + line("c", 3.0))
    append(tmp_path / "events.gw1.jsonl", line("b", 2.0) + line("d", 4.0))
    append(tmp_path / "output.log", line("no", 0.0))
    tail = Tail(tmp_path)
    assert ids(tail) == ["a", "b", "c", "d"]
    append(tmp_path / "events.main.jsonl", line("e", 5.0))
    assert ids(tail) == ["e"]


def test_everything_is_read_in_one_call(tmp_path: Path) -> None:
    count = 70  # a megabyte each: more than any buffer
    append(tmp_path / "events.jsonl", b"".join(line(f"{n}-" + "x" * (1 << 20)) for n in range(count)))
    assert len(ids(Tail(tmp_path))) == count


def test_what_is_written_to_a_file_that_was_deleted_is_read_until_the_end(tmp_path: Path) -> None:
    tail, path = Tail(tmp_path), tmp_path / "events.jsonl"
    with path.open("ab", buffering=0) as file:
        file.write(line("a"))
        assert ids(tail) == ["a"]
        path.unlink()
        file.write(line("b"))
        assert ids(tail) == ["b"]
    tail.close()


def test_what_was_read_before_the_end_is_not_read_again_after_it(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    append(tmp_path / "events.jsonl", line("a"))
    assert ids(tail) == ["a"]
    tail.close()
    tail.close()
    assert ids(tail) == []

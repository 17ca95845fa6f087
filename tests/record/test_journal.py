"""The journal on disk: what was written survives, what somebody has changed is refused or written again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from async_test_runner.model.errors import ChangedJournalError, InfrastructureError, UsageError
from async_test_runner.model.result import JournalHead
from async_test_runner.record import chain
from async_test_runner.record.events import ProblemFound, RunStarted, Warned, encode
from async_test_runner.record.journal import JournalWriter, Reader, read
from tests.support.projects import SOURCE


def warned(message: str) -> Warned:
    return Warned(at=1.0, mono=2.0, message=message)


def written(path: Path, *messages: str) -> None:
    writer = JournalWriter(path)
    for message in messages:
        writer.write(warned(message))
    writer.close()


def messages(path: Path) -> list[str]:
    return [event.message for event in read(path) if isinstance(event, Warned)]


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    written(tmp_path / "j", "one", "zwei\n", "\udcff")
    assert messages(tmp_path / "j") == ["one", "zwei\n", "\\udcff"]


def test_a_writer_appends(tmp_path: Path) -> None:
    written(tmp_path / "j", "one")
    written(tmp_path / "j", "two")
    assert messages(tmp_path / "j") == ["one", "two"]


def test_every_event_is_on_disk_at_once(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(warned("one"))
    assert messages(tmp_path / "j") == ["one"]
    writer.close()


def replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def cut(path: Path) -> None:
    os.truncate(path, 10)


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more\n")


CHANGES = {
    "was deleted": Path.unlink,
    "was cut from 81 to 10 bytes": cut,
    "was edited": edited,
    "has 5 bytes too many": longer,
    "was replaced by a link": replaced_by(lambda path: path.symlink_to("/dev/null")),
    "was replaced by a named pipe": replaced_by(os.mkfifo),
    "was replaced by a directory": replaced_by(lambda path: (path / "with").mkdir(parents=True)),
    "was replaced by another file": replaced_by(lambda path: path.write_text("of somebody else")),
}
changes = pytest.mark.parametrize(("said", "change"), CHANGES.items(), ids=CHANGES)


@changes
def test_a_journal_that_was_changed_is_written_again(
    tmp_path: Path, said: str, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "j"
    writer = JournalWriter(path)
    writer.write(warned("one"))
    assert (writer.moved(), writer.changed()) == ("", "")
    change(path)
    assert writer.changed() == said
    assert writer.moved() == ("" if said == "was edited" else said)
    writer.write(warned("two"))
    assert writer.changed() != ""
    writer.restore()
    writer.seal()
    writer.close()
    assert messages(path) == ["one", "two"]
    assert path.is_file() and not path.is_symlink()


def test_a_directory_in_the_place_of_the_journal_is_kept_beside_it(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    (tmp_path / "j").unlink()
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "file").write_text("of somebody")
    (tmp_path / "j.1").touch()
    writer.restore()
    writer.close()
    assert (tmp_path / "j.2" / "file").read_text() == "of somebody"


def test_a_journal_whose_directory_is_gone_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "j"
    path.parent.mkdir()
    writer = JournalWriter(path)
    writer.write(warned("one"))
    path.unlink()
    path.parent.rmdir()
    writer.write(warned("two"))
    writer.restore()
    writer.close()
    assert messages(path) == ["one", "two"]


def test_where_the_copy_was_changed_too_nothing_is_written_again_and_the_seal_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writer = JournalWriter(path)
    writer.write(warned("one"))
    for fd in writer.descriptors():  # what code with the rights of the runner can do
        os.ftruncate(fd, 0)
    with pytest.raises(InfrastructureError, match="the copy of it too"):
        writer.restore()
    writer.seal()
    writer.close()
    with pytest.raises(ChangedJournalError):
        messages(path)


def test_the_copy_has_no_name(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(warned("one"))
    assert [path.name for path in tmp_path.iterdir()] == ["j"]
    _, copy = writer.descriptors()
    assert os.pread(copy, 1000, 0) == (tmp_path / "j").read_bytes()
    writer.close()


def test_a_journal_that_is_in_its_place_is_left_alone(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(warned("one"))
    before = (tmp_path / "j").stat()
    writer.restore()
    writer.close()
    assert os.path.samestat(before, (tmp_path / "j").stat())


@pytest.mark.parametrize(
    "damage",
    [
        b'{"kind":"warned","at":1',
        b"\x00" * 100,
        b"\xff\xfe",
        b'{"kind":"warned","at":1,"mono":1,"message":"\xff"}',
        b"7",
    ],
)
def test_damaged_lines_of_a_version_without_digests_cost_nothing_but_themselves(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    one, two = (encode(warned(message)) for message in ("one", "two"))
    path.write_bytes(one + b"\n" + damage + b"\n" + two + b"\n" + damage)
    assert messages(path) == ["one", "two"]
    written(path, "three")
    assert messages(path) == ["one", "two", "three"]


@pytest.mark.parametrize("damage", [b'{"kind":"warned","at":1,"mono":1,"message":"forged"}', b"\x00" * 100])
def test_a_line_that_nobody_wrote_is_refused_with_its_place(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    written(path, "one")
    with path.open("ab") as file:
        file.write(damage + b"\n")
    with pytest.raises(ChangedJournalError) as caught:
        messages(path)
    assert caught.value.message.startswith(f"{path}:2: somebody has changed the journal")
    assert "--list" in caught.value.hint
    before = path.read_bytes()
    with pytest.raises(ChangedJournalError):
        JournalWriter(path)
    assert path.read_bytes() == before


@changes
def test_a_sealed_journal_that_was_changed_is_refused_and_not_taken_up(
    tmp_path: Path, said: str, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "j"
    sealed(path, "one")
    change(path)
    with pytest.raises((ChangedJournalError, InfrastructureError)):
        messages(path)
    with pytest.raises(ChangedJournalError):
        JournalWriter(path)


def sealed(path: Path, *said: str) -> JournalHead:
    writer = JournalWriter(path)
    for message in said:
        writer.write(warned(message))
    writer.seal()
    writer.close()
    return writer.head


@pytest.mark.parametrize("lines", [0, 1])
def test_the_seal_knows_where_a_journal_ends(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "j"
    sealed(path, "one", "two")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))
    with pytest.raises(ChangedJournalError, match="not the last of the 2 lines"):
        messages(path)


def test_a_sealed_journal_has_no_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "j"
    sealed(path, "one")
    with path.open("ab") as file:
        file.write(b'{"kind":')
    with pytest.raises(ChangedJournalError, match=r"j:2: .* this line is not complete"):
        messages(path)


def test_a_seal_that_is_none_is_refused(tmp_path: Path) -> None:
    sealed(tmp_path / "j", "one")
    (tmp_path / "j.seal").write_text("[]")
    with pytest.raises(ChangedJournalError, match="no seal of a journal"):
        messages(tmp_path / "j")


def test_a_reader_says_whether_the_journal_is_sealed_and_how_far_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "j"
    head = sealed(path, "one", "two")
    reader = Reader(path)
    assert len(list(reader)) == 2
    assert (reader.sealed, reader.head, head.events) == (True, head, 2)
    chain.unseal(path)
    reader = Reader(path)
    assert len(list(reader)) == 2
    assert not reader.sealed


def test_a_journal_that_goes_on_is_not_sealed_any_more_and_is_sealed_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    sealed(path, "one")
    writer = JournalWriter(path)
    assert (tmp_path / "j.seal").exists()  # nothing was written yet
    writer.write(warned("two"))
    assert not (tmp_path / "j.seal").exists()
    writer.seal()
    writer.close()
    assert messages(path) == ["one", "two"]
    assert (tmp_path / "j.seal").exists()


def test_a_journal_that_is_resumed_while_it_is_read_is_no_changed_one(tmp_path: Path) -> None:
    path = tmp_path / "j"
    sealed(path, "one")
    reading = read(path)
    next(reading)
    written(path, "two")
    assert len(list(reading)) == 1


RUN = RunStarted(at=1.0, mono=1.0, version=1, run_id="r", plan="p", plan_path="/p", root="/", argv=(), runner="0")


@pytest.mark.parametrize(
    ("run", "events", "digest", "said"),
    [
        ("r", 2, "true", ""),
        ("r", 1, "false", "j:1: .* summary.json knows it otherwise"),
        ("r", 2, "false", "j:2: .* summary.json knows it otherwise"),
        ("r", 4, "true", "j:3: .* it ends here, and summary.json knows 4 lines"),
        ("another", 2, "false", ""),
    ],
)
def test_a_journal_must_go_with_the_summary_beside_it(
    tmp_path: Path, run: str, events: int, digest: str, said: str
) -> None:
    path = tmp_path / "j"
    writer = JournalWriter(path)
    writer.write(RUN)
    writer.write(warned("one"))
    known = writer.head.digest if digest == "true" else "false"
    writer.write(warned("two"))
    writer.close()
    document = {"version": 1, "run_id": run, "journal": {"events": events, "digest": known}, "tests": []}
    (tmp_path / "summary.json").write_text(json.dumps(document))
    if not said:
        assert messages(path) == ["one", "two"]
        return
    with pytest.raises(ChangedJournalError, match=said):
        messages(path)


@pytest.mark.parametrize("summary", ["", "[]", "{}", '{"run_id": "r"}', '{"run_id": "r", "journal": null}'])
def test_a_summary_that_says_nothing_changes_nothing(tmp_path: Path, summary: str) -> None:
    writer = JournalWriter(tmp_path / "j")
    writer.write(RUN)
    writer.close()
    (tmp_path / "summary.json").write_text(summary)
    assert list(read(tmp_path / "j")) == [RUN]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name, said in {"link": "a link", "pipe": "a named pipe", "directory": "a directory"}.items():
        with pytest.raises(ChangedJournalError, match=said):
            messages(tmp_path / name)
        with pytest.raises(ChangedJournalError, match=said):
            JournalWriter(tmp_path / name)


def test_a_line_without_an_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("async_test_runner.record.journal._LONGEST", 1000)
    (tmp_path / "j").write_bytes(b"\0" * 10_000)
    with pytest.raises(ChangedJournalError, match="not complete"):
        messages(tmp_path / "j")


def test_who_writes_has_the_run_alone(tmp_path: Path) -> None:
    first = JournalWriter(tmp_path / "j")
    with pytest.raises(UsageError, match="still at work in another process"):
        JournalWriter(tmp_path / "j")
    first.close()
    JournalWriter(tmp_path / "j").close()


def test_a_journal_cut_at_any_byte_is_read_up_to_there(tmp_path: Path) -> None:
    written(tmp_path / "j", "one", "two")
    data = (tmp_path / "j").read_bytes()
    for length in range(len(data) + 1):
        (tmp_path / "cut").write_bytes(data[:length])
        assert messages(tmp_path / "cut") == ["one", "two"][: (data[:length] + b"\n").count(b'"}\n')]


@pytest.mark.processes
def test_a_killed_writer_leaves_what_it_wrote(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from async_test_runner.record.journal import JournalWriter\n"
        "from async_test_runner.record.events import Warned\n"
        "writer = JournalWriter(Path(sys.argv[1]))\n"
        "for n in range(100): writer.write(Warned(at=1.0, mono=1.0, message=str(n)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "j")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SOURCE)}, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert messages(tmp_path / "j") == [str(n) for n in range(100)]


# ------------------------------------------------------------------------------------- what the guardian does, a fork


def parted(path: Path, after_fork: Callable[[JournalWriter], object]) -> None:
    """A writer that forks, does something, and is killed without a word; the fork does what the guardian does."""
    ours, theirs = os.pipe()
    writer = JournalWriter(path)
    writer.write(warned("one"))
    child = os.fork()
    if not child:
        os.close(theirs)
        os.read(ours, 1)  # until the writer is done
        try:
            writer.part()
        finally:
            os._exit(0)
    os.close(ours)
    after_fork(writer)
    os.close(theirs)
    os.waitpid(child, 0)
    writer.close()


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no guardian without forks")


@forks
def test_the_guardian_seals_what_was_written_after_the_fork(tmp_path: Path) -> None:
    path = tmp_path / "j"
    parted(path, lambda writer: [writer.write(warned(message)) for message in ("two", "three")])
    reader = Reader(path)
    assert [event.message for event in reader if isinstance(event, Warned)] == ["one", "two", "three"]
    assert reader.sealed


@forks
@pytest.mark.parametrize("copied", ["line", "torn"])
@pytest.mark.parametrize("taken", [0, 7])
def test_a_writer_that_was_killed_while_it_wrote_is_no_change(tmp_path: Path, copied: str, taken: int) -> None:
    path = tmp_path / "j"

    def write(writer: JournalWriter) -> None:
        writer.write(warned("two"))
        line, _ = writer._chain.line(encode(warned("three")))
        os.write(writer.descriptors()[1], line if copied == "line" else line[:9])
        if copied == "line":
            os.write(writer.descriptors()[0], line[:taken])

    parted(path, write)
    reader = Reader(path)
    assert [event.message for event in reader if isinstance(event, Warned)] == ["one", "two", "three"][
        : 3 if copied == "line" else 2
    ]
    assert reader.sealed


@forks
@changes
def test_the_guardian_writes_a_changed_journal_again_and_says_so(
    tmp_path: Path, said: str, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "j"

    def write(writer: JournalWriter) -> None:
        change(path)
        writer.write(warned("two"))

    parted(path, write)
    reader = Reader(path)
    first, second, problem = list(reader)
    assert isinstance(first, Warned) and isinstance(second, Warned) and isinstance(problem, ProblemFound)
    assert (first.message, second.message) == ("one", "two")
    assert "somebody has changed the journal while the run went on" in problem.problem.message
    assert (problem.problem.kind, problem.problem.stays, problem.mono) == ("failure", True, 2.0)
    assert reader.sealed


@forks
def test_what_follows_in_the_journal_alone_was_not_written_by_the_runner(tmp_path: Path) -> None:
    path = tmp_path / "j"

    def forge(writer: JournalWriter) -> None:
        line, _ = writer._chain.line(encode(warned("forged")))
        with path.open("ab") as file:
            file.write(line)

    parted(path, forge)
    one, problem = list(read(path))
    assert one == warned("one")
    assert isinstance(problem, ProblemFound) and "bytes too many" in problem.problem.message


@forks
@pytest.mark.parametrize("how", ["chained", "broken"])
def test_a_copy_that_was_changed_too_is_not_believed(tmp_path: Path, how: str) -> None:
    path = tmp_path / "j"

    def forge(writer: JournalWriter) -> None:
        for n in range(2):
            line, digest = writer._chain.line(encode(warned(f"forged {n}")))
            writer._chain.advance(digest)
            for fd in writer.descriptors():
                os.write(fd, line if how == "chained" else b"forged\n")

    parted(path, forge)
    with pytest.raises(ChangedJournalError):
        list(read(path))


@forks
def test_the_guardian_leaves_alone_what_is_sealed(tmp_path: Path) -> None:
    path = tmp_path / "j"

    def end(writer: JournalWriter) -> None:
        writer.seal()
        path.unlink()

    parted(path, end)
    assert not path.exists()


# ----------------------------------------------------------------------------------------------------------- full disks


def test_a_disk_that_takes_nothing_is_infrastructure_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    writer = JournalWriter(tmp_path / "j")
    monkeypatch.setattr(os, "write", lambda fd, data: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InfrastructureError, match="No space left on device") as caught:
        writer.write(warned("one"))
    assert "--run-dir" in caught.value.hint
    writer.close()


def test_of_a_line_that_does_not_fit_nothing_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    writer, write = JournalWriter(tmp_path / "j"), os.write
    writer.write(warned("one"))
    room = [100]  # bytes, in both files together

    def full(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken = write(fd, data[: room[0]])
        room[0] -= taken
        return taken

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(InfrastructureError):
        writer.write(warned("a message that fits once"))
    room[0] = 1000
    assert writer.changed() == ""
    writer.write(warned("two"))
    assert writer.changed() == ""
    writer.seal()
    writer.close()
    assert messages(tmp_path / "j") == ["one", "two"]


def test_a_short_write_is_continued(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    writer, write = JournalWriter(tmp_path / "j"), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    writer.write(warned("a message of some length"))
    writer.close()
    assert messages(tmp_path / "j") == ["a message of some length"]


def test_a_journal_that_cannot_be_opened_is_infrastructure(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot write the journal"):
        JournalWriter(tmp_path / "missing" / "j")
    with pytest.raises(InfrastructureError, match="cannot read the journal"):
        list(read(tmp_path / "j"))

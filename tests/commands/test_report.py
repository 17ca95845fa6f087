from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from async_test_runner.commands.report import command
from async_test_runner.model.errors import InfrastructureError, RunnerError, UsageError
from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.result import Detail
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    Collected,
    Event,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    RunFinished,
    RunStarted,
    TestFinished,
    TestRef,
    encode,
)
from async_test_runner.record.journal import JournalWriter
from async_test_runner.reports.formats import FORMATS

OLD, NEW = "20261119T000000.000Z-000000", "20261120T071500.000Z-ab12cd"


def history(run_id: str, outcome: Outcome, project: Path) -> list[Event]:
    id = "tests/test_a.py::test_one"
    details = (Detail("call", outcome, "assert 1 == 2", "E   assert 1 == 2"),) if outcome.is_red else ()
    times = {"at": 1e9, "mono": 100.0}
    return [
        RunStarted(
            **times,
            version=1,
            run_id=run_id,
            plan="ci",
            plan_path=str(project / "runner.yaml"),
            root=str(project),
            argv=(),
            runner="0",
        ),
        Collected(**times, tests=1, facts=PytestFacts()),
        PhasePlanned(
            **times, phase="async", isolation=Isolation.TEST, workers=1, tests=(TestRef(id, "tests/test_a.py", 3),)
        ),
        PhaseStarted(**times, phase="async"),
        TestFinished(**times, phase="async", id=id, attempt=1, outcome=outcome, duration=0.5, details=details),
        PhaseFinished(**times, phase="async", wall=1.0),
        RunFinished(**times, exit_code=int(outcome.is_red), wall=2.0),
    ]


def record(project: Path, run_id: str, events: list[Event]) -> Path:
    directory = project / ".async-test-run" / "runs" / run_id
    directory.mkdir(parents=True)
    writer = JournalWriter(directory / "journal.jsonl")
    for event in events:
        writer.write(event)
    if any(isinstance(event, RunFinished) for event in events):
        writer.seal()
    writer.close()
    return directory / "journal.jsonl"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a green run and, newer, a red one; the working directory."""
    (tmp_path / "runner.yaml").touch()
    monkeypatch.chdir(tmp_path)
    record(tmp_path, OLD, history(OLD, Outcome.PASSED, tmp_path))
    record(tmp_path, NEW, history(NEW, Outcome.FAILED, tmp_path))
    return tmp_path


def report(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def refused(*arguments: str) -> RunnerError:
    error = report(*arguments).exception
    assert isinstance(error, RunnerError)
    return error


def test_the_newest_run_is_shown_and_that_is_a_success(project: Path) -> None:
    result = report()
    assert result.exit_code == 0
    assert "  FAILED tests/test_a.py::test_one  (phase async, 0.50s)\n│ E   assert 1 == 2\n" in result.output
    assert f"reports\n  .async-test-run/runs/{NEW}/journal.jsonl\n" in result.output
    assert result.output.endswith(
        f"next: async-test-run --failed runs what was red again; async-test-run report {NEW} -v shows all of it\n"
        "FAILED 1 failed in 2.00s (exit 1)\n"
    )
    assert "\x1b" not in result.output


def test_the_reports_that_are_there_are_named(project: Path) -> None:
    (project / ".async-test-run" / "runs" / NEW / "junit.xml").touch()
    assert f"reports\n  .async-test-run/runs/{NEW}  (junit.xml, journal.jsonl)\n" in report().output


def test_the_verdict_is_the_exit_code_on_demand(project: Path) -> None:
    assert report("--exit-code").exit_code == 1
    assert report("--exit-code", OLD).exit_code == 0


def test_a_run_is_named_by_the_beginning_of_its_id(project: Path) -> None:
    assert report("20261119").output.endswith("PASSED 1 test in 2.00s (exit 0)\n")


def test_verbose_brings_tracebacks_and_quiet_few_lines(project: Path) -> None:
    assert "│ E   assert 1 == 2" in report("-v").output
    assert len(report("-q", OLD).output.splitlines()) == 2


def test_colour_is_a_choice(project: Path) -> None:
    assert "\x1b[1;31mFAILED" in report("--color").output
    assert "\x1b" not in report("--no-color").output


def test_a_killed_run_is_shown_as_far_as_it_came(project: Path) -> None:
    run = "20261121T000000.000Z-000000"
    journal = record(project, run, history(run, Outcome.PASSED, project)[:-3])
    with journal.open("ab") as file:
        file.write(b'{"kind":"test_finished","at":1e9,"mo')
    result = report("--exit-code")
    assert result.exit_code == 1
    assert "in flight" not in result.output
    assert "1 test of phase async: the run ended before it" in result.output
    assert result.output.splitlines()[-1].startswith("INCOMPLETE: the runner was killed")


def test_runs_are_listed_with_what_they_came_to(project: Path) -> None:
    record(project, "20261122T000000.000Z-000000", [])
    assert report("--list").output.splitlines() == [
        "20261122T000000.000Z-000000  unreadable",
        f"{NEW}  FAILED 1 failed in 2.00s (exit 1)",
        f"{OLD}  PASSED 1 test in 2.00s (exit 0)",
    ]


def test_only_the_last_twenty_runs_are_listed(project: Path) -> None:
    for number in range(20):
        run = f"20270101T0000{number:02}.000Z-000000"
        record(project, run, history(run, Outcome.PASSED, project))
    lines = report("--list").output.splitlines()
    assert (len(lines), lines[-1]) == (21, "… and 2 older runs")


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--junit", "out.xml")])
def test_a_journal_that_was_edited_is_refused_with_the_line(project: Path, arguments: tuple[str, ...]) -> None:
    path = project / ".async-test-run" / "runs" / NEW / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"outcome":"failed"', b'"outcome":"passed"', 1))
    error = refused(*arguments)
    assert (error.exit_code, error.message.startswith(f"{path}:5: somebody has changed the journal")) == (2, True)
    assert "async-test-run run" in error.hint
    assert report("--list").output.splitlines()[0] == f"{NEW}  changed"
    assert not (project / "out.xml").exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_what_is_in_the_place_of_a_journal_is_refused_at_once(project: Path, make: Callable[[Path], object]) -> None:
    path = project / ".async-test-run" / "runs" / NEW / "journal.jsonl"
    path.unlink()
    make(path)
    assert "and no regular file" in refused().message
    assert "and no regular file" in refused(str(path.parent)).message
    assert report("--list").output.splitlines()[0] == f"{NEW}  changed"


def test_a_journal_that_was_deleted_after_its_run_is_not_passed_over(project: Path) -> None:
    (project / ".async-test-run" / "runs" / NEW / "journal.jsonl").unlink()
    assert "cannot read the journal" in refused().message


def test_of_a_journal_that_is_not_sealed_that_is_said_beside_the_report(project: Path) -> None:
    run = "20261121T000000.000Z-000000"
    directory = project / ".async-test-run" / "runs" / run
    directory.mkdir()
    older = b"".join(encode(event) + b"\n" for event in history(run, Outcome.PASSED, project))
    (directory / "journal.jsonl").write_bytes(older)
    result = report()
    assert "this journal is not sealed" in result.stderr
    assert result.stdout.endswith("PASSED 1 test in 2.00s (exit 0)\n")
    assert report(OLD).stderr == ""


def test_the_summary_comes_as_json(project: Path) -> None:
    document = json.loads(report("--json").output)
    assert (document["run_id"], document["exit_code"]) == (NEW, 1)
    assert document["journal"]["events"] == 7


def test_the_junit_xml_is_written_again(project: Path) -> None:
    result = report("--junit", "out/junit.xml")
    assert '<testsuite name="async"' in (project / "out/junit.xml").read_text()
    assert "  out/junit.xml\n" in result.output


def test_a_journal_that_records_no_run_is_refused(project: Path) -> None:
    (project / "empty.jsonl").touch()
    error = refused("empty.jsonl")
    assert isinstance(error, UsageError)
    assert "records no run" in error.message


def test_a_journal_that_lost_the_line_of_a_phase_is_refused(project: Path) -> None:
    run = "20261121T000000.000Z-000000"
    events = history(run, Outcome.PASSED, project)
    del events[2]
    record(project, run, events)
    error = refused(run)
    assert isinstance(error, InfrastructureError)
    assert "'async'" in error.message


def test_runs_are_looked_for_where_the_options_say(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = project.parent / f"{project.name}-elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "no runner.yaml" in refused().message
    assert report("-c", str(project / "runner.yaml")).exit_code == 0
    assert report("--run-dir", str(project / ".async-test-run")).exit_code == 0
    assert report(str(project / ".async-test-run" / "runs" / NEW)).exit_code == 0
    assert "no runs in" in refused("--list", "--run-dir", str(elsewhere)).message


def test_runs_of_a_plan_with_another_name_are_found_next_to_us(project: Path) -> None:
    (project / "runner.yaml").rename(project / "ci.yaml")
    assert report().exit_code == 0


@pytest.mark.parametrize("key", FORMATS)
def test_every_format_is_printed_or_written_from_the_journal(key: str, project: Path) -> None:
    done = report("--format", key)
    assert done.exit_code == 0, done.output
    assert report("--format", key, "-o", "out/file").output == ""
    assert (project / "out" / "file").read_bytes() == done.stdout_bytes
    assert done.stdout_bytes


@pytest.mark.parametrize("key", FORMATS)
def test_every_format_says_of_a_killed_run_that_it_is_one(key: str, project: Path) -> None:
    run = "20261121T000000.000Z-000000"
    journal = record(project, run, history(run, Outcome.PASSED, project)[:-3])
    with journal.open("ab") as file:
        file.write(b'{"kind":"test_finished","at":1e9,"mo')
    done = report(run, "--format", key, "-o", "out")
    assert done.exit_code == 0, done.output
    said = (project / "out").read_text().replace("&quot;", '"')
    assert SAID_OF_A_KILLED_RUN[key] in said


SAID_OF_A_KILLED_RUN = {
    "html": "<p>the runner did not come to its end",
    "junit": "the journal ends before the run does",
    "summary": '"finished": false',
    "ctrf": '"async-test-run/finished":false',
    "github": "::error title=not complete::",
    "gitlab": "[]",  # it has no place for it: only findings of tests
    "trace": '"finished":false',
    "markdown": "**The runner did not come to its end: this is how far the run has come.**",
}


def test_where_the_checkout_is_is_read_from_the_environment_of_the_command(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.parent))
    assert f"file={project.name}/tests/test_a.py,line=3" in report("--format", "github").output
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project / "elsewhere"))
    assert "file=" not in report("--format", "github").output


def test_a_place_without_a_format_is_refused(project: Path) -> None:
    assert "--format which" in str(refused("-o", "out"))


def test_the_html_report_is_written_into_the_run_directory_or_where_it_is_wanted(project: Path) -> None:
    own = project / ".async-test-run" / "runs" / NEW / "report.html"
    assert "report.html" in report("--html").output
    assert own.read_bytes().startswith(b"<!DOCTYPE html>")
    assert report("--html", "out.html").exit_code == 0
    assert (project / "out.html").read_bytes() == own.read_bytes()


def test_what_follows_the_flag_of_a_report_by_accident_is_not_taken_for_a_file(project: Path) -> None:
    done = report("--html", NEW)
    assert done.exit_code == 2
    assert "does not end in .html; put what is no file before --html" in done.output.replace("\n", " ").replace(
        "  ", " "
    )


def test_two_runs_are_compared_the_newest_with_an_older_one(project: Path) -> None:
    done = report("--diff", OLD)
    assert done.exit_code == 0
    assert "became red: 1\n  FAILED tests/test_a.py::test_one  (passed before)  assert 1 == 2\n" in done.output
    assert "became green: 1" in report("--diff", NEW, OLD).output
    assert report("--diff", OLD, "--exit-code").exit_code == 1
    assert report("--diff", NEW, OLD, "--exit-code").exit_code == 0


def test_the_differences_come_as_json_too(project: Path) -> None:
    document = json.loads(report("--diff", OLD, "--format", "json").output)
    assert (document["old"]["run_id"], document["new"]["run_id"]) == (OLD, NEW)
    assert [entry["id"] for entry in document["became_red"]] == ["tests/test_a.py::test_one"]
    assert report("--diff", OLD, "--json").output == report("--diff", OLD, "--format", "json").output
    assert report("--diff", OLD, "--format", "json", "-o", "diff.json").output == ""
    assert json.loads((project / "diff.json").read_text()) == document


def test_differences_have_no_other_format(project: Path) -> None:
    assert "--diff has no html" in str(refused("--diff", OLD, "--format", "html"))


def test_json_alone_is_the_summary(project: Path) -> None:
    assert report("--format", "json").output == report("--json").output

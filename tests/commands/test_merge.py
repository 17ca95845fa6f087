"""``async-test-run merge``: which files are taken, what is printed, how it exits."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from async_test_runner.commands.merge import command
from async_test_runner.model.errors import ExitCode, ReportInputError, RunnerError, UsageError

GREEN = '<testsuite name="{name}"><testcase name="a" time="1"/></testsuite>'
RED = '<testsuite name="{name}"><testcase name="a" time="1"><failure/></testcase></testsuite>'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, content: str = GREEN) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.format(name=file.stem))
    return file


def merge(*args: str) -> Result:
    return CliRunner().invoke(command, args, standalone_mode=False)


def error(result: Result) -> RunnerError:
    assert isinstance(result.exception, RunnerError), result.exception
    return result.exception


def suites(path: str = "out.xml") -> list[str]:
    return [suite.attrib["name"] for suite in ET.parse(path).getroot()]


# ---------------------------------------------------------------------------------------------------------- the inputs


def test_files_are_merged_in_the_order_given() -> None:
    write("b.xml")
    write("a.xml")
    result = merge("b.xml", "a.xml", "-o", "out.xml")
    assert result.exception is None
    assert suites() == ["b", "a"]


def test_directories_are_searched_for_xml_in_sorted_order() -> None:
    for path in ("in/z.xml", "in/a/b.XML", "in/c.xml", "in/notes.txt"):
        write(path)
    merge("in", "-o", "out.xml")
    assert suites() == ["b", "c", "z"]


def test_the_output_is_not_an_input_when_it_lies_in_an_input_directory() -> None:
    write("in/a.xml")
    for _ in range(2):
        assert merge("in", "-o", "in/out.xml").exception is None
    assert suites("in/out.xml") == ["a"]


def test_the_output_may_not_be_named_as_an_input() -> None:
    write("a.xml")
    write("out.xml")
    found = error(merge("a.xml", "./out.xml", "-o", "out.xml"))
    assert isinstance(found, UsageError)
    assert found.message == "out.xml: is an input and the output"


def test_an_input_that_is_named_twice_is_taken_once() -> None:
    write("in/a.xml")
    Path("link.xml").symlink_to("in/a.xml")
    merge("in/a.xml", "in", "./in/../in/a.xml", "link.xml", "-o", "out.xml")
    assert suites() == ["a"]


def test_a_directory_without_xml_is_a_usage_error_and_nothing_is_written() -> None:
    Path("empty").mkdir()
    write("a.xml")
    found = error(merge("a.xml", "empty", "-o", "out.xml"))
    assert (found.exit_code, found.message) == (ExitCode.USAGE, "empty: no *.xml file in this directory")
    assert not Path("out.xml").exists()


OTHER = '<coverage version="7"/>'


def test_other_xml_in_a_directory_is_passed_over_with_a_word() -> None:
    write("in/a.xml")
    write("in/coverage.xml", OTHER)
    result = merge("in", "-o", "out.xml")
    assert result.exception is None
    assert suites() == ["a"]
    assert result.stderr.startswith("passed over: in/coverage.xml:1:1: no JUnit XML: the root is <coverage>")
    assert "coverage" not in result.stdout


def test_other_xml_that_is_named_is_an_error() -> None:
    write("in/a.xml")
    write("in/coverage.xml", OTHER)
    found = error(merge("in", "in/coverage.xml", "-o", "out.xml"))
    assert isinstance(found, ReportInputError)
    assert suites() == ["a", "merge"]


@pytest.mark.parametrize(
    "root", ["test-run", "assemblies", "TestRun", "robot", "testng-results", "Catch2TestRun", "Site"]
)
def test_test_results_in_another_format_are_not_passed_over(root: str) -> None:
    write("in/a.xml")
    write("in/results.xml", f"<{root}/>")
    assert f"the root is <{root}>" in error(merge("in", "-o", "out.xml")).message
    assert suites() == ["a", "merge"]


def test_a_directory_with_nothing_but_other_xml_is_a_usage_error_and_nothing_is_written() -> None:
    write("in/coverage.xml", OTHER)
    found = error(merge("in", "-o", "out.xml"))
    assert found.exit_code == ExitCode.USAGE
    assert found.message.splitlines()[0] == "no JUnit XML in in"
    assert "coverage.xml:1:1" in found.message
    assert not Path("out.xml").exists()


def test_what_stands_in_the_report_in_another_way_is_said() -> None:
    write("a.xml", '<testsuite name="a"><testcase name="&#27;[31m"/></testsuite>')
    result = merge("a.xml", "-o", "out.xml")
    assert result.exception is None
    assert result.stderr == "a.xml: holds characters that XML cannot hold; they are spelled out, such as #x1B\n"


def test_no_input_at_all_is_a_usage_error() -> None:
    result = merge("-o", "out.xml")
    assert isinstance(result.exception, click.UsageError)


def test_inputs_none_of_which_exists_are_a_usage_error() -> None:
    assert error(merge("a.xml", "b.xml", "-o", "out.xml")).exit_code == ExitCode.USAGE
    assert not Path("out.xml").exists()


def test_a_missing_input_beside_others_is_an_error_in_the_report() -> None:
    write("a.xml")
    found = error(merge("a.xml", "b.xml", "-o", "out.xml"))
    assert isinstance(found, ReportInputError)
    assert found.message == "b.xml: cannot be read: No such file or directory"
    assert suites() == ["a", "merge"]


def test_a_pipe_in_a_directory_does_not_block() -> None:
    write("in/a.xml")
    os.mkfifo("in/pipe.xml")
    assert merge("in", "-o", "out.xml").exception is None


def test_a_dangling_link_in_a_directory_is_not_passed_over() -> None:
    write("in/a.xml")
    Path("in/gone.xml").symlink_to("nowhere.xml")
    assert error(merge("in", "-o", "out.xml")).message == "in/gone.xml: cannot be read: No such file or directory"


def test_a_directory_that_cannot_be_listed_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    write("in/a.xml")
    write("in/locked/b.xml")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert error(merge("in", "-o", "out.xml")).message == "in/locked: cannot be listed: Permission denied"
    assert suites() == ["a", "merge"]


# ----------------------------------------------------------------------------------------------------------- exit codes


def test_red_tests_do_not_make_the_merge_fail() -> None:
    write("a.xml", RED)
    assert merge("a.xml", "-o", "out.xml").return_value is None


@pytest.mark.parametrize(("content", "code"), [(GREEN, 0), (RED, 1), (RED.replace("failure", "error"), 1)])
def test_red_tests_make_it_fail_when_asked_to(content: str, code: int) -> None:
    write("a.xml", content)
    result = CliRunner().invoke(command, ["a.xml", "-o", "out.xml", "--fail-on-red"])
    assert result.exit_code == code
    assert Path("out.xml").exists()


def test_an_unusable_input_is_an_infrastructure_error_after_the_report_is_written() -> None:
    write("a.xml", RED)
    write("b.xml", "<testsuite><testcase/>")
    write("c.xml", "<coverage/>")
    result = merge("a.xml", "b.xml", "c.xml", "-o", "out.xml", "--fail-on-red")
    found = error(result)
    assert found.exit_code == ExitCode.INFRASTRUCTURE
    assert found.message.splitlines() == [
        "b.xml:1:23: breaks off inside an element",
        "c.xml:1:1: no JUnit XML: the root is <coverage>, not <testsuites> or <testsuite>",
    ]
    assert found.hint
    assert suites() == ["a", "b", "merge"]


def test_an_output_that_cannot_be_written_leaves_no_trace() -> None:
    write("a.xml")
    Path("out").mkdir()
    write("out/keep.txt")
    found = error(merge("a.xml", "-o", "out"))
    assert found.exit_code == ExitCode.INFRASTRUCTURE
    assert sorted(path.name for path in Path().iterdir()) == ["a.xml", "out"]


def test_a_place_for_the_output_that_is_a_file_is_an_expected_error() -> None:
    write("a.xml")
    assert error(merge("a.xml", "-o", "a.xml/out.xml")).exit_code == ExitCode.INFRASTRUCTURE


def test_the_directory_of_the_output_is_made() -> None:
    write("a.xml")
    merge("a.xml", "-o", "new/deep/out.xml")
    assert suites("new/deep/out.xml") == ["a"]


# -------------------------------------------------------------------------------------------------------------- output


def test_the_table_has_a_line_per_input_and_their_sum() -> None:
    write("a.xml", RED)
    write("long-name.xml")
    assert merge("a.xml", "long-name.xml", "-o", "out.xml").stdout.splitlines() == [
        "file             tests  failed  errors skipped      time",
        "a.xml                1       1       0       0     1.00s",
        "long-name.xml        1       0       0       0     1.00s",
        "total                2       1       0       0     2.00s",
    ]


def test_of_many_inputs_the_table_shows_the_red_ones() -> None:
    for number in range(30):
        write(f"in/{number:02}.xml", RED if number == 17 else GREEN)
    lines = merge("in", "-o", "out.xml").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["file", "in/17.xml", "…", "total"]
    assert lines[2] == "… 29 more files"


def test_the_report_can_go_to_standard_output() -> None:
    write("a.xml")
    result = merge("a.xml", "-o", "-", "--name", 'my "run"')
    assert ET.fromstring(result.stdout).attrib["name"] == 'my "run"'
    assert result.stderr.splitlines()[-1].startswith("total")


def test_file_names_cannot_command_the_terminal() -> None:
    write("\x1b[31m\n.xml", "<broken")
    write("a.xml")
    result = merge("\x1b[31m\n.xml", "a.xml", "-o", "out.xml")
    assert "\x1b" not in result.output
    assert error(result).message == "\\x1b[31m\\n.xml:1:1: unclosed token"
    assert suites() == ["a", "merge"]


@pytest.mark.parametrize("name", ["::error::x.xml", " ::error::x.xml", "##vso[task.complete]x.xml"])
def test_file_names_cannot_command_a_ci_service(name: str) -> None:
    write(name, "<broken")
    write("a.xml")
    result = merge(name, "a.xml", "-o", "out.xml")
    for line in [*result.output.splitlines(), *error(result).message.splitlines()]:
        assert not line.lstrip().startswith("::")
        assert "##vso[" not in line


def test_help_shows_examples_and_exit_codes() -> None:
    text = CliRunner().invoke(command, ["--help"], terminal_width=100).output
    assert "async-test-run merge shards/ -o merged.xml --fail-on-red" in text
    assert "4  merged as far as possible" in text

"""Options of pytest that nobody would obey: refused on the command line; those of a plan are in ``test_bad``."""

from __future__ import annotations

import pytest

from async_test_runner.plan.arguments import given, names, of_environment, refused_arguments, text_problem, unobeyed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--collect-only"], "--collect-only has no effect in a run; use `async-test-run plan -v`"),
        (["--co"], "--co has no effect in a run; use `async-test-run plan -v`"),
        (["--pdb"], "--pdb has no effect in a run; tests run without a terminal"),
        (["-x", "-s"], "-s has no effect in a run; failures show what they printed"),
        (["-xs"], "-s has no effect in a run"),
        (["--capture=no"], "--capture has no effect in a run"),
        (["-fs"], "-f has no effect in a run; tests run without a terminal"),
        (["-vh"], "-h has no effect in a run; ask pytest itself"),
        (["--setup-plan"], "--setup-plan has no effect in a run; ask pytest itself"),
        (["--sw"], "--sw has no effect in a run; use --max-failures 1, then --failed"),
        (["-p", "no:asyncio"], "switching off asyncio support"),
        (["-pno:asyncio"], "switching off asyncio support"),
    ],
)
def test_what_nobody_would_obey_is_refused_with_what_to_do(arguments: list[str], said: str) -> None:
    (problem,) = unobeyed(arguments)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["--lf"],
            ["-x"],
            ["-n", "2"],
            ["tests/test_a.py"],
            ["-vvv"],
            ["--tb=short"],
            ["-l"],
            ["--", "--pdb-no"],
        ),
        *(["-p", "no:cacheprovider"], ["-W", "error"], ["-k", "s or f"], ["-o", "log_cli=true"], ["-ks"]),
        *(["--junitxml=own.xml"], ["--cov=shop"], ["--own-option=s"], ["--reruns", "2"], []),
        *(["--basetemp=x"], ["--durations=3"], ["-rA"], ["-r", "s"], ["--junit-prefix", "--pdb-no"], ["--log-file=s"]),
    ],
)
def test_what_is_obeyed_is_passed_on(arguments: list[str]) -> None:
    assert unobeyed(arguments) == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["-xvs"], [("-x", ""), ("-v", ""), ("-s", "")]),
        (["-rs", "-k", "x or -s"], [("-r", "s"), ("-k", "")]),
        (["-p", "no:x", "-pno:y", "-p=no:z"], [("-p", ""), ("-p", "no:x"), ("-p", "no:y"), ("-p", "no:z")]),
        (
            ["-o", "log_cli = true", "-ojunit_suite_name=a=b"],
            [("-o", ""), ("log_cli", "true"), ("junit_suite_name", "a=b")],
        ),
        (["--override-ini=cache_dir=x"], [("cache_dir", "x")]),
        (["--tb", "short", "--", "tests/a.py"], [("--tb", ""), ("", "tests/a.py")]),
    ],
)
def test_arguments_are_read_as_pytest_reads_them(arguments: list[str], found: list[tuple[str, str]]) -> None:
    assert [(argument.name, argument.value) for argument in given(arguments)] == found


def test_an_option_is_known_by_any_of_its_names_and_one_value_of_it_by_its_own() -> None:
    assert names(["--co", "--capture=no", "--capture=fd", "--dist=each", "-s", "--own"]) == [
        *("--collect-only", "-s", "--capture", "--dist each", "-s"),
    ]


@pytest.mark.parametrize(
    "argument", ["--junit-prefix=x", "-ojunit_suite_name=x", "--durations=3", "-rs", "--basetemp=x"]
)
def test_what_holds_for_the_whole_run_is_no_phases_to_set(argument: str) -> None:
    ((place, problem),) = refused_arguments(["-q", argument])
    assert place == 1
    assert "it holds for the whole run" in problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ""),
        ("-q --tb=short -o 'log_cli=true' --own='a b'", ""),
        ("-x", "-x is the runner's to set; use the key `max_failures`"),
        (
            "-xx --exitfirst -n4",
            "-x is the runner's to set; use the key `max_failures`; --exitfirst is ",
        ),
        ("tests/test_a.py", "an argument that names tests would run them in this phase only by accident; name tests"),
        ("-k 'a", 'pytest cannot split "-k \'a": no closing quotation; close the quote'),
    ],
)
def test_arguments_in_one_text_are_read_as_pytest_reads_its_variable(text: str, problem: str) -> None:
    assert text_problem(text).startswith(problem)
    assert bool(problem) == bool(text_problem(text))


def test_the_arguments_of_an_environment_are_those_of_pytests_variable() -> None:
    assert of_environment((("OTHER", "-x"), ("PYTEST_ADDOPTS", "-q '--own=a b'"))) == ["-q", "--own=a b"]


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--snapshot-update"], ["--snapshot-update"]),
        (["--inline-snapshot=report,fix"], ["--inline-snapshot=report,fix"]),
        (["--inline-snapshot", "create"], ["create"]),
        (["--inline-snapshot=report"], []),
        (["--snapshot-no-cleanup", "--snapshot-details"], []),
    ],
)
def test_what_changes_files_of_the_project_is_for_one_run(arguments: list[str], refused: list[str]) -> None:
    problems = [problem for _, problem in refused_arguments(arguments)]
    assert [problem.partition(" ")[0] for problem in problems] == refused
    assert all("async-test-run run --" in problem for problem in problems)

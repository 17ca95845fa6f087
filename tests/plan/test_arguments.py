"""Options of pytest that nobody would obey: refused on the command line; those of a plan are in ``test_bad``."""

from __future__ import annotations

import pytest

from async_test_runner.plan.arguments import refused_arguments, unobeyed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--collect-only"], "--collect-only has no effect in a run; use `async-test-run plan -v`"),
        (["--co"], "--co has no effect in a run; use `async-test-run plan -v`"),
        (["--pdb"], "--pdb has no effect in a run; tests run without a terminal"),
        (["-x", "-s"], "-s has no effect in a run; failures show what they printed"),
        (["-xs"], "-s has no effect in a run"),
        (["--capture=no"], "--capture has no effect in a run"),
        (["--durations=3"], "--durations has no effect in a run; the end of a run lists the slowest tests"),
        (["-rA"], "-r has no effect in a run; the end of a run names every test that is not passed"),
        (["--setup-plan"], "--setup-plan has no effect in a run; ask pytest itself"),
        (["--sw"], "--sw has no effect in a run; use --max-failures 1, then -- --lf"),
        (["--basetemp=x"], "--basetemp has no effect in a run; processes that share one"),
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
    ],
)
def test_what_is_obeyed_is_passed_on(arguments: list[str]) -> None:
    assert unobeyed(arguments) == []


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

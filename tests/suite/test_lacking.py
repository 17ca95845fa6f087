"""What a project lacks: from what pytest says, and from coroutine tests that nothing awaits."""

from __future__ import annotations

import pytest

from async_test_runner.model.inventory import CollectedTest, CollectError, Interpreter, PytestFacts
from async_test_runner.suite.lacking import explained, missing, unawaited

PYTHON = Interpreter("/env/bin/python", "it is active", ".venv/bin/python is of another environment")


@pytest.mark.parametrize(
    ("said", "what", "distribution"),
    [
        ("'asyncio' not found in `markers` configuration option", "the mark asyncio", "pytest-asyncio"),
        ("E   PytestUnknownMarkWarning: Unknown pytest.mark.anyio - is this a typo?", "the mark anyio", "anyio"),
        ("__main__.py: error: unrecognized arguments: -n 2", "the option -n", "pytest-xdist"),
        ("error: unrecognized arguments: -n4 --mine", "the option -n", "pytest-xdist"),
        (
            "error: unrecognized arguments: --timeout=5 --timeout-method thread",
            "the option --timeout, the option --timeout-method",
            "pytest-timeout",
        ),
        ("error: unrecognized arguments: --cov=shop", "the option --cov", "pytest-cov"),
        ("ERROR: Unknown config option: asyncio_mode", "the key asyncio_mode", "pytest-asyncio"),
        ("Unknown config options: mine, timeout", "the key timeout", "pytest-timeout"),
        ("ImportError: Error importing plugin \"xdist\": No module named 'xdist'", "the plugin xdist", "pytest-xdist"),
    ],
)
def test_what_pytest_does_not_know_is_said_with_whose_it_is_and_the_line_to_type(
    said: str, what: str, distribution: str
) -> None:
    assert missing(said, PYTHON) == [
        f"{what}: of {distribution}, which this pytest has not loaded; "
        f"to install it: /env/bin/python -m pip install {distribution}"
    ]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "'mine' not found in `markers` configuration option",
        "error: unrecognized arguments: --mine",
        "Unknown config option: mine",
        'Error importing plugin "mine"',
    ],
)
def test_what_nobody_is_known_to_have_is_left_to_pytest(said: str) -> None:
    assert missing(said, PYTHON) == []


@pytest.mark.parametrize("kind", ["ModuleNotFoundError: No module named 'shop'", "ImportError: cannot import name 'x'"])
def test_an_import_error_says_which_python_it_is_of_and_why_that_one(kind: str) -> None:
    error = explained(CollectError("test_a.py", f"E   {kind}"), PYTHON)
    assert error.text == (
        f"E   {kind}\n\ncollected with /env/bin/python: it is active; .venv/bin/python is of another environment"
    )


def test_other_errors_stay_as_they_are() -> None:
    error = CollectError("test_a.py", "E   SyntaxError: invalid syntax")
    assert explained(error, PYTHON) is error
    of_nobody = CollectError("test_a.py", "E   ImportError: no")
    assert explained(of_nobody, Interpreter()) is of_nobody


def coroutine(name: str, *marks: str, unawaited: bool = True) -> CollectedTest:
    return CollectedTest(f"a.py::{name}", "a.py", 1, marks=marks, is_async=True, unawaited=unawaited)


def test_coroutines_that_nothing_awaits_are_counted_by_remedy() -> None:
    tests = [coroutine("a", "asyncio"), coroutine("b", "asyncio"), coroutine("c", "trio"), coroutine("d")]
    assert unawaited(tests, PytestFacts(), PYTHON) == [
        "2 coroutine tests do not run (a.py::a, a.py::b): nothing here awaits such tests; "
        "the mark asyncio needs pytest-asyncio: /env/bin/python -m pip install pytest-asyncio",
        "1 coroutine test does not run (a.py::c): nothing here awaits such tests; "
        "the mark trio needs pytest-trio: /env/bin/python -m pip install pytest-trio",
        "1 coroutine test does not run (a.py::d): nothing here awaits such tests; a plugin for coroutines is missing: "
        "/env/bin/python -m pip install pytest-asyncio, then set `asyncio_mode = auto`",
    ]


def test_a_plugin_that_is_there_and_wants_a_mark_is_no_reason_to_install_it() -> None:
    (said,) = unawaited([coroutine("a")], PytestFacts(plugins=("pytest-asyncio-1.5.0",)), PYTHON)
    assert said.endswith("mark these with @pytest.mark.asyncio, or set `asyncio_mode = auto` for pytest-asyncio")


def test_coroutines_that_run_are_not_worth_a_word() -> None:
    assert unawaited([coroutine("a", "asyncio", unawaited=False)], PytestFacts(), PYTHON) == []

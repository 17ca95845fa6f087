"""Expressions are what pytest's own -m and -k make of them."""

from __future__ import annotations

import pytest
from async_test_run_inside.collection.expressions import evaluate

from async_test_runner.launchers import pytest_process

pytest_plugins = ["pytester"]

SOURCE = """
import pytest
@pytest.mark.slow
def test_slow(): pass
@pytest.mark.asyncio
@pytest.mark.level(n=3)
def test_login(): pass
class TestAdmin:
    def test_login(self): pass
"""


def found(pytester: pytest.Pytester, kind: str, text: str) -> list[str]:
    """Names of the items for which the expression is true; the options must come back as they were."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    items = pytester.getitems(SOURCE)
    config = items[0].config
    config.pluginmanager.unregister(name="terminalreporter")  # it counts for a session, and here is none
    config.option.markexpr, config.option.keyword = "kept", "too"
    muted: list[bool] = []
    try:
        positions = evaluate(config, items, kind, text, muted.append)
    finally:
        assert (config.option.markexpr, config.option.keyword) == ("kept", "too")
        assert muted == [True, False]
    assert len(items) == 3
    return [items[position].name for position in sorted(positions)]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("markers", "slow", ["test_slow"]),
        ("markers", "not slow", ["test_login", "test_login"]),
        ("markers", "slow or asyncio", ["test_slow", "test_login"]),
        ("markers", "level(n=3)", ["test_login"]),
        ("keyword", "login", ["test_login", "test_login"]),
        ("keyword", "login and TestAdmin", ["test_login"]),
        ("keyword", "not admin", ["test_slow", "test_login"]),
        ("keyword", "nothing", []),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
def test_an_expression_holds_for_what_pytest_says(
    pytester: pytest.Pytester, kind: str, text: str, expected: list[str]
) -> None:
    assert found(pytester, kind, text) == expected


@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
@pytest.mark.parametrize(
    ("kind", "text"), [("markers", "not"), ("markers", "(("), ("keyword", "a b"), ("keyword", "==")]
)
def test_what_pytest_refuses_is_refused(pytester: pytest.Pytester, kind: str, text: str) -> None:
    with pytest.raises(pytest.UsageError):
        found(pytester, kind, text)


def test_the_package_inside_is_found_where_the_launcher_says() -> None:
    assert (pytest_process.INSIDE / "async_test_run_inside" / "plugin.py").is_file()

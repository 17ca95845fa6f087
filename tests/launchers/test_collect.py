"""What a collecting process said, and what its end means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from async_test_runner.contract.messages import (
    BadExpression,
    CollectFailed,
    Collecting,
    CollectSkipped,
    ConftestFailed,
    Found,
    Hello,
    InventoryDone,
    LeftOutSaid,
    SessionFinished,
)
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.launchers.collect import Collector, Heard
from async_test_runner.model.errors import InfrastructureError, RunnerError, UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Interpreter, LeftOut, PytestFacts

AT: dict[str, Any] = {"at": 0.0, "mono": 0.0}
HELLO = Hello(**AT, pid=1)
IMPORTING = Collecting(**AT, id="a.py", path="/p/a.py")
IMPORTED = Collecting(**AT, id="")


PYTHON = Interpreter("/env/bin/python", "for a reason")


def heard(*messages: Any) -> Heard:
    found = Heard()
    for message in messages:
        found.add(message)
    return found


def fatal(*messages: Any, status: int = 0, late: bool = False) -> tuple[str, CollectError] | None:
    around = Surroundings(root=Path("/p"), run_dir=Path("/r"), run_id="r", environ={})
    collector = Collector(around, python=PYTHON, env={}, timeout=90.0, grace=1.0)
    return collector._fatal(heard(*messages), status, "the log", late)


def test_everything_that_is_said_is_kept() -> None:
    test = CollectedTest("a.py::t", "a.py", 1)
    found = heard(
        HELLO,
        IMPORTING,
        Found(**AT, test=test),
        CollectFailed(**AT, id="b.py", text="no"),
        CollectSkipped(**AT, id="c.py", text="why"),
        LeftOutSaid(**AT, reason="-m", count=2, what="tests"),
        BadExpression(**AT, index=1, text="bad"),
        SessionFinished(**AT, status=0),
        InventoryDone(**AT, facts=PytestFacts(version="9.2.0")),
    )
    assert found.tests == [test]
    assert found.errors == [CollectError("b.py", "no")]
    assert found.skips == [CollectError("c.py", "why")]
    assert found.left_out == [LeftOut("-m", 2, "tests")]
    assert found.bad_expressions == {1: "bad"}
    assert found.facts == PytestFacts(version="9.2.0")


def test_an_inventory_is_an_inventory_whatever_the_status() -> None:
    done = InventoryDone(**AT, facts=PytestFacts())
    for status in (0, 1, 5, -9):
        assert fatal(HELLO, IMPORTING, IMPORTED, done, status=status) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, "exited with 0"), (2, "exited with 2"), (3, "exited with 3"), (4, "exited with 4"), (-11, "SIGSEGV")],
)
def test_the_file_that_was_being_imported_is_the_one(status: int, said: str) -> None:
    found = fatal(HELLO, IMPORTING, status=status)
    assert found is not None
    path, error = found
    assert (path, error.id) == ("/p/a.py", "a.py")
    assert said in error.text
    assert "the log" in error.text


def test_a_collection_that_hangs_names_its_file_and_its_deadline() -> None:
    found = fatal(HELLO, IMPORTING, status=-15, late=True)
    assert found is not None
    assert found[1].id == "a.py"
    assert "collection deadline of 1m30s (collect_timeout)" in found[1].text
    nothing = fatal(HELLO, status=-15, late=True)
    assert nothing is not None
    assert nothing[1].id == "collection"


def test_a_conftest_that_raises_is_named() -> None:
    failed = ConftestFailed(**AT, id="conftest.py", path="/p/conftest.py", text="RuntimeError")
    assert fatal(HELLO, failed, status=4) == ("/p/conftest.py", CollectError("conftest.py", "RuntimeError"))


@pytest.mark.parametrize("messages", [(), (HELLO,), (HELLO, IMPORTING, IMPORTED)])
@pytest.mark.parametrize(("status", "kind"), [(3, InfrastructureError), (-9, InfrastructureError), (4, UsageError)])
def test_without_a_file_to_blame_it_is_pytest_or_its_arguments(
    messages: Any, status: int, kind: type[RunnerError]
) -> None:
    with pytest.raises(kind) as caught:
        fatal(*messages, status=status)
    assert "the log" in f"{caught.value}\n{caught.value.hint}"
    assert not str(caught.value).endswith("\n")


def test_a_pytest_that_is_not_as_its_configuration_wants_is_said_with_what_it_lacks() -> None:
    around = Surroundings(root=Path("/p"), run_dir=Path("/r"), run_id="r", environ={})
    collector = Collector(around, python=PYTHON, env={}, timeout=90.0, grace=1.0)
    with pytest.raises(UsageError, match="unrecognized arguments: -n 2") as caught:
        collector._fatal(heard(HELLO), 4, "error: unrecognized arguments: -n 2", False)
    assert caught.value.hint == (
        "the option -n: of pytest-xdist, which this pytest has not loaded; "
        "to install it: /env/bin/python -m pip install pytest-xdist\n"
        "  collected with /env/bin/python: for a reason"
    )

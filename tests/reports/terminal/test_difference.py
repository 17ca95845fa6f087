"""Two runs beside each other, as a person reads them and as a document."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from async_test_runner.model.result import Detail, RunResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.comparison import compare
from async_test_runner.record.fold import fold
from async_test_runner.reports.terminal import difference
from async_test_runner.reports.wording.text import unobeyed
from tests.reports.event_script import Script
from tests.reports.test_hostile import HOSTILE, assert_harmless, history


def run(**tests: tuple[Outcome, float]) -> RunResult:
    script = Script()
    script.run()
    script.collected(tests=len(tests))
    script.plan("async", [f"t.py::{name}" for name in tests])
    script.begin("async", 1.0)
    for name, (outcome, took) in tests.items():
        details = (Detail("call", outcome, f"why {name}\nmore"),) if outcome.is_red else ()
        script.end("async", f"t.py::{name}", 2.0, outcome, duration=took, details=details)
    script.over("async", 3.0)
    script.finish(4.0)
    return script.result()


OLD = run(
    fell=(Outcome.PASSED, 0.1),
    rose=(Outcome.FAILED, 0.1),
    stays=(Outcome.FAILED, 0.1),
    slow=(Outcome.PASSED, 0.1),
    skips=(Outcome.PASSED, 0.1),
    went=(Outcome.PASSED, 0.1),
    same=(Outcome.PASSED, 0.1),
)
NEW = run(
    fell=(Outcome.FAILED, 0.1),
    rose=(Outcome.PASSED, 0.1),
    stays=(Outcome.CRASHED, 0.1),
    slow=(Outcome.PASSED, 1.0),
    skips=(Outcome.SKIPPED, 0.1),
    came=(Outcome.PASSED, 0.1),
    bad=(Outcome.FAILED, 0.1),
    same=(Outcome.PASSED, 0.1),
)


def shown(lines: list[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def test_what_became_worse_stands_first() -> None:
    lines = shown(difference.render(OLD, NEW, compare(OLD, NEW)))
    assert lines[0].startswith("old  20261120T071500.000Z-ab12cd  FAILED 2 failed, 5 passed")
    assert lines[1].startswith("new  20261120T071500.000Z-ab12cd  FAILED 2 failed, 1 crashed")
    assert lines[2:] == [
        "",
        "became red: 1",
        "  FAILED t.py::fell  (passed before)  why fell",
        "",
        "ran no more: 1",
        "  SKIPPED t.py::skips  (passed before)",
        "",
        "new, and red: 1",
        "  FAILED t.py::bad",
        "",
        "slower: 1",
        "  PASSED t.py::slow  (0.10s before, 1.00s now)",
        "",
        "gone: 1",
        "  PASSED t.py::went",
        "",
        "still red: 1",
        "  CRASHED t.py::stays  (failed before)  why stays",
        "",
        "new: 1",
        "  PASSED t.py::came",
        "",
        "became green: 1",
        "  PASSED t.py::rose  (failed before)",
        "",
        "1 test without a difference",
    ]


def test_long_lists_are_cut_but_for_who_wants_all() -> None:
    new = run(**{f"t{n}": (Outcome.PASSED, 0.1) for n in range(30)})
    old = run()
    lines = shown(difference.render(old, new, compare(old, new)))
    assert "new: 30" in lines
    assert "  … and 10 more; -v shows all" in lines
    assert len(shown(difference.render(old, new, compare(old, new), whole=True))) == len(lines) + 9


def test_the_pace_of_a_slow_machine_is_told() -> None:
    old = run(**{f"t{n}": (Outcome.PASSED, 0.1) for n in range(30)})
    new = run(**{f"t{n}": (Outcome.PASSED, 0.15) for n in range(30)})
    last = shown(difference.render(old, new, compare(old, new)))[-1]
    assert last == "30 tests without a difference; a test took 1.50 times as long, which no test is blamed for"


def test_the_document_has_every_list_in_full() -> None:
    document = json.loads(json.dumps(difference.document(OLD, NEW, compare(OLD, NEW))))
    assert (document["version"], document["same"], document["pace"]) == (1, 1, 1.0)
    assert (document["old"]["exit_code"], document["new"]["tests"]) == (1, 8)
    assert document["became_red"] == [
        {
            "id": "t.py::fell",
            "phase": "async",
            "outcomes": ["passed", "failed"],
            "seconds": [0.1, 0.1],
            "message": "why fell\nmore",
        }
    ]
    for key, name in [
        ("still_red", "stays"),
        ("became_green", "rose"),
        ("ran_no_more", "skips"),
        ("slower", "slow"),
        ("gone", "went"),
    ]:
        assert [entry["id"] for entry in document[key]] == [f"t.py::{name}"]
    assert [entry["id"] for entry in document["added"]] == ["t.py::came", "t.py::bad"]
    assert document["became_flaky"] == []


@settings(max_examples=60)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.lists(HOSTILE, min_size=1, max_size=6))
def test_nothing_of_it_is_obeyed(one: list[str], other: list[str]) -> None:
    old, new = fold(history(one, resumed=False)), fold(history(other, resumed=False))
    found = compare(old, new)
    assert_harmless("\n".join(line.plain for line in difference.render(old, new, found, whole=True)))
    text = unobeyed(json.dumps(difference.document(old, new, found), indent=2))
    assert not re.search(r"##[\w.-]*\[", text)

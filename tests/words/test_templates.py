from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.words.templates import NAMES, expand, template_problem

VALUES = {"slot": "3", "phase": "db", "run_dir": "/runs/{x}", "worker": "gw1"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("plain", "plain"),
        ("app-{slot}.db", "app-3.db"),
        ("{phase}{worker}", "dbgw1"),
        ("{run_dir}", "/runs/{x}"),
        ("{{slot}}", "{slot}"),
        ("{{{slot}}}", "{3}"),
        ("}}{{", "}{"),
    ],
)
def test_sound_templates_are_filled_in(text: str, expanded: str) -> None:
    assert template_problem(text) == ""
    assert expand(text, VALUES) == expanded


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{slto}", 'did you mean "slot"?'),
        ("{}", "known are phase, run_dir, slot, worker"),
        ("{ slot }", 'did you mean "slot"?'),
        ("{slot!r}", 'did you mean "slot"?'),
        ("{0}", "known are phase, run_dir, slot, worker"),
        ("a { b", 'write "{{" for the character itself'),
        ("a } b", 'write "}}" for the character itself'),
        ("{slot}}", 'write "}}"'),
    ],
)
def test_other_braces_are_a_problem_with_a_remedy(text: str, remedy: str) -> None:
    assert remedy in template_problem(text)


@given(st.text(alphabet="{}slotx", max_size=12))
def test_whatever_has_no_problem_can_be_filled_in(text: str) -> None:
    if not template_problem(text):
        expand(text, dict.fromkeys(NAMES, "v"))


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(KeyError):
        expand("{slot}", {})

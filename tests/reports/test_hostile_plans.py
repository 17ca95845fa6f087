"""The same for what is said before anything runs: plans, explanations, proposals, tables of merged files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.commands import init, merge, proposing
from async_test_runner.commands import plan as plan_command
from async_test_runner.model.errors import UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Inventory, LeftOut, PytestFacts
from async_test_runner.model.plan import Plan
from async_test_runner.plan import reading
from async_test_runner.reports.junit_files.merging import Merged
from async_test_runner.reports.junit_files.xml import Counts
from async_test_runner.reports.terminal import planning
from async_test_runner.run import collection
from async_test_runner.suite import assignment as selection
from async_test_runner.suite import proposal
from async_test_runner.suite.assignment import Narrowing
from tests.reports.test_hostile import HOSTILE, assert_harmless, shown

PLANS = [
    "phases: [{name: first, paths: [tests/a*]}, {name: rest}]",
    "phases: [{name: first, paths: [tests/a*]}]\nunassigned: error",
    "phases: [{name: first, paths: ['tests/**']}, {name: second, paths: ['tests/**']}]\noverlap: error",
]
TEXTS = st.lists(HOSTILE, min_size=4, max_size=4)


def parsed(text: str) -> Plan:
    return reading.parse(f"version: 1\n{text}\n", Path("/project/runner.yaml"))


def collected(texts: list[str]) -> Inventory:
    a, b, c, d = texts
    return Inventory(
        tests=(
            CollectedTest(f"tests/a{a}.py::test_{b}", f"tests/a{a}.py", 1, (c,), True, (d, f"db_{a}"), (b,)),
            CollectedTest(f"tests/b{b}.py::T{c}::test_{d}", f"tests/b{b}.py", 2, (), False, (a,), (), (), f"T{c}"),
        ),
        errors=(CollectError(f"tests/{c}.py", d),),
        skips=(CollectError(f"tests/{d}.py", c),),
        left_out=(LeftOut(b, 2, "tests", (a,)), LeftOut(a, 1, "paths", (b,))),
        facts=PytestFacts(rootdir=f"/{a}", inipath=f"/{b}", plugins=(c,), junit_xml=d),
    )


@settings(max_examples=150)
@given(TEXTS, st.sampled_from(PLANS), st.sampled_from([0, 1]))
def test_no_plan_and_no_explanation_obeys(texts: list[str], text: str, verbosity: int) -> None:
    the_plan, inventory = parsed(text), collected(texts)
    assignment = selection.assign(the_plan, inventory, Narrowing())
    forecast = plan_command._forecast(the_plan, inventory, assignment)
    assert_harmless(shown(planning.render(forecast, verbosity=verbosity)))
    document = plan_command._json(planning.document(forecast))
    assert_harmless(document)
    ids = {test.id for test in inventory.tests}
    assert {id for phase in json.loads(document)["phases"] for id in phase["tests"]} <= ids
    for test in inventory.tests:
        explanation = selection.explain(the_plan, inventory, assignment, test.id)
        assert_harmless(shown(planning.explained(explanation)))
        assert_harmless(plan_command._json(planning.explained_document(explanation)))


@settings(max_examples=150)
@given(TEXTS, HOSTILE)
def test_an_unknown_test_is_refused_in_harmless_words(texts: list[str], asked: str) -> None:
    the_plan, inventory = parsed(PLANS[0]), collected(texts)
    with pytest.raises(UsageError) as refused:
        plan_command._explain(the_plan, inventory, selection.assign(the_plan, inventory, Narrowing()), f"{asked}?")
    assert_harmless(shown(planning.render(_refused(the_plan, inventory, refused.value))))


def _refused(the_plan: Plan, inventory: Inventory, problem: UsageError) -> planning.Forecast:
    assignment = selection.assign(the_plan, inventory, Narrowing())
    workers = tuple(1 for _ in assignment.phases)
    return planning.Forecast(
        plan=the_plan, inventory=inventory, assignment=assignment, workers=workers, problem=problem
    )


@settings(max_examples=150)
@given(TEXTS)
def test_a_proposed_plan_is_a_plan_and_obeys_nobody(texts: list[str]) -> None:
    inventory = collected(texts)
    proposed = proposal.simplest(proposal.propose(inventory), texts[0].replace("\n", " "))
    text = proposal.text(proposed, inventory.facts, schema=".async-test-run/schema.json")
    assert_harmless(shown(init._shown(text)))
    assert yaml.safe_load(text)["phases"] == [{"name": "all"}]
    the_plan = reading.parse(text, Path("/project/runner.yaml"))
    assignment = collection.proved(the_plan, inventory, Narrowing())
    proven = proposing.Proven(text=text, assignment=assignment, notes=proposed.notes)
    assert_harmless(shown(init._summary(proven, inventory, Path("/project/runner.yaml"))))
    assert_harmless(shown(planning.nothing_to_propose(inventory, so="nothing is written")))


@settings(max_examples=150)
@given(TEXTS)
def test_a_proposed_division_keeps_to_yaml(texts: list[str]) -> None:
    inventory = collected(texts)
    text = proposal.text(proposal.propose(inventory), inventory.facts, schema="schema.json")
    phases = yaml.safe_load(text)["phases"]
    assert {key for phase in phases for key in phase} <= {
        "name", "paths", "tests", "markers", "keyword", "isolation", "workers", "fixtures",
    }  # fmt: skip
    assert_harmless(shown(init._shown(text)))


@settings(max_examples=150)
@given(TEXTS)
def test_no_table_of_merged_files_obeys(texts: list[str]) -> None:
    merged = [Merged(Path(text.replace("\0", "")), Counts(), text) for text in texts]
    assert_harmless("\n".join(merge._table(merged, Counts())))

"""Bad plans: each is answered with its place, its key and the remedy; none with a traceback or a hang."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode, PlanError
from async_test_runner.model.plan import Plan
from async_test_runner.plan import document
from async_test_runner.plan.problems import MOST_PROBLEMS
from async_test_runner.plan.reading import load, parse

FILE = Path("runner.yaml")
V = "version: 1\n"
P = "phases: [{name: a}]\n"


def phase(keys: str) -> str:
    """A plan with one phase that has these keys, from line 4 on, indented by four."""
    return "version: 1\nphases:\n  - name: a\n" + "".join(f"    {line}\n" for line in keys.split("\n"))


def problems(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        parse(text, FILE)
    return caught.value.problems


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)


class Bad(NamedTuple):
    name: str
    text: str | bytes
    place: str
    remedy: str


BAD = [
    Bad("empty", "", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("only-comments", "# nothing\n\n# here\n", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("null document", "~\n", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("scalar", "hello\n", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("list", "- a\n", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("missing-version", "phases: [{name: a}]\n", "1:1: version:", "write version: 1"),
    Bad("missing-phases", "version: 1\n", "1:1: phases:", "write phases: [{name: all}]"),
    Bad("version-of-the-future", "version: 2\n" + P, "1:10: version:", "write version: 1"),
    Bad("version-text", 'version: "1"\n' + P, "1:10: version:", "write version: 1"),
    Bad("unknown top", V + P + "fases: 1\n", "3:1: fases:", 'did you mean "phases"?'),
    Bad("misplaced", V + P + "timeout: 10m\n", "3:1: timeout:", "it belongs into a phase or into `defaults`"),
    Bad(
        "misplaced in phase",
        phase("unassigned: run"),
        "4:5: phases[0].unassigned:",
        "it belongs at the top level of the plan",
    ),
    Bad("needs in defaults", V + "defaults: {needs: [a]}\n" + P, "2:12: defaults.needs:", "give needs in each phase"),
    Bad("duplicate", V + P + "name: x\nname: y\n", "4:1: name:", "remove one of the two"),
    Bad("dup in phase", phase("timeout: 1m\ntimeout: 2m"), "5:5: phases[0].timeout:", "remove one of the two"),
    Bad(
        "merge key",
        V + "defaults: &d {timeout: 1m}\nphases:\n  - <<: *d\n    name: a\n",
        "4:5: phases[0].<<:",
        "put what phases share under `defaults`",
    ),
    Bad("complex key", V + P + "? [a]\n: 1\n", "3:3: ?:", "write a word and a colon"),
    Bad("empty key", V + P + ": 1\n", "3:1: plan:", "check quotes, brackets and indentation up to here"),
    Bad(
        "number key",
        V + P + "1: x\n",
        "3:1: 1:",
        "defaults, resources, phases, reports",
    ),
    Bad("python tag", V + "name: !!python/object:os.system ls\n" + P, "2:7: name:", "remove it"),
    Bad("tag root", "!!map\nversion: 1\n", "1:1: plan:", "begin with version: 1 and phases:"),
    Bad("tag int", V + "run_timeout: !!float 3\n" + P, "2:14: run_timeout:", "remove it"),
    Bad("tagged phases", V + "phases: !x [{name: a}]\n", "2:9: phases:", "remove it"),
    Bad("tab", V + "phases:\n\t- name: a\n", "3:1: plan:", "indent with spaces, not with tabs"),
    Bad("open bracket", V + "phases: [{name: a}\n", "3:1: plan:", "check quotes, brackets and indentation up to here"),
    Bad(
        "colon", V + "name: a: b\n", "2:8: plan:", "put a value that contains ': ' in quotes, and check the indentation"
    ),
    Bad("at sign", V + "name: @x\n", "2:7: plan:", "put the value in quotes"),
    Bad("unclosed quote", V + 'name: "x\n', "3:1: plan:", "check quotes, brackets and indentation up to here"),
    Bad("two docs", V + P + "---\n" + V + P, "3:1: plan:", "keep one, without a '---' between"),
    Bad("undefined alias", V + "name: *x\n", "2:7: plan:", "quote the value if it begins with '*'"),
    Bad("recursive", V + "phases: &p [*p]\n", "2:13: plan:", "write it out"),
    Bad(
        "deep",
        V + "phases: " + "[" * 60 + "]" * 60,
        "2:48: plan:",
        "a plan needs six: check brackets, dashes and indentation",
    ),
    Bad("control", V + "name: \x1b[31m\n", "2:7: plan:", "remove it, or write it as an escape in double quotes"),
    Bad("nul escape", phase('paths: ["a\\0b"]'), "4:13: phases[0].paths[0]:", "remove it"),
    Bad("resource default", V + "defaults: {resources: db}\n" + P, "2:23: defaults.resources:", "at the top level"),
    Bad("same report", V + P + "reports: {junit: a, summary: a}\n", "3:30: reports.summary:", "give each its own"),
    Bad("long text", phase("keyword: " + "a" * 10_001), "4:14: phases[0].keyword:", "shorten it to at most 10000"),
    Bad("nul in env", phase('env: {A: "a\\0b"}'), "4:14: phases[0].env.A:", "remove it"),
    Bad("nul in a command", phase('setup: "a \\0b"'), "4:12: phases[0].setup:", "remove it"),
    Bad("nul in an argument", phase('pytest_args: ["\\0"]'), "4:19: phases[0].pytest_args[0]:", "remove it"),
    Bad(
        "test dash",
        phase("tests: -x"),
        "4:12: phases[0].tests:",
        "write a node id such as tests/test_app.py::test_login",
    ),
    Bad("esc escape", V + 'name: "\\e[31m"\n' + P, "2:7: name:", "remove it"),
    Bad("name bool", V + "name: true\n" + P, "2:7: name:", 'write for example "shop" or put it in quotes: "true"'),
    Bad("name empty", V + 'name: ""\n' + P, "2:7: name:", 'remove it or write "shop"'),
    Bad("name null", V + "name:\n" + P, "2:6: name:", 'write for example "shop"'),
    Bad("name list", V + "name: [a]\n" + P, "2:7: name:", 'write for example "shop"'),
    Bad("select list", V + "select: [tests]\n" + P, "2:9: select:", "write keys such as paths: and markers: below it"),
    Bad("select key", V + "select: {path: [tests]}\n" + P, "2:10: select.path:", 'did you mean "paths"?'),
    Bad(
        "paths empty",
        V + "select: {paths: []}\n" + P,
        "2:17: select.paths:",
        "remove the key, or write what it is to hold",
    ),
    Bad("path dash", phase("paths: [-x]"), "4:13: phases[0].paths[0]:", 'write "./-x"'),
    Bad("path id", phase("paths: tests/a.py::test_b"), "4:12: phases[0].paths:", "give it under `tests` of a phase"),
    Bad(
        "paths number",
        phase("paths: [1]"),
        "4:13: phases[0].paths[0]:",
        'write for example "tests/unit" or put it in quotes: "1"',
    ),
    Bad("paths dup", phase("paths: [a, a]"), "4:16: phases[0].paths[1]:", "remove it"),
    Bad("wildcards", phase("tests: ['" + "*a" * 9 + "']"), "4:13: phases[0].tests[0]:", "write several entries"),
    Bad("unassigned", V + "unassigned: ignored\n" + P, "2:13: unassigned:", 'did you mean "ignore"?'),
    Bad("overlap", V + "overlap: 3\n" + P, "2:10: overlap:", "write one of them"),
    Bad("collect", V + "collect_errors: [fail]\n" + P, "2:17: collect_errors:", "write one of them"),
    Bad("duration text", V + "run_timeout: 10 minutes\n" + P, "2:14: run_timeout:", "did you mean 10m?"),
    Bad("duration neg", V + "run_timeout: -5\n" + P, "2:14: run_timeout:", "write for example 90s"),
    Bad("duration zero", V + "run_timeout: 0\n" + P, "2:14: run_timeout:", "write for example 90s (null: no limit)"),
    Bad(
        "duration zero s",
        phase("test_timeout: 0s"),
        "4:19: phases[0].test_timeout:",
        "write for example 90s (null: no limit)",
    ),
    Bad(
        "duration bool", phase("timeout: true"), "4:14: phases[0].timeout:", "write 90s, 10m or 1h30m (null: no limit)"
    ),
    Bad(
        "duration list", phase("timeout: [1m]"), "4:14: phases[0].timeout:", "write 90s, 10m or 1h30m (null: no limit)"
    ),
    Bad(
        "duration long", phase("timeout: 10000h"), "4:14: phases[0].timeout:", "write for example 90s (null: no limit)"
    ),
    Bad("duration sexa", phase("timeout: 1:30"), "4:14: phases[0].timeout:", "write for example 90s (null: no limit)"),
    Bad("duration inf", phase("timeout: .inf"), "4:14: phases[0].timeout:", "write for example 90s (null: no limit)"),
    Bad("grace null", phase("grace: null"), "4:12: phases[0].grace:", "write 90s, 10m or 1h30m"),
    Bad(
        "duration order", phase("timeout: 30m1h"), "4:14: phases[0].timeout:", "write for example 90s (null: no limit)"
    ),
    Bad(
        "resources list",
        V + "resources: [db]\n" + P,
        "2:12: resources:",
        "write a resource such as database: 1 below it",
    ),
    Bad("capacity 0", V + "resources: {db: 0}\n" + P, "2:17: resources.db:", "write 1"),
    Bad("capacity text", V + "resources: {db: many}\n" + P, "2:17: resources.db:", "write 1"),
    Bad("res name", V + "resources: {a b: 1}\n" + P, "2:13: resources.a b:", "write a resource such as database: 1"),
    Bad("phases map", V + "phases: {a: {}}\n", "2:9: phases:", 'write "- name: all" below it'),
    Bad("phases empty", V + "phases: []\n", "2:9: phases:", 'write "- name: all" below it'),
    Bad("phases null", V + "phases:\n", "2:8: phases:", 'write "- name: all" below it'),
    Bad("phase text", V + "phases: [sync]\n", "2:10: phases[0]:", "write keys such as name: and paths: below it"),
    Bad("phase no name", V + "phases:\n  - markers: x\n", "3:5: phases[0].name:", "write name: async-db"),
    Bad("name charset", V + "phases: [{name: a/b}]\n", "2:17: phases[0].name:", 'write for example "sync"'),
    Bad("name dot", V + "phases: [{name: .a}]\n", "2:17: phases[0].name:", 'write for example "sync"'),
    Bad("name long", V + "phases: [{name: " + "a" * 61 + "}]\n", "2:17: phases[0].name:", 'write for example "sync"'),
    Bad(
        "name reserved",
        V + "phases: [{name: collection}]\n",
        "2:17: phases[0].name:",
        'choose another, such as "collection-tests"',
    ),
    Bad(
        "name dup",
        V + "phases:\n  - {name: a, markers: x}\n  - {name: A, markers: y}\n",
        "4:12: phases[1].name:",
        "choose another name",
    ),
    Bad(
        "name number",
        V + "phases: [{name: 1}]\n",
        "2:17: phases[0].name:",
        'write for example "sync" or put it in quotes: "1"',
    ),
    Bad(
        "markers bool",
        phase("markers: true"),
        "4:14: phases[0].markers:",
        'write for example "not slow" or put it in quotes: "true"',
    ),
    Bad("markers &&", phase("markers: a && b"), "4:14: phases[0].markers:", 'write "and"'),
    Bad("markers open", phase("markers: not (a or b"), "4:14: phases[0].markers:", 'add ")"'),
    Bad("keyword two", phase("keyword: a b"), "4:14: phases[0].keyword:", 'write "and" or "or"'),
    Bad("isolation", phase("isolation: tests"), "4:16: phases[0].isolation:", 'did you mean "test"?'),
    Bad("workers 0", phase("workers: 0"), "4:14: phases[0].workers:", "write 2 or auto"),
    Bad("workers text", phase("workers: Auto"), "4:14: phases[0].workers:", "write auto"),
    Bad("workers float", phase("workers: 1.5"), "4:14: phases[0].workers:", "write 2 or auto"),
    Bad("workers huge", phase("workers: 99999999999999999999"), "4:14: phases[0].workers:", "write 2 or auto"),
    Bad("workers word", phase("workers: two"), "4:14: phases[0].workers:", "; write 2"),
    Bad("workers zero", phase("workers: zero"), "4:14: phases[0].workers:", "write 2 or auto"),
    Bad("workers max", phase("workers: max"), "4:14: phases[0].workers:", "write auto"),
    Bad("launcher x", phase("launcher: fork"), "4:15: phases[0].launcher:", "write warm"),
    Bad("launcher y", phase("launcher: telepathy"), "4:15: phases[0].launcher:", "write one of them"),
    Bad("isolation process", phase("isolation: process"), "4:16: phases[0].isolation:", "; write test"),
    Bad("isolation per-test", phase("isolation: per-test"), "4:16: phases[0].isolation:", "; write test"),
    Bad("isolation module", phase("isolation: module"), "4:16: phases[0].isolation:", "; write file"),
    Bad("max_failures", phase("max_failures: -1"), "4:19: phases[0].max_failures:", "write null for no limit, or 1"),
    Bad("leaks text", phase("leaks: warn"), "4:12: phases[0].leaks:", "write report"),
    Bad("leaks kind", phase("leaks: {task: fail}"), "4:13: phases[0].leaks.task:", 'did you mean "tasks"?'),
    Bad("leaks policy", phase("leaks: {tasks: red}"), "4:20: phases[0].leaks.tasks:", "write fail"),
    Bad("retries text", phase("retries: many"), "4:14: phases[0].retries:", "write 2 or {count: 2, on: [crashed]}"),
    Bad("retries neg", phase("retries: -1"), "4:14: phases[0].retries:", "write 1"),
    Bad(
        "retries on",
        phase("retries: {count: 1, on: [timeout]}"),
        "4:30: phases[0].retries.on[0]:",
        'did you mean "timed_out"?',
    ),
    Bad("retries key", phase("retries: {times: 2}"), "4:15: phases[0].retries.times:", 'did you mean "count"?'),
    Bad(
        "retries on empty",
        phase("retries: {on: []}"),
        "4:19: phases[0].retries.on:",
        "remove the key, or write what it is to hold",
    ),
    Bad(
        "retries isolation",
        phase("retries: {isolation: phase}"),
        "4:26: phases[0].retries.isolation:",
        "write one of them",
    ),
    Bad("flaky word", phase("flaky: red"), "4:12: phases[0].flaky:", "write fail"),
    Bad("recheck text", phase("recheck: maybe"), "4:14: phases[0].recheck:", "write true or false"),
    Bad("order_dependent", phase("order_dependent: ok"), "4:22: phases[0].order_dependent:", "write pass"),
    Bad("memory text", phase("memory: a lot"), "4:13: phases[0].memory:", "write for example 512MB (null: no limit)"),
    Bad("memory negative", phase("memory: -1"), "4:13: phases[0].memory:", "write for example 512MB (null: no limit)"),
    Bad("memory small", phase("memory: 1MB"), "4:13: phases[0].memory:", "write for example 512MB (null: no limit)"),
    Bad("memory number", phase("memory: 1000"), "4:13: phases[0].memory:", "write for example 512MB (null: no limit)"),
    Bad("memory vast", phase("memory: 2000TiB"), "4:13: phases[0].memory:", "write for example 512MB (null: no limit)"),
    Bad("output null", phase("output: null"), "4:13: phases[0].output:", "write for example 1MB"),
    Bad("output true", phase("output: true"), "4:13: phases[0].output:", "write for example 1MB"),
    Bad("output small", phase("output: 10B"), "4:13: phases[0].output:", "write for example 1MB"),
    Bad("max_memory", phase("max_memory: 1GB"), "4:5: phases[0].max_memory:", 'did you mean "memory"?'),
    Bad(
        "needs unknown",
        V + "phases:\n  - {name: sync, markers: x}\n  - name: b\n    needs: [snyc]\n",
        "5:13: phases[1].needs[0]:",
        'did you mean "sync"?',
    ),
    Bad(
        "needs later",
        V + "phases:\n  - {name: a, needs: [b], markers: x}\n  - name: b\n",
        "3:23: phases[0].needs[0]:",
        "a phase can need earlier phases only: move it up, or remove it",
    ),
    Bad("needs self", phase("needs: a"), "4:12: phases[0].needs:", "remove it"),
    Bad("needs first", phase("needs: [zzz]"), "4:13: phases[0].needs[0]:", "it is the first phase: remove it"),
    Bad(
        "resource unknown",
        V + "resources: {database: 1}\nphases: [{name: a, resources: [databse]}]\n",
        "3:32: phases[0].resources[0]:",
        'did you mean "database"?',
    ),
    Bad(
        "resource none",
        phase("resources: [db]"),
        "4:17: phases[0].resources[0]:",
        "add db: 1 to `resources` at the top level",
    ),
    Bad(
        "setup quote",
        phase('setup: ["echo \'a"]'),
        "4:13: phases[0].setup[0]:",
        "close the quote, or write a list of arguments",
    ),
    Bad("setup empty", phase('setup: [" "]'), "4:13: phases[0].setup[0]:", "write the command, or remove it"),
    Bad(
        "setup shell word",
        phase("setup: make a && make b"),
        "4:12: phases[0].setup:",
        "write {run: …, shell: true}, or one command per item",
    ),
    Bad(
        "setup empty list",
        phase("setup: [[]]"),
        "4:13: phases[0].setup[0]:",
        'write for example ["alembic", "upgrade", "head"], or remove it',
    ),
    Bad(
        "setup shell list",
        phase("setup: [{run: [a, b], shell: true}]"),
        "4:19: phases[0].setup[0].run:",
        "write it as a text, or remove shell",
    ),
    Bad(
        "setup no run",
        phase("setup: [{shell: true}]"),
        "4:13: phases[0].setup[0].run:",
        'write run: "alembic upgrade head"',
    ),
    Bad(
        "setup shell yes",
        phase("setup: [{run: x, shell: yes}]"),
        "4:29: phases[0].setup[0].shell:",
        "write true or false",
    ),
    Bad("setup number", phase("setup: 3"), "4:12: phases[0].setup:", 'write for example "alembic upgrade head"'),
    Bad(
        "setup null arg",
        phase("setup: [[echo, null]]"),
        "4:20: phases[0].setup[0][1]:",
        'write for example "upgrade", or "" for none',
    ),
    Bad("env list", phase("env: [A=1]"), "4:10: phases[0].env:", "write a variable such as DEBUG: 1 below it"),
    Bad("env name", phase("env: {A-B: 1}"), "4:11: phases[0].env.A-B:", "write a variable such as DEBUG: 1"),
    Bad("env null", phase("env:\n  A:"), "5:9: phases[0].env.A:", 'write for example "1", or "" for none'),
    Bad(
        "env template",
        phase("env: {A: '{solt}'}"),
        "4:14: phases[0].env.A:",
        'did you mean "slot"? (write "{{" for a brace itself)',
    ),
    Bad("env stray", phase("env: {A: 'a}b'}"), "4:14: phases[0].env.A:", 'write "}}" for the character itself'),
    Bad("env addopts", phase("env: {PYTEST_ADDOPTS: -q -x}"), "4:27: phases[0].env.PYTEST_ADDOPTS:", "`max_failures`"),
    Bad(
        "addopts of defaults",
        "version: 1\ndefaults: {env: {PYTEST_ADDOPTS: --collect-only}}\nphases: [{name: a, markers: x}]\n",
        "2:34: defaults.env.PYTEST_ADDOPTS:",
        "not a phase",
    ),
    Bad(
        "addopts quote",
        phase('env: {PYTEST_ADDOPTS: "-k \'a"}'),
        "4:27: phases[0].env.PYTEST_ADDOPTS:",
        "close the quote",
    ),
    Bad(
        "addopts template",
        phase('env: {PYTEST_ADDOPTS: "{solt}"}'),
        "4:27: phases[0].env.PYTEST_ADDOPTS:",
        "a brace itself)",
    ),
    Bad("env map", phase("env: {A: {b: 1}}"), "4:14: phases[0].env.A:", 'write for example "1", or "" for none'),
    Bad("pytest_args -m", phase("pytest_args: [-m, slow]"), "4:19: phases[0].pytest_args[0]:", "use the key `markers`"),
    Bad("pytest_args -n", phase("pytest_args: -q -n4"), "4:18: phases[0].pytest_args:", "use the key `workers`"),
    Bad(
        "pytest_args x cluster",
        phase("pytest_args: [-vx]"),
        "4:19: phases[0].pytest_args[0]:",
        "use the key `max_failures`",
    ),
    Bad(
        "pytest_args junit",
        phase("pytest_args: [--junitxml=x.xml]"),
        "4:19: phases[0].pytest_args[0]:",
        "use `reports: {junit: …}`",
    ),
    Bad(
        "pytest_args asyncio", phase("pytest_args: [-p, 'no:asyncio']"), "4:23: phases[0].pytest_args[1]:", "remove it"
    ),
    Bad("pytest_args asyncio2", phase("pytest_args: -pno:asyncio"), "4:18: phases[0].pytest_args:", "remove it"),
    Bad(
        "pytest_args path",
        phase("pytest_args: [tests/a.py]"),
        "4:19: phases[0].pytest_args[0]:",
        "name tests with `paths` or `tests`",
    ),
    Bad(
        "pytest_args quote",
        phase('pytest_args: "-o \'x"'),
        "4:18: phases[0].pytest_args:",
        "close the quote, or write a list of arguments",
    ),
    Bad("pytest_args null", phase("pytest_args: [-q, null]"), "4:23: phases[0].pytest_args[1]:", 'or "" for none'),
    Bad(
        "python",
        phase("python: 3.11"),
        "4:13: phases[0].python:",
        'write for example ".venv/bin/python" or put it in quotes: "3.11"',
    ),
    Bad(
        "junit dir",
        V + P + "reports: {junit: out/}\n",
        "3:18: reports.junit:",
        "write the name of a file, such as reports/junit.xml",
    ),
    Bad("junit key", V + P + "reports: {junitxml: x}\n", "3:11: reports.junitxml:", 'did you mean "junit"?'),
    Bad(
        "two catch-alls",
        V + "phases:\n  - name: a\n  - name: b\n",
        "4:5: phases[1]:",
        "give one of the two `markers` or `paths`",
    ),
    Bad("utf16", (V + P).encode("utf-16"), "1:1: plan:", "save it as UTF-8"),
    Bad("latin", b"version: 1\nname: caf\xe9\n", "2:10: plan:", "save it as UTF-8"),
    Bad("big", b"#" * (1024 * 1024 + 1), "1:1: plan:", "a plan is a short text: name tests by paths, markers or globs"),
    Bad("anchors that multiply", BOMB, "5:35: plan:", "write a smaller plan"),
]


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_a_bad_plan_is_answered_with_place_key_and_remedy(bad: Bad) -> None:
    found = problems(bad.text)
    assert len(found) == 1, found
    assert found[0].startswith(f"runner.yaml:{bad.place} ")
    assert found[0].endswith(bad.remedy)
    assert found[0].isprintable()


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        "version: 2\nunasigned: run\ndefaults: {timeout: soon}\nphases:\n  - name: a\n    needs: [b]\n    workers: 0\n"
        "  - name: a\n    markers: x\n    isolation: per-test\n"
    )
    assert [line.split(": ")[0].removeprefix("runner.yaml:") + " " + line.split(": ")[1] for line in found] == [
        "1:10 version",
        "2:1 unasigned",
        "3:21 defaults.timeout",
        "6:13 phases[0].needs[0]",
        "7:14 phases[0].workers",
        "8:11 phases[1].name",
        "10:16 phases[1].isolation",
    ]


def test_every_refused_pytest_argument_is_reported() -> None:
    found = problems(phase("pytest_args: [-x, --maxfail=3, --dist=load, -k, foo, --co]"))
    assert [line.split(": ")[1] for line in found] == [f"phases[0].pytest_args[{index}]" for index in (0, 1, 2, 3, 5)]


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("-m", "`markers`"),
        ("-mslow", "`markers`"),
        ("-k", "`keyword`"),
        ("--junitxml", "`reports: {junit: …}`"),
        ("--junit-xml=a.xml", "`reports: {junit: …}`"),
        ("--collect-only", "a command of its own"),
        ("--co", "a command of its own"),
        ("-n", "`workers`"),
        ("-n3", "`workers`"),
        ("--numprocesses=2", "`workers`"),
        ("--dist=loadfile", "`isolation`"),
        ("--maxfail=1", "`max_failures`"),
        ("-x", "`max_failures`"),
        ("-qxv", "`max_failures`"),
        ("--exitfirst", "`max_failures`"),
        ("--rootdir=.", "next to that configuration"),
        ("-c", "next to that configuration"),
        ("-cother.ini", "next to that configuration"),
        ("--timeout=3", "`test_timeout`"),
        ("--reruns=3", "`retries`"),
        ("--basetemp=/x", "the whole run"),
        ("--pdb", "no terminal"),
        ("-p no:pytest_asyncio", "coroutine tests"),
        ("tests/a.py::test_b", "`paths` or `tests`"),
    ],
)
def test_an_argument_that_fights_the_runner_names_the_key_to_use(argument: str, remedy: str) -> None:
    (found,) = problems(phase(f'pytest_args: "{argument}"'))
    assert remedy in found


@pytest.mark.parametrize(
    ("word", "key"),
    [("marks", "markers"), ("maxfail", "max_failures"), ("Jobs", "workers"), ("fail-fast", "max_failures")],
)
def test_words_of_other_tools_lead_to_our_keys(word: str, key: str) -> None:
    (found,) = problems(phase(f"{word}: 1"))
    assert found.endswith(f'unknown key; did you mean "{key}"?')


def test_problems_stop_at_fifty_and_say_so() -> None:
    with pytest.raises(PlanError) as caught:
        parse(V + P + "".join(f"key{index}: 1\n" for index in range(1000)), FILE)
    assert len(caught.value.problems) == MOST_PROBLEMS
    assert "there may be more" in caught.value.hint


def test_a_plan_error_is_a_usage_error_with_a_hint() -> None:
    with pytest.raises(PlanError) as caught:
        parse("", FILE)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "async-test-run schema" in caught.value.hint


def test_long_and_unprintable_values_are_shown_short_and_escaped() -> None:
    (found,) = problems(phase('isolation: "\\e[31m' + "x" * 5000 + '"'))
    assert "\\x1b[31m" in found
    assert "\x1b" not in found
    assert len(found) < 250


def test_hostile_keys_reach_the_message_escaped() -> None:
    (found,) = problems(phase('"\\e]0;title\\a\\n::error::x": 1'))
    assert found.isprintable()
    assert "\\x1b]0;title\\x07\\n::error::x: unknown key" in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (key, value)
        for key in [
            "name",
            "select",
            "unassigned",
            "overlap",
            "collect_errors",
            "collect_timeout",
            "run_timeout",
            "defaults",
            "resources",
            "phases",
            "reports",
        ]
        for value in ("[[1]]", "{a: {b: c}}", "true", "-3.5", "''", "-1")
    ],
)
def test_a_wrong_type_at_a_top_level_key_is_a_problem_there(key: str, value: str) -> None:
    text = f"{key}: {value}\n" + V + ("" if key == "phases" else P)
    found = problems(text)
    assert all(line.startswith("runner.yaml:1:") and f": {key}" in line for line in found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (key, value)
        for key in [
            "name",
            "paths",
            "markers",
            "keyword",
            "tests",
            "isolation",
            "workers",
            "launcher",
            "timeout",
            "test_timeout",
            "setup_timeout",
            "grace",
            "max_failures",
            "retries",
            "flaky",
            "recheck",
            "order_dependent",
            "memory",
            "output",
            "needs",
            "resources",
            "setup",
            "teardown",
            "env",
            "pytest_args",
            "python",
        ]
        for value in ("[[[1]]]", "{a: {b: c}}", "[null]", "true", "-1.5")
        if (key, value) != ("recheck", "true")
    ],
)
def test_a_wrong_type_at_a_phase_key_is_a_problem_there(key: str, value: str) -> None:
    found = problems(f"version: 1\nphases:\n  - {key}: {value}\n" + ("" if key == "name" else "    name: a\n"))
    assert all(line.startswith("runner.yaml:3:") and f": phases[0].{key}" in line for line in found)


# ------------------------------------------------------------------------------------------------- files


def test_a_missing_file_names_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "runner.yaml").write_text(V + P)
    with pytest.raises(PlanError, match=r"runer\.yaml: no such file; did you mean .*/runner\.yaml"):
        load(tmp_path / "runer.yaml")


def test_a_missing_file_without_a_near_one_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no such file; write one with: async-test-run init"):
        load(tmp_path / "nowhere" / "runner.yaml")


def test_a_link_to_nowhere_is_said_to_be_one(tmp_path: Path) -> None:
    plan = tmp_path / "runner.yaml"
    plan.symlink_to("gone.yaml")
    with pytest.raises(PlanError, match=r"runner\.yaml: is a link to a file that is not there; mend the link"):
        load(plan)


def test_a_directory_names_the_file_in_it(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"is a directory; name the file in it, such as .*runner\.yaml"):
        load(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PlanError, match="is not a regular file"):
        load(tmp_path / "pipe")


def test_an_endless_device_is_refused() -> None:
    with pytest.raises(PlanError, match="is not a regular file"):
        load(Path("/dev/zero"))


def test_an_unreadable_file_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runner.yaml").touch()

    def denied(*_: object) -> NoReturn:  # file modes would not stop root
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(PlanError, match="permission denied; make it readable"):
        load(tmp_path / "runner.yaml")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file/below"])
def test_an_impossible_file_name_is_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlanError, match="name a readable file"):
        load(tmp_path / name)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    huge = tmp_path / "runner.yaml"
    with huge.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    with pytest.raises(PlanError, match="larger than 1 MiB"):
        load(huge)


def test_what_is_to_be_collected_must_exist_and_is_answered_in_place(tmp_path: Path) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    plan = tmp_path / "runner.yaml"
    plan.write_text(
        V + "select:\n  paths: [tests, 'tests/**/x.py', '*.py', tests/units, test/**, " + "n" * 300 + "]\n" + P
    )
    with pytest.raises(PlanError) as caught:
        load(plan)
    assert [line.removeprefix(str(plan)) for line in caught.value.problems] == [
        ':3:43: select.paths[3]: there is no "tests/units"; did you mean "tests/unit"?',
        ':3:56: select.paths[4]: there is no "test"; did you mean "tests"?',
        f':3:65: select.paths[5]: there is no "{"n" * 59}…"; write it from the plan\'s directory',
    ]


def test_a_file_name_reaches_the_message_printable(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load(tmp_path / "a\x1b[31m\n.yaml")
    assert caught.value.problems[0].isprintable()


# ------------------------------------------------------------------------------------- hang and memory


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "- " * 400_000,
        "? " * 400_000,
        "{a: " * 200_000,
        "phases: [" + "[]," * 300_000,
        "[&a a, " + "*a," * 300_000,
        "k" * 1_000_000 + ": 1",
        "x: '" + "y" * 1_000_000 + "'",
        "x: &x '" + "y" * 900_000 + "'\nphases: [" + "*x," * 50_000 + "]",
        V + "phases:\n" + "- {name: a, markers: b}\n" * 20_000,
        V + "phases:\n" + "".join(f"- {{name: a{index}, markers: b}}\n" for index in range(9_000)) + "x: 1\n",
        V + "phases:\n- {name: a, tests: [" + ",".join(f"t{index}" for index in range(40_000)) + "], x: 1}\n",
        phase('setup: "' + "'a' " * 2_000 + "'\""),
        phase("markers: " + "(" * 9_000),
        phase("markers: a(" + "=" * 9_000),
        phase("timeout: " + "9" * 9_000),
        phase('timeout: "' + "1h" * 4_000 + '"'),
        phase("workers: " + "9" * 9_000),
        phase("env: {A: '" + "{" * 9_001 + "'}"),
        "%TAG ! x\n" * 50_000,
        "a: !" + "t" * 500_000 + " b",
        "&" + "a" * 900_000 + " b",
    ],
    ids=lambda text: text[:12].replace("\n", " "),
)
def test_a_plan_made_to_exhaust_the_reader_is_answered_quickly(text: str) -> None:
    before = time.process_time()
    found = problems(text)
    assert time.process_time() - before < 10  # CPU seconds; all of them take well below one on an idle machine
    assert all(len(line) < 1000 for line in found)


def test_the_parser_written_in_python_finds_the_same_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = [_key(problems(bad.text)[0]) for bad in BAD]
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert [_key(problems(bad.text)[0]) for bad in BAD] == fast


@pytest.mark.parametrize(
    "text", ['name: "\\UFFFFFFFF"', 'name: "\\U00110000"', "%YAML " + "1" * 5000 + ".1\n---\na", 'name: "\\ud800"']
)
def test_errors_of_the_parser_written_in_python_are_no_tracebacks(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert all(line.startswith("runner.yaml:1:") for line in problems(text))


def _key(line: str) -> str:
    return line.split(": ")[1]


# ------------------------------------------------------------------------------------------- any input


def _plan_or_problems(text: str | bytes) -> None:
    try:
        plan = parse(text, FILE)
    except PlanError as error:
        assert error.problems
        assert all(line.isprintable() and line.startswith("runner.yaml:") for line in error.problems)
    else:
        assert isinstance(plan, Plan)
        assert plan.phases


_KEYS = st.sampled_from(
    [
        "version",
        "name",
        "select",
        "paths",
        "markers",
        "keyword",
        "tests",
        "unassigned",
        "overlap",
        "defaults",
        "resources",
        "phases",
        "reports",
        "isolation",
        "workers",
        "launcher",
        "timeout",
        "grace",
        "retries",
        "flaky",
        "recheck",
        "order_dependent",
        "memory",
        "output",
        "count",
        "delay",
        "on",
        "needs",
        "setup",
        "teardown",
        "run",
        "shell",
        "env",
        "pytest_args",
        "python",
        "junit",
        "<<",
        "~",
        "true",
        "1",
    ]
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["auto", "1h", "a and", "{slot}", "a'b", "*", "-x", "error", "first", "test", "a", "db"]),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS | st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.text(max_size=400))
def test_any_text_gives_a_plan_or_problems(text: str) -> None:
    _plan_or_problems(text)


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_plan_or_problems(data: bytes) -> None:
    _plan_or_problems(data)


@settings(max_examples=300)
@given(st.text(alphabet="[]{}:,-?&*!|>'\"%@#~ \n\tab1.", max_size=120))
def test_any_yaml_punctuation_gives_a_plan_or_problems(text: str) -> None:
    _plan_or_problems("version: 1\nphases:\n- name: a\n" + text)


@settings(max_examples=300)
@given(st.dictionaries(_KEYS, _TREES, max_size=8))
def test_any_structure_under_known_keys_gives_a_plan_or_problems(tree: dict[str, object]) -> None:
    _plan_or_problems(yaml.safe_dump({"version": 1, "phases": [{"name": "a"}], **tree}))


@settings(max_examples=300)
@given(st.dictionaries(_KEYS, _TREES, max_size=8))
def test_any_structure_in_a_phase_gives_a_plan_or_problems(tree: dict[str, object]) -> None:
    _plan_or_problems(yaml.safe_dump({"version": 1, "phases": [{"name": "a", **tree}, {"name": "b", "markers": "x"}]}))

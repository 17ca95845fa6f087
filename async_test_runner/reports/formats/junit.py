"""The merged JUnit XML of a run: one ``<testsuites>``, one ``<testsuite>`` per phase, every planned test exactly once.

    testsuites      name = plan, recomputed counts, time = wall time of the run, timestamp (UTC)
    └ testsuite     name = phase, behind pytest's ``junit_suite_name`` where the project sets it; recomputed counts,
                    time = sum of its testcases; properties phase, isolation, workers, `record_testsuite_property`'s
      └ testcase    classname and name as pytest derives them from the node id, with ``--junit-prefix``; file, line
                    (from 1), time; properties attempt, slot, process, one ``leak`` for each thing left behind
                    (``system-err`` tells them too), then the test's own (`record_property`); what
                    `record_xml_attribute` sets, in place of all but the time

The last attempt decides:

    passed, xpassed     nothing, as pytest does
    failed              <failure>
    error               <error message='failed on setup with "…"'>, or teardown
    skipped, xfailed    <skipped type="pytest.skip">, <skipped type="pytest.xfail">
    timed_out           <failure type="timed_out">
    crashed             <error type="crashed">
    not_run             <skipped type="not_run"> with the reason

A call that failed before its teardown broke stays one testcase with a ``<failure>`` and an ``<error>``; it counts
once, as a failure, so that tests less failures, errors and skipped is what passed. Earlier red attempts follow as
``flakyFailure`` and ``flakyError`` when the test came good, as ``rerunFailure`` and ``rerunError`` when it did not. A
flaky test that the plan wants to fail has a ``<failure type="flaky failure">`` before them. A test that is red after
others and passes alone has the property ``order_dependent``, and in the text of its failure the tests that ran before
it (a ``<failure type="order-dependent">`` where a retry has shown that). Where the plan lets it pass, its attempts are
``flakyFailure`` and ``flakyError`` too.

A test that was not run is neither shown as passed nor as one of hundreds of errors that bury what stopped its phase:
it is skipped, and the suite ``run`` holds one ``<error type="not_run">`` per phase and reason. The same suite holds
what is nobody's test (problems, an interruption, a journal that ends early), and ``collection`` the files that pytest
could not collect, or that skipped themselves as a whole. So the XML of a run whose exit code is not 0 always holds a
failure or an error.

Captured output follows pytest's ``junit_logging`` and ``junit_log_passing_tests``; unlike pytest's own writer, the
output of a skipped test is written once, and that of an error in setup also when passing tests are not logged. What is
left out of a file that would be too large for its readers is in `junit_files.room`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from ...model.errors import ExitCode
from ...model.inventory import PytestFacts
from ...model.result import Attempt, Detail, Leak, PhaseResult, RunResult, Section, TestResult
from ...model.vocabulary import Isolation, Outcome
from ...record import verdict
from ..junit_files.room import LIMIT, WHOLE, Measured, Whole
from ..junit_files.xml import Counts, UniqueNames, attribute, element, is_attribute, seconds
from ..wording import rechecks, words
from ..wording.words import leak_line
from .format import Format

_MESSAGE_LIMIT = 1000
_EXAMPLES = 20
_SUITE_OF_PYTEST = "pytest"  # what pytest calls a suite that the project gives no name
_RUNNER = "async-test-run"
_MISSING = "async-test-run.left_out"  # the property of a suite that says so
_NOTE = 300  # bytes that it may take


class _Finding(NamedTuple):
    """A child element that says what came of a testcase."""

    tag: str
    type: str
    message: str
    text: str


class _Case(NamedTuple):
    """A testcase before it is written; ``output`` makes its markup, which only writing needs."""

    classname: str
    name: str
    time: float = 0.0
    file: str = ""
    line: int = 0
    findings: tuple[_Finding, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # that the test has set
    earlier: tuple[Attempt, ...] = ()
    flaky: bool = False  # the earlier attempts are those of a test that came good
    output: Callable[[Whole], str] = lambda _room: ""

    @property
    def is_red(self) -> bool:
        return any(finding.tag in ("failure", "error") for finding in self.findings)


_Counted = tuple[Container[str], float]  # the tags of a testcase's findings, and its seconds


class _Suite(NamedTuple):
    """``cases`` makes the testcases to write them; ``counted`` says what each counts as, which is written first."""

    name: str
    cases: Callable[[], Iterable[_Case]]
    counted: Callable[[], Iterable[_Counted]]
    timestamp: str = ""
    properties: tuple[tuple[str, str], ...] = ()


def render(result: RunResult, *, hostname: str = "", limit: int = LIMIT) -> Iterator[bytes]:
    """The XML in chunks of about one testcase. Same result, same bytes; of more than the limit only what has room."""
    total, counted = _counts(result)
    whole, size = [], 0
    for piece in _pieces(result, total, counted, WHOLE, hostname):
        whole.append(piece)
        size += len(piece)
        if size > limit:
            break
    else:
        yield from whole
        return
    whole.clear()
    measured = Measured()
    bare = sum(map(len, _pieces(result, total, counted, measured, hostname)))
    room = measured.fitting(bare + len(counted) * _NOTE, limit)
    yield from _pieces(result, total, counted, room, hostname)


def _counts(result: RunResult) -> tuple[Counts, list[tuple[_Suite, Counts]]]:
    total = Counts()
    counted: list[tuple[_Suite, Counts]] = []
    for suite in _suites(result):
        counts = Counts()
        for tags, time in suite.counted():
            counts.add(tags, time)
        counted.append((suite, counts))
        total.include(counts)
    return total, counted


def _pieces(
    result: RunResult, total: Counts, counted: list[tuple[_Suite, Counts]], room: Whole, hostname: str
) -> Iterator[bytes]:
    names = UniqueNames()
    head = [("name", result.plan), *total.attributes(), ("time", seconds(result.wall))]
    yield b'<?xml version="1.0" encoding="utf-8"?>\n' + _open("testsuites", [*head, *_optional(_iso(result.at))])
    for suite, counts in counted:
        yield from _suite(suite, names.take(suite.name), counts, hostname, room)
    yield b"</testsuites>\n"


FORMAT = Format(
    key="junit",
    file="junit.xml",
    title="the merged JUnit XML",
    example="reports/junit.xml",
    flag="--junit",
    render=lambda result, _code, _environ: render(result),
    of_pytest=lambda facts: facts.junit_xml,
)


def address(id: str) -> tuple[str, str]:
    """``(classname, name)`` of a node id, as pytest's own JUnit XML has them."""
    path, separator, tail = id.partition("::")
    path = path.replace("/", ".").removesuffix(".py")
    if not separator:
        return "", path
    names, bracket, params = tail.partition("[")  # an opening bracket in the path is none; `::` may stand in parameters
    *outer, name = names.split("::")
    return ".".join([path, *outer]), name + bracket + params


# ------------------------------------------------------------------------------------------------------ what to write


def _suites(result: RunResult) -> Iterator[_Suite]:
    for phase in result.phases:
        yield _Suite(
            _suite_name(result, phase),
            partial(_phase_cases, phase, result.facts),
            partial(_phase_counted, phase, result.facts),
            _iso(min((attempt.at for test in phase.tests for attempt in test.attempts), default=0.0)),
            (
                *(("phase", phase.name), ("isolation", phase.isolation), ("workers", str(phase.workers))),
                *_processes(phase),
                *phase.properties,
            ),
        )
    for name, cases in (("collection", _collect_cases(result)), ("run", _run_cases(result))):
        if cases:
            yield _Suite(name, lambda cases=cases: cases, partial(map, _counted, cases))  # type: ignore[misc]


def _processes(phase: PhaseResult) -> Iterator[tuple[str, str]]:
    """Of a clean phase: how many processes its tests needed, and what has ended those that others have followed."""
    if phase.isolation is Isolation.CLEAN:
        yield "processes", str(phase.shared)
        yield from (("retired", f"{each.id}: {each.why}") for each in phase.retirements)


def _suite_name(result: RunResult, phase: PhaseResult) -> str:
    """The phase's, behind the name that the project gives its suite; of several phases each needs a name of its own."""
    given = result.facts.junit_suite
    if given in ("", _SUITE_OF_PYTEST):
        return phase.name
    return given if len(result.phases) == 1 else f"{given}.{phase.name}"


def _phase_cases(phase: PhaseResult, facts: PytestFacts) -> Iterator[_Case]:
    return (_test_case(test, facts) for test in phase.tests)


def _phase_counted(phase: PhaseResult, facts: PytestFacts) -> Iterator[_Counted]:
    for test in phase.tests:
        if len(test.attempts) == 1 and test.attempts[0].outcome is Outcome.PASSED and not test.attempts[0].details:
            yield (), _time(test.attempts[0], facts)  # nothing that could be found about it
        else:
            yield _counted(_test_case(test, facts))


def _counted(case: _Case) -> _Counted:
    return {finding.tag for finding in case.findings}, case.time


def _test_case(test: TestResult, facts: PytestFacts) -> _Case:
    classname, name = _prefixed(address(test.id), facts)
    if not test.attempts:
        gap = _Finding("skipped", "not_run", test.reason or "not run, for no recorded reason", "")
        return _Case(classname, name, 0.0, test.file, test.line, (gap,))
    last = test.attempts[-1]
    facts_of_order = (("order_dependent", "true"),) if test.order_dependent else ()
    return _Case(
        classname,
        name,
        _time(last, facts),
        test.file,
        test.line,
        _outcome_findings(test, last),
        (
            *(*_facts(last), *facts_of_order, *(("leak", leak_line(leak)) for leak in test.leaks), *last.properties),
            *(pair for pair in last.attributes if not is_attribute(pair[0])),
        ),
        tuple(pair for pair in last.attributes if is_attribute(pair[0])),
        tuple(attempt for attempt in test.attempts[: None if _is_let_pass(test) else -1] if attempt.outcome.is_red),
        not last.outcome.is_red or _is_let_pass(test),
        partial(_output, last, test.leaks, facts),
    )


def _facts(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return ("attempt", str(attempt.number)), ("slot", str(attempt.slot)), ("process", attempt.process)


def _is_let_pass(test: TestResult) -> bool:
    return test.recheck is not None and test.recheck.passes


def _outcome_findings(test: TestResult, last: Attempt) -> tuple[_Finding, ...]:
    """Those of the attempt that decides, and what the plan makes of a test that is not simply red or green."""
    if test.fails and test.order_dependent:
        body = "\n".join(["a retry alone has shown what a recheck would", *rechecks.before(test, _EXAMPLES)])
        return (_Finding("failure", "order-dependent", rechecks.said(test), body),)
    if test.fails:
        return (_Finding("failure", "flaky failure", rechecks.flaky(test), "the plan wants flaky tests to fail"),)
    if _is_let_pass(test):
        return ()
    findings = _findings(last)
    note = rechecks.said(test)
    if not note:
        return findings
    body = "\n".join([note, *rechecks.before(test, _EXAMPLES)])
    return (findings[0]._replace(text=f"{findings[0].text}\n\n{body}"), *findings[1:])


def _time(attempt: Attempt, facts: PytestFacts) -> float:
    return attempt.call if facts.junit_duration == "call" and attempt.call is not None else attempt.duration


def _findings(attempt: Attempt) -> tuple[_Finding, ...]:
    """What an attempt shows. A red one shows something red, whatever its details say, and a green one nothing red."""
    outcome = attempt.outcome
    match outcome:
        case Outcome.PASSED | Outcome.XPASSED:
            return ()
        case Outcome.SKIPPED | Outcome.XFAILED | Outcome.NOT_RUN:
            details = [detail for detail in attempt.details if detail.outcome is outcome]
            return tuple(map(_finding, details)) or (_bare(outcome),)
        case Outcome.FAILED | Outcome.ERROR | Outcome.TIMED_OUT | Outcome.CRASHED:
            return _red_findings(attempt)


def _red_findings(attempt: Attempt) -> tuple[_Finding, ...]:
    shown = [detail for detail in attempt.details if detail.outcome not in (Outcome.PASSED, Outcome.XPASSED)]
    findings = [_finding(detail) for detail in shown]
    if attempt.outcome in (Outcome.TIMED_OUT, Outcome.CRASHED) and all(d.outcome != attempt.outcome for d in shown):
        # the stage that was under way says "failed" when the test was ended from inside
        at = next((index for index, detail in enumerate(shown) if detail.outcome.is_red), None)
        if at is not None:
            findings[at] = _finding_as(attempt.outcome, shown[at])
    if not any(finding.tag in ("failure", "error") for finding in findings):
        findings.insert(0, _bare(attempt.outcome))
    return tuple(findings)


def _finding(detail: Detail) -> _Finding:
    return _finding_as(detail.outcome, detail)


def _finding_as(outcome: Outcome, detail: Detail) -> _Finding:
    body = detail.text or detail.message
    match outcome:
        case Outcome.SKIPPED:
            return _Finding("skipped", "pytest.skip", detail.message, detail.text)
        case Outcome.XFAILED:
            return _Finding("skipped", "pytest.xfail", detail.message.removeprefix("reason: "), "")
        case Outcome.TIMED_OUT:
            return _Finding("failure", "timed_out", detail.message, body)
        case Outcome.CRASHED:
            return _Finding("error", "crashed", detail.message, body)
        case Outcome.FAILED | Outcome.ERROR if detail.when in ("setup", "teardown"):
            return _Finding("error", "", f'failed on {detail.when} with "{detail.message}"', body)
        case Outcome.FAILED:
            return _Finding("failure", "", detail.message, body)
        case Outcome.ERROR:
            return _Finding("error", "", detail.message, body)
        case Outcome.NOT_RUN:
            return _Finding("skipped", "not_run", detail.message, "")
        case Outcome.PASSED | Outcome.XPASSED:
            raise ValueError(f"nothing to show for {outcome}")


def _bare(outcome: Outcome) -> _Finding:
    return _finding_as(outcome, Detail("runner", outcome, outcome.label))


def _collect_cases(result: RunResult) -> list[_Case]:
    skips = [(skip, _Finding("skipped", "", "collection skipped", skip.text)) for skip in result.collect_skips]
    errors = [(error, _Finding("error", "", "collection failure", error.text)) for error in result.collect_errors]
    return [
        _Case(*_prefixed(address(what.id), result.facts), findings=(finding,)) for what, finding in [*skips, *errors]
    ]


def _prefixed(place: tuple[str, str], facts: PytestFacts) -> tuple[str, str]:
    """With what ``--junit-prefix`` puts before each classname."""
    return ".".join(filter(None, (facts.junit_prefix, place[0]))), place[1]


def _run_cases(result: RunResult) -> list[_Case]:
    """What is nobody's test, one testcase each."""
    names = UniqueNames()
    found = [*_problems(result), *_ends(result), *_gaps(result)]
    if not found and verdict.exit_code(result) is ExitCode.NOTHING_SELECTED:
        found.append(("nothing selected", _Finding("error", "nothing_selected", "no test was selected", "")))
    return [_Case(_RUNNER, names.take(name), findings=(finding,)) for name, finding in found]


def _problems(result: RunResult) -> Iterator[tuple[str, _Finding]]:
    for problem in result.problems:
        body = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
        name = f"{problem.kind} in phase {problem.phase}" if problem.phase else problem.kind
        yield name, _Finding("error", problem.kind, problem.message, body)
    violations = verdict.violations(result)
    if violations:
        message = f"planned and reported tests differ: {words.plural(len(violations), 'violation')}"
        yield "planned = reported", _Finding("error", "internal", message, _listed(violations))


def _ends(result: RunResult) -> Iterator[tuple[str, _Finding]]:
    if result.signal:
        message = f"the run was interrupted by {words.signal_name(result.signal)}"
        yield "interrupted", _Finding("error", "interrupted", message, "")
    elif not result.finished:
        yield "unfinished", _Finding("error", "unfinished", "the journal ends before the run does", "")


def _gaps(result: RunResult) -> Iterator[tuple[str, _Finding]]:
    gaps: dict[tuple[str, str], list[str]] = {}
    for test in result.tests():
        if not test.attempts:
            gaps.setdefault((test.phase, test.reason), []).append(test.id)
    for (phase, reason), ids in gaps.items():
        message = f"{words.plural(len(ids), 'test')} not run: {reason or 'no recorded reason'}"
        yield f"phase {phase}: not run", _Finding("error", "not_run", message, _listed(ids))


def _listed(lines: Iterable[str]) -> str:
    lines = list(lines)
    more = [f"… and {len(lines) - _EXAMPLES} more"] if len(lines) > _EXAMPLES else []
    return "\n".join([*lines[:_EXAMPLES], *more])


# ----------------------------------------------------------------------------------------------------- captured output

_CHANNELS = {
    "log": (("system-out", ("log",)),),
    "system-out": (("system-out", ("stdout",)),),
    "system-err": (("system-err", ("stderr",)),),
    "out-err": (("system-out", ("stdout",)), ("system-err", ("stderr",))),
    "all": (("system-out", ("log", "stdout")), ("system-err", ("stderr",))),
}
_TITLES = {"log": " Captured Log ", "stdout": " Captured Out ", "stderr": " Captured Err "}
_QUIET = (Outcome.PASSED, Outcome.XPASSED, Outcome.XFAILED)


def _output(attempt: Attempt, leaks: tuple[Leak, ...], facts: PytestFacts, room: Whole) -> str:
    """The ``system-out`` and ``system-err`` elements of a testcase, in pytest's layout; the latter tells the leaks."""
    quiet = attempt.outcome in _QUIET and not facts.junit_log_passing
    channels = () if quiet else _CHANNELS.get(facts.junit_logging, ())
    said = {tag: "".join(_captured(attempt.sections, name) for name in names) for tag, names in channels}
    if leaks:
        lines = "".join(f"{leak_line(leak)}\n" for leak in leaks)
        said["system-err"] = f"{said.get('system-err', '')}{' Left behind '.center(80, '-')}\n{lines}"
    return "".join(element(tag, (), room.text(content)) for tag, content in said.items())


def _captured(sections: Iterable[Section], channel: str) -> str:
    content = "".join(section.content for section in sections if section.name.startswith(f"Captured {channel}"))
    return f"{_TITLES[channel].center(80, '-')}\n{content}\n"


# ----------------------------------------------------------------------------------------------------------- writing


def _suite(suite: _Suite, name: str, counts: Counts, hostname: str, room: Whole) -> Iterator[bytes]:
    head = [("name", name), *counts.attributes(), ("time", seconds(counts.time))]
    optional = [*_optional(suite.timestamp), *_optional(hostname, "hostname")]
    missing = [(_MISSING, f"{room.missing}; the journal has it")] if room.missing else []
    yield _open("testsuite", [*head, *optional]) + _properties([*suite.properties, *missing]).encode()
    for case in suite.cases():
        yield _case(case, room).encode()
    yield b"</testsuite>\n"


def _case(case: _Case, room: Whole) -> str:
    place = [("file", case.file), ("line", str(case.line))] if case.file else []
    head = dict([("classname", case.classname), ("name", case.name), *place, ("time", ""), *case.attributes])
    head["time"] = seconds(case.time)
    body = [
        room.properties(_properties(case.properties)),
        *(_finding_xml(finding, room) for finding in case.findings),
        *(_earlier_xml(attempt, "flaky" if case.flaky else "rerun", room) for attempt in case.earlier),
        case.output(room) if case.is_red else room.output_of_green(case.output),
    ]
    return element("testcase", head.items(), "".join(body)) + "\n"


def _finding_xml(finding: _Finding, room: Whole) -> str:
    kind = [("type", finding.type)] if finding.type else []
    return element(
        finding.tag, [*kind, ("message", room.message(_shortened(finding.message)))], room.text(finding.text)
    )


def _earlier_xml(attempt: Attempt, prefix: str, room: Whole) -> str:
    """An earlier attempt in Surefire's form, which says ``type``, ``<stackTrace>``, ``<system-out>``."""
    findings = [finding for finding in _findings(attempt) if finding.tag != "skipped"]
    tag = f"{prefix}{findings[0].tag.capitalize()}"
    head = [
        ("type", attempt.outcome.value),
        ("message", room.message(_shortened(findings[0].message))),
        *_optional(_iso(attempt.at)),
        ("time", seconds(attempt.duration)),
    ]
    trace = "\n\n".join(finding.text for finding in findings)
    outputs = {
        "system-out": [s for s in attempt.sections if not s.name.startswith("Captured stderr")],
        "system-err": [s for s in attempt.sections if s.name.startswith("Captured stderr")],
    }
    body = [element("stackTrace", (), room.text(trace))]
    body += [element(tag, (), room.text("".join(s.content for s in kept))) for tag, kept in outputs.items() if kept]
    return element(tag, head, "".join(body))


def _properties(properties: Iterable[tuple[str, str]]) -> str:
    items = "".join(element("property", (("name", name), ("value", value))) for name, value in properties)
    return f"<properties>{items}</properties>" if items else ""


def _open(tag: str, attributes: Iterable[tuple[str, str]]) -> bytes:
    head = tag + "".join(f' {name}="{attribute(value)}"' for name, value in attributes)
    return f"<{head}>\n".encode()


def _optional(value: str, name: str = "timestamp") -> list[tuple[str, str]]:
    return [(name, value)] if value else []


def _shortened(message: str) -> str:
    """An attribute is for one look; the whole stands in the element's text."""
    if len(message) <= _MESSAGE_LIMIT:
        return message
    return f"{message[:_MESSAGE_LIMIT]}… (+{len(message) - _MESSAGE_LIMIT} characters)"


def _iso(at: float) -> str:
    """``2026-01-31T12:00:00.000+00:00``; empty for a time that is unknown (0) or out of range."""
    if at <= 0:
        return ""
    try:
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.isoformat(timespec="milliseconds")

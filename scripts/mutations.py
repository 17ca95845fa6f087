"""What `mutation.py` breaks: a name, a file, its old text and its new one, the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """``old`` stands in the file exactly once."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


PACKAGE = "async_test_runner"
INSIDE = f"{PACKAGE}/inside/async_test_run_inside"
FAULT = "tests/faults/test_faults.py::test_a_fault_costs_only_what_it_touches[{}]"
AFTERMATH = ("tests/supervision/test_aftermath.py",)
SUPERVISION = ("tests/supervision",)
FOLD = ("tests/record/fold",)
VERDICT = ("tests/record/test_verdict.py",)
OUTCOMES = ("tests/supervision/test_outcomes.py",)
DEATHS = ("tests/words/test_deaths.py",)
UNITS = ("tests/suite/test_units.py",)
JOURNAL = ("tests/record/test_journal.py",)
CHAIN = ("tests/record/test_chain.py",)
RECORDER = ("tests/run/test_recorder.py",)
JUNIT = ("tests/reports/formats/test_junit.py",)
PROCESS = ("tests/system/test_process.py",)
ENGINE = ("tests/run/test_engine.py",)


def fault(*names: str) -> tuple[str, ...]:
    """Faults of the matrix, as ``name-launcher-isolation``."""
    return tuple(FAULT.format(name) for name in names)


MUTATIONS = (
    # ------------------------------------------------------------------------------------------------ the verdict
    Mutation(
        "verdict: a red test does not make the run red",
        f"{PACKAGE}/record/verdict.py",
        "red = any(outcome.is_red for outcome in counts) or counts[Outcome.NOT_RUN]",
        "red = counts[Outcome.NOT_RUN]",
        VERDICT,
    ),
    Mutation(
        "verdict: a test that was not run is green",
        f"{PACKAGE}/record/verdict.py",
        "red = any(outcome.is_red for outcome in counts) or counts[Outcome.NOT_RUN]",
        "red = any(outcome.is_red for outcome in counts)",
        VERDICT,
    ),
    Mutation(
        "verdict: a run whose journal ends early may pass",
        f"{PACKAGE}/record/verdict.py",
        "if red or kinds or result.collect_errors or not result.finished:",
        "if red or kinds or result.collect_errors:",
        VERDICT,
    ),
    Mutation(
        "verdict: files that cannot be collected do not count",
        f"{PACKAGE}/record/verdict.py",
        "if red or kinds or result.collect_errors or not result.finished:",
        "if red or kinds or not result.finished:",
        VERDICT,
    ),
    Mutation(
        "verdict: planned = reported is not checked",
        f"{PACKAGE}/record/verdict.py",
        "            if not test.attempts and not test.reason",
        "            if False",
        VERDICT,
    ),
    Mutation(
        "verdict: a test reported twice is no violation",
        f"{PACKAGE}/record/verdict.py",
        '    found += [f"reported twice in one attempt: {id}" for id in result.duplicates]\n',
        "",
        VERDICT,
    ),
    Mutation(
        "verdict: a broken invariant is an ordinary failure",
        f"{PACKAGE}/record/verdict.py",
        'if "internal" in kinds or violations(result):',
        'if "internal" in kinds:',
        VERDICT,
    ),
    Mutation(
        "verdict: nothing selected is a success",
        f"{PACKAGE}/record/verdict.py",
        "return ExitCode.PASSED if counts.total() else ExitCode.NOTHING_SELECTED",
        "return ExitCode.PASSED",
        VERDICT,
    ),
    # ----------------------------------------------------------------------------------------------- the outcomes
    Mutation(
        "outcomes: a fixture that fails in teardown is a passed test",
        f"{PACKAGE}/supervision/outcomes.py",
        '            if stage.when == "call":\n                return Outcome.FAILED\n            result = Outcome.ERROR\n        elif stage.outcome not in',
        '            if stage.when == "call":\n                return Outcome.FAILED\n        elif stage.outcome not in',
        OUTCOMES,
    ),
    Mutation(
        "outcomes: one that nobody knows is a success",
        f"{PACKAGE}/supervision/outcomes.py",
        "        elif stage.outcome not in _STAGE_OUTCOMES:\n            result = Outcome.ERROR\n",
        "        elif stage.outcome not in _STAGE_OUTCOMES:\n            pass\n",
        OUTCOMES,
    ),
    Mutation(
        "outcomes: a skipped subtest skips its test",
        f"{PACKAGE}/supervision/outcomes.py",
        "elif not stage.sub and result is Outcome.PASSED:",
        "elif result is Outcome.PASSED:",
        OUTCOMES,
    ),
    # -------------------------------------------------------------------------------- what a death means for tests
    Mutation(
        "schedule: a process that exits 0 with a test in flight killed nobody",
        f"{PACKAGE}/supervision/aftermath.py",
        "    return len(end.in_flight) == 1 or end.doom is not None\n",
        "    return end.status != 0 and (len(end.in_flight) == 1 or end.doom is not None)\n",
        AFTERMATH,
    ),
    Mutation(
        "schedule: of several tests in flight all are blamed",
        f"{PACKAGE}/supervision/aftermath.py",
        "    return len(end.in_flight) == 1 or end.doom is not None\n",
        "    return True\n",
        AFTERMATH,
    ),
    Mutation(
        "schedule: the rest of a dead process does not run",
        f"{PACKAGE}/supervision/aftermath.py",
        "    return Aftermath(blamed=blamed, again=tuple(id for id in rest if id not in suspects), alone=suspects",
        "    return Aftermath(blamed=blamed, again=(), alone=suspects",
        AFTERMATH,
    ),
    Mutation(
        "schedule: a test that has gone is forgotten",
        f"{PACKAGE}/supervision/aftermath.py",
        "    missing = [_missing(id, end) for id in end.tests if id in end.missing and id not in end.done]",
        "    missing: list[Blame] = []",
        AFTERMATH,
    ),
    Mutation(
        "schedule: a timed-out test is said to have crashed",
        f"{PACKAGE}/supervision/aftermath.py",
        "    if late is not None:\n        return Blame(id, Outcome.TIMED_OUT",
        "    if late is not None and not death:\n        return Blame(id, Outcome.TIMED_OUT",
        AFTERMATH,
    ),
    Mutation(
        "schedule: processes that come to nothing are started for ever",
        f"{PACKAGE}/supervision/aftermath.py",
        "    if barren >= BARREN_LIMIT:\n",
        "    if barren >= BARREN_LIMIT + 1000:\n",
        AFTERMATH,
    ),
    Mutation(
        "schedule: a test that no process comes past takes the others along",
        f"{PACKAGE}/supervision/aftermath.py",
        "    if barren == BARREN_LIMIT and len(rest) > 1:",
        "    if barren == BARREN_LIMIT and len(rest) > 10**9:",
        AFTERMATH,
    ),
    Mutation(
        "schedule: a signal is an exit status",
        f"{PACKAGE}/words/deaths.py",
        "    if status < 0:\n        try:",
        "    if status < -1000:\n        try:",
        DEATHS,
    ),
    Mutation(
        "schedule: an isolated phase shares a process",
        f"{PACKAGE}/suite/units.py",
        "    if isolation is Isolation.TEST:\n        return test.id",
        "    if isolation is Isolation.TEST:\n        return test.file",
        UNITS,
    ),
    # ----------------------------------------------------------------------------------------------- supervision
    Mutation(
        "deadlines: a hung test has no deadline",
        f"{PACKAGE}/supervision/deadlines.py",
        "in running.flights.dead or now < flight.began + limit:",
        "in running.flights.dead or now < flight.began + limit * 1000:",
        SUPERVISION,
    ),
    Mutation(
        "deadlines: TERM is skipped",
        f"{PACKAGE}/supervision/deadlines.py",
        "            number = int(signal.SIGTERM) if sent == 0 else KILL\n",
        "            number = KILL\n",
        SUPERVISION,
    ),
    Mutation(
        "deadlines: KILL never comes",
        f"{PACKAGE}/supervision/deadlines.py",
        "            number = int(signal.SIGTERM) if sent == 0 else KILL\n",
        "            number = int(signal.SIGTERM)\n",
        SUPERVISION,
    ),
    Mutation(
        "deadlines: a stage comes at every tick",
        f"{PACKAGE}/supervision/deadlines.py",
        "            if now < since + self._phase.grace or sent == KILL:\n",
        "            if now < since + self._phase.grace:\n",
        SUPERVISION,
    ),
    Mutation(
        "deadlines: a phase has no end",
        f"{PACKAGE}/supervision/deadlines.py",
        '            return Overdue("phase", phase)\n',
        "            return None\n",
        SUPERVISION,
    ),
    Mutation(
        "deadlines: a process that stays is left alone",
        f"{PACKAGE}/supervision/deadlines.py",
        "        if heard.finished is None or escalation.steps:\n            return []\n",
        "        if heard.finished is not None or escalation.steps:\n            return []\n",
        SUPERVISION,
    ),
    Mutation(
        "deciding: a late test that ended well is green",
        f"{PACKAGE}/supervision/deciding.py",
        "            if last and late is not None:\n",
        "            if last and late is not None and outcome.is_red:\n",
        SUPERVISION,
    ),
    Mutation(
        "deciding: a test is tried again once too often",
        f"{PACKAGE}/supervision/deciding.py",
        "return outcome.is_red and attempt <= retries.count and",
        "return outcome.is_red and attempt <= retries.count + 1 and",
        SUPERVISION,
    ),
    Mutation(
        "deciding: whatever is red is tried again",
        f"{PACKAGE}/supervision/deciding.py",
        "and retries.covers(outcome) and",
        "and",
        SUPERVISION,
    ),
    Mutation(
        "endings: the rest of a dead process is dropped",
        f"{PACKAGE}/supervision/endings.py",
        "        left = [after.again] if after.again else []\n        left += [(id,) for id in after.alone]\n        if self._queue.closed:",
        "        left = [(id,) for id in after.alone]\n        if self._queue.closed:",
        SUPERVISION,
    ),
    Mutation(
        "endings: a blamed test is not told",
        f"{PACKAGE}/supervision/endings.py",
        "        for blame in after.blamed:\n            self._decider.blame(running, blame, running.flights.",
        "        for blame in after.blamed[1:]:\n            self._decider.blame(running, blame, running.flights.",
        SUPERVISION,
    ),
    Mutation(
        "endings: a process that dies between tests goes unnoticed",
        f"{PACKAGE}/supervision/endings.py",
        "        if finished is None:\n            self._check_death(running, status, after)\n            return\n",
        "        if finished is None:\n            return\n",
        SUPERVISION,
    ),
    Mutation(
        "endings: pytest may be red without any test",
        f"{PACKAGE}/supervision/endings.py",
        "        if finished.status not in _expected(running, finished):\n",
        "        if False:\n",
        SUPERVISION,
    ),
    Mutation(
        "hearing: a test is decided twice",
        f"{PACKAGE}/supervision/hearing.py",
        "        if message.id in running.flights.done:\n            return  # decided by the end of its worker\n",
        "",
        SUPERVISION,
    ),
    Mutation(
        "hearing: the tests of a worker that is gone are nobody's",
        f"{PACKAGE}/supervision/hearing.py",
        "    running.flights.die(running.flights.of(worker))\n",
        "",
        SUPERVISION,
    ),
    Mutation(
        "waiting: max_failures is ignored",
        f"{PACKAGE}/supervision/waiting.py",
        "        return bool(limit) and self._failures >= limit\n",
        "        return bool(limit) and self._failures > limit\n",
        SUPERVISION,
    ),
    Mutation(
        "waiting: what waits when the phase ends is forgotten",
        f"{PACKAGE}/supervision/waiting.py",
        "        self._waiting.clear()\n        self._teller.not_run(left, why)\n",
        "        self._waiting.clear()\n",
        SUPERVISION,
    ),
    Mutation(
        "waiting: two processes have one slot",
        f"{PACKAGE}/supervision/waiting.py",
        "    while taken & set(range(slot, slot + count)):\n",
        "    while slot in taken:\n",
        SUPERVISION,
    ),
    Mutation(
        "waiting: resources are not counted",
        f"{PACKAGE}/supervision/waiting.py",
        "                used[name] = used.get(name, 0) + 1\n",
        "                used[name] = 0\n",
        SUPERVISION,
    ),
    # ---------------------------------------------------------------------------------------- events and the journal
    Mutation(
        "events: the first attempt decides",
        f"{PACKAGE}/record/fold/attempts.py",
        " = (*before, _attempt(event, process, worker))\n",
        " = (_attempt(event, process, worker), *before)\n",
        FOLD,
    ),
    Mutation(
        "events: a test that nobody planned passes silently",
        f"{PACKAGE}/record/fold/attempts.py",
        "            self._books.unplanned.append(event.id)\n            return False\n",
        "            return False\n",
        FOLD,
    ),
    Mutation(
        "events: a second report of an attempt counts",
        f"{PACKAGE}/record/fold/attempts.py",
        "            self._books.duplicates.append(event.id)\n            return False\n",
        "            return False\n",
        FOLD,
    ),
    Mutation(
        "events: the last signal decides",
        f"{PACKAGE}/record/fold/run.py",
        "                self._signal = self._signal or event.signal\n",
        "                self._signal = event.signal\n",
        FOLD,
    ),
    Mutation(
        "journal: a short write is taken for a whole one",
        f"{PACKAGE}/record/journal.py",
        "    while data:  # a short write",
        "    if data:  # a short write",
        JOURNAL,
    ),
    Mutation(
        "journal: a damaged line ends the reading",
        f"{PACKAGE}/record/journal.py",
        "    with contextlib.suppress(msgspec.DecodeError):\n",
        "    with contextlib.nullcontext():\n",
        JOURNAL,
    ),
    Mutation(
        "journal: one that was deleted stays lost",
        f"{PACKAGE}/record/journal.py",
        "        if not self.changed():\n",
        "        if True:\n",
        JOURNAL,
    ),
    Mutation(
        "journal: a line that was changed is believed",
        f"{PACKAGE}/record/chain.py",
        "            if line != expected:\n",
        "            if not line:\n",
        CHAIN,
    ),
    Mutation(
        "journal: where it ends is believed",
        f"{PACKAGE}/record/journal.py",
        "        if seal.journal == self.head:\n",
        "        if True:\n",
        JOURNAL,
    ),
    Mutation(
        "journal: the guardian believes the file and not the copy",
        f"{PACKAGE}/record/journal.py",
        "        said = self.changed()\n        if said:\n",
        '        said = ""\n        if said:\n',
        JOURNAL,
    ),
    Mutation(
        "recorder: a journal that was changed is no problem",
        f"{PACKAGE}/run/recorder.py",
        "        if said:\n            self._changed = True\n",
        "        if False:\n            self._changed = True\n",
        RECORDER,
    ),
    Mutation(
        "recorder: an event does not reach the disk",
        f"{PACKAGE}/run/recorder.py",
        "            if not self._deaf:\n                self._writer.write(event)\n",
        '            if not self._deaf and "process" not in event.__struct_fields__:\n                self._writer.write(event)\n',
        fault("exit_0-exec-phase"),
    ),
    # ------------------------------------------------------------------------------------------------ the reports
    Mutation(
        "junit: a crashed test is an empty testcase",
        f"{PACKAGE}/reports/formats/junit.py",
        "            return _red_findings(attempt)\n",
        "            return () if outcome is Outcome.CRASHED else _red_findings(attempt)\n",
        JUNIT,
    ),
    Mutation(
        "junit: a test that was not run looks passed",
        f"{PACKAGE}/reports/formats/junit.py",
        "        return _Case(classname, name, 0.0, test.file, test.line, (gap,))\n",
        "        return _Case(classname, name, 0.0, test.file, test.line, ())\n",
        JUNIT,
    ),
    Mutation(
        "xml: the count of tests is wrong",
        f"{PACKAGE}/reports/junit_files/xml.py",
        '        self.tests += 1\n        self.time += time\n        if "failure" in tags:',
        '        self.tests += "skipped" not in tags\n        self.time += time\n        if "failure" in tags:',
        JUNIT,
    ),
    Mutation(
        "xml: control characters go into the report",
        f"{PACKAGE}/reports/junit_files/xml.py",
        "    return patterns.referred.sub(_reference, patterns.illegal.sub(_spelled, value))\n",
        "    return patterns.referred.sub(_reference, value)\n",
        JUNIT,
    ),
    Mutation(
        "text: a test's message moves the cursor",
        f"{PACKAGE}/reports/wording/text.py",
        "    return _UNSAFE.sub(_spelled, text)\n",
        "    return text\n",
        ("tests/reports/wording/test_text.py",),
    ),
    # ----------------------------------------------------------------------------------------------- the processes
    Mutation(
        "process: only the child is signalled, not its group",
        f"{PACKAGE}/system/descendants.py",
        "            os.killpg(pid, number)\n",
        "            os.kill(pid, number)\n",
        PROCESS,
    ),
    Mutation(
        "process: whoever ignores TERM is not killed",
        f"{PACKAGE}/system/process.py",
        "    except TimeoutError:\n        process.signal(KILL)\n",
        "    except TimeoutError:\n        process.signal(number)\n",
        PROCESS,
    ),
    Mutation(
        "engine: the last news of a process is not read",
        f"{PACKAGE}/run/engine.py",
        "            for message in session.poll():\n",
        "            for message in () if status is not None else session.poll():\n",
        ENGINE,
    ),
    Mutation(
        "engine: after a setup command that fails the next one runs",
        f"{PACKAGE}/run/commands.py",
        '            if result.status != 0 and stage == "setup":\n                return first_problem or self._stopping.reason\n',
        "",
        ("tests/run/test_commands.py",),
    ),
    # ------------------------------------------------------------------------------------------------ inside pytest
    Mutation(
        "wire: a fork of a test speaks for it",
        f"{INSIDE}/wire/facts.py",
        "        if getpid() != self._pid:\n            return\n        self._write(",
        "        self._write(",
        ("tests/inside/wire/test_facts.py",),
    ),
    Mutation(
        "wire: a descriptor that a test closed is written to",
        f"{INSIDE}/wire/facts.py",
        "        if not self._is_ours():\n            self._open()\n",
        "",
        ("tests/inside/wire/test_facts.py",),
    ),
    Mutation(
        "inside: pytest.exit looks like an ordinary end",
        f"{INSIDE}/session/running.py",
        "            reason = self._interrupted or session.shouldfail or session.shouldstop\n",
        "            reason = session.shouldfail or session.shouldstop\n",
        fault("pytest_exit-exec-phase"),
    ),
    Mutation(
        "inside: a test that is gone is not missed",
        f"{INSIDE}/session/running.py",
        "            self._wire.send(messages.missing(missing))\n",
        "            pass\n",
        fault("other_tests_each_time-exec-phase"),
    ),
    Mutation(
        "pool: a fork of a test speaks for its worker",
        f"{INSIDE}/forks/worker.py",
        "        if _getpid() != self._pid:\n            return  # a fork",
        "        if False:\n            return  # a fork",
        fault("fork_that_both_return-warm-test"),
    ),
    Mutation(
        "pool: a worker that dies before its test is started for ever",
        f"{INSIDE}/forks/pool.py",
        "        if position in self._not_begun:\n            unit.remove(position)\n",
        "",
        fault("hook_runtest_protocol_raises-warm-test"),
    ),
    Mutation(
        "pool: the death of a worker is not told",
        f"{INSIDE}/forks/pool.py",
        "            self._crashed(worker, worker.current, worker.reason or _death(status), status)\n",
        "            pass\n",
        fault("killed_by_sigkill-warm-test"),
    ),
    Mutation(
        "pool: a worker that fails after its last test is green",
        f"{INSIDE}/forks/pool.py",
        "            self._ended_badly(worker, status)\n",
        "            pass\n",
        fault("exit_handler_leaves_with_7-warm-test"),
    ),
    Mutation(
        "pool: exit handlers of a worker may take for ever",
        f"{INSIDE}/forks/exits.py",
        "        faulthandler.dump_traceback_later(limit, exit=True, file=stacks)\n",
        "",
        ("tests/inside/forks/test_exits.py",),
    ),
    Mutation(
        "reporting: a test without a call has passed",
        f"{INSIDE}/session/reporting.py",
        "        if not self._called and not self._stages:\n            self._stages.append(_UNREPORTED)\n",
        "",
        ("tests/inside/session/test_reporting.py",),
    ),
)

from __future__ import annotations

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import TestStarted
from async_test_runner.reports.terminal.progress import PhaseProgress, Progress
from tests.reports.event_script import MONO, Script, planned, polluted


def progress(script: Script) -> Progress:
    state = Progress()
    for event in script.events:
        state.add(event)
    return state


def phase(script: Script) -> PhaseProgress:
    return progress(script).phases["async"]


def test_a_test_counts_when_its_last_attempt_ended() -> None:
    script = planned("a", "b")
    script.end("async", "a", 3.0, Outcome.FAILED, retry=True)
    before = phase(script)
    assert (before.done, before.retries, before.is_red) == (0, 1, False)
    script.end("async", "a", 4.0, attempt=2)
    after = phase(script)
    assert (after.done, after.retries, dict(after.counts)) == (1, 1, {Outcome.PASSED: 1})


def test_a_retry_that_never_came_leaves_the_red_attempt_standing() -> None:
    script = planned("a", "b", "c")
    script.end("async", "a", 3.0, Outcome.FAILED, retry=True)
    script.end("async", "b", 3.0, Outcome.CRASHED, retry=True)
    script.not_run("async", ["a", "c"], 4.0, "stopped")
    script.over("async", 5.0)
    counts = phase(script).counts
    assert counts == {Outcome.FAILED: 1, Outcome.CRASHED: 1, Outcome.NOT_RUN: 1}
    assert counts == script.result().counts


def test_what_did_not_run_is_not_done() -> None:
    script = planned("a", "b")
    script.not_run("async", ["a", "b"], 3.0, "stopped")
    assert (phase(script).done, phase(script).counts[Outcome.NOT_RUN]) == (0, 2)


def test_a_test_settles_once() -> None:
    script = planned("a")
    script.end("async", "a", 3.0)
    script.end("async", "a", 4.0, Outcome.FAILED)
    assert phase(script).counts == {Outcome.PASSED: 1}


def test_running_tests_stand_in_the_order_of_their_start() -> None:
    script = planned("a", "b", "c")
    for at, id in enumerate("abc", start=3):
        script.start("async", id, at)
    script.end("async", "b", 6.0)
    script.start("async", "a", 7.0, attempt=2)  # its process died: it starts again
    state = progress(script)
    assert [test.id for test in state.running(5)] == ["c", "a"]
    assert [test.id for test in state.running(1)] == ["c"]
    assert (state.running_count, state.phases["async"].running) == (2, 2)


def test_nothing_runs_in_a_phase_that_ended() -> None:
    script = planned("a")
    script.start("async", "a", 3.0)
    script.over("async", 4.0)
    assert (progress(script).running_count, phase(script).running) == (0, 0)


def test_the_rest_is_unknown_until_a_test_ended() -> None:
    script = planned("a", "b")
    script.start("async", "a", 3.0)
    assert phase(script).rest(MONO + 4.0) is None


def test_the_rest_is_the_mean_over_the_workers() -> None:
    script = planned(*(str(number) for number in range(10)), workers=2)
    script.start("async", "0", 2.0)
    script.start("async", "1", 2.0)
    script.end("async", "0", 6.0, duration=4.0)
    assert phase(script).rest(MONO + 6.0) == 9 * 4.0 / 2
    assert phase(script).rest(MONO + 7.0) == 9 * 4.0 / 2 - 1
    assert phase(script).rest(MONO + 600.0) == 0.0


def test_the_rest_counts_the_time_between_tests() -> None:
    script = planned("a", "b", "c")
    script.end("async", "a", 5.0, duration=0.1)  # three seconds into the phase
    assert phase(script).rest(MONO + 5.0) == 2 * 3.0


def test_the_elapsed_time_is_what_the_phase_says_once_it_ended() -> None:
    script = planned("a")
    assert phase(script).elapsed(MONO + 5.0) == 3.0
    script.over("async", 9.0, wall=6.5)
    assert phase(script).elapsed(MONO + 50.0) == 6.5


def test_events_of_unknown_phases_are_passed_over() -> None:
    script = planned("a")
    script.begin("ghost", 3.0)
    script.end("ghost", "x", 3.0)
    assert list(progress(script).phases) == ["async"]


def test_a_flaky_test_that_fails_counts_as_failed() -> None:
    script = planned("a")
    script.end("async", "a", 3.0, Outcome.FAILED, retry=True)
    script.end("async", "a", 4.0, attempt=2, fails=True)
    assert phase(script).counts == {Outcome.FAILED: 1}
    assert phase(script).counts == script.result().counts


def test_a_recheck_changes_the_counts_only_where_the_plan_lets_it_decide() -> None:
    for passes, counts in ((False, {Outcome.FAILED: 1, Outcome.PASSED: 2}), (True, {Outcome.PASSED: 3})):
        script = polluted(2, passes=passes)
        assert phase(script).counts == counts
        assert phase(script).counts == script.result().counts


def test_a_recheck_is_among_what_runs_until_it_has_ended() -> None:
    script = planned("a")
    script.add(TestStarted, 3.0, phase="async", id="a", process="async/0002", attempt=1, recheck=True)
    assert progress(script).running_count == 1
    script.recheck("async", "a", 4.0)
    assert progress(script).running_count == 0

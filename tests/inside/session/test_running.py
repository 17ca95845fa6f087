"""The plugin of a session that runs tests: what it selects, what it tells the runner, and what it fails."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.hangs.asking import Question, Signals
from async_test_run_inside.hangs.values import Report, Situation
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.session import running
from async_test_run_inside.session.running import Running, _Unheard
from async_test_run_inside.wire.facts import Wire
from async_test_run_inside.wire.settings import SETTINGS

from tests.support.inside import Config, Item, Session, close, report, said, settings, through

LEAK = Leak("tasks", "task 'forgotten'", "a.py:1 in f")
LEAK_SAID = {"kind": "tasks", "what": "task 'forgotten'", "where": "a.py:1 in f"}


class Leaks:
    """Finds what a test tells it to find."""

    on = False

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.left: list[Leak] = []
        self.come_up: list[tuple[str, Leak]] = []
        self.held: list[str] = []
        self.is_cut_short = False
        self.dirt = ""
        self.is_last = False

    def begin(self, id: str, nodeid: str) -> None:
        self.begun.append(id)

    def found(self) -> list[Leak]:
        return self.left

    def late(self) -> list[tuple[str, Leak]]:
        come_up, self.come_up = self.come_up, []
        return come_up

    def holding(self) -> list[str]:
        return self.held

    def outside(self) -> None: ...

    def soil(self, why: str) -> None:
        self.dirt = self.dirt or why

    def prepare(self) -> None: ...

    def cut_short(self) -> None:
        self.is_cut_short = True

    def renew(self) -> None: ...


class Stage:
    """A session's plugin, and what it has told the runner."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.leaks = Leaks()
        self.wires: list[Wire] = []
        self.situation: Callable[[], Situation]
        self.answer: Callable[[Question, Report], None]
        patch.setattr(running, "LeakGuard", lambda *_, **__: self.leaks)
        patch.setattr(running, "limit_output", lambda config, limit: None)  # it puts something into pytest itself
        patch.setattr(running, "bound_memory", lambda limit: None)
        patch.setattr(running.asking, "install", self._install)

    def _install(self, directory: str, name: str, situation: Any, answer: Any) -> Signals:
        self.situation, self.answer = situation, answer
        return Signals(41, 42)

    def plugin(self, worker: str = "", options: dict[str, Any] | None = None, **asked: Any) -> Running:
        it = Running(settings(self.directory, worker, **asked))
        self.wires.append(it._wire)
        self.config = Config(**(options or {}))
        it.pytest_configure(self.config)
        return it

    def item(self, name: str) -> Item:
        item = Item(name, self.config)
        vars(item).update(path=self.directory / "test_a.py")
        return item

    def select(self, it: Running, *names: str) -> list[str]:
        """The names that stay of these."""
        items = [self.item(name) for name in names]
        through(it.pytest_collection_modifyitems(self.config, items))
        return [item.name for item in items]

    def begin(self, it: Running, name: str) -> Item:
        item = self.item(name)
        it.pytest_runtest_logstart(item.nodeid)
        return item

    def run(self, it: Running, name: str, *reports: dict[str, Any]) -> None:
        """A whole test; ``reports`` are its stages, ``{}`` one that passes."""
        item = self.begin(it, name)
        for facts in reports or ({},):
            it.pytest_runtest_logreport(report(item, **facts))
        self.end(it, item)

    def end(self, it: Running, item: Item) -> None:
        """Nobody repeats it."""
        it.pytest_runtest_logfinish(item.nodeid)
        through(it.pytest_runtest_protocol(item, None))  # type: ignore[arg-type]

    def kinds(self, name: str = "main") -> list[str]:
        return [fact["kind"] for fact in said(self.directory, name)]

    def facts(self, kind: str, name: str = "main") -> list[dict[str, Any]]:
        found = [fact for fact in said(self.directory, name) if fact["kind"] == kind]
        return [{key: value for key, value in fact.items() if key != "kind"} for fact in found]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    it = Stage(tmp_path, monkeypatch)
    yield it
    close(*it.wires)


def on_the_wire(*names: str) -> list[str]:
    return [f"test_a.py::{name}" for name in names]


# ---------------------------------------------------------------------------------------------- at the very beginning


def test_a_session_introduces_itself(stage: Stage) -> None:
    stage.plugin(output=7)
    assert said(stage.directory) == [
        {"kind": "hello", "pid": os.getpid(), "worker": "", "dump_signal": 41, "c_signal": 42},
        {"kind": "capturing", "pid": os.getpid(), "worker": "", "limit": 7, "files": []},
    ]


def test_what_would_select_or_stop_by_itself_is_switched_off(stage: Stage) -> None:
    stage.plugin(options={"lf": True, "stepwise": True, "usepdb": True, "verbose": 2})
    expected = {"lf": False, "stepwise": False, "usepdb": False, "verbose": 2, "maxfail": 0}
    assert vars(stage.config.option) == expected


def test_a_worker_of_xdist_has_a_file_and_an_environment_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE", "of the session")
    stage.plugin("gw1", worker_env={"gw0": {"DATABASE": "first"}, "gw1": {"DATABASE": "second"}})
    assert os.environ["DATABASE"] == "second"
    assert stage.kinds("gw1") == ["hello", "capturing"]
    assert stage.facts("hello", "gw1")[0]["worker"] == "gw1"


def test_the_settings_are_in_the_environment_only_while_xdist_starts_its_workers(stage: Stage) -> None:
    starting = stage.plugin().pytest_sessionstart()
    next(starting)
    assert os.environ[SETTINGS] == str(stage.directory / "settings.json")
    with pytest.raises(RuntimeError):
        starting.throw(RuntimeError("no worker starts"))
    assert SETTINGS not in os.environ


# ---------------------------------------------------------------------------------------------------------- selection


def test_what_is_asked_for_stays_in_the_order_that_plugins_have_left(stage: Stage) -> None:
    it = stage.plugin(tests=on_the_wire("a", "b"))
    assert stage.select(it, "b", "x", "a") == ["b", "a"]
    ((deselected),) = stage.config.hook.named("pytest_deselected")
    assert [item.name for item in deselected["items"]] == ["x"]
    assert "missing" not in stage.kinds()


def test_what_is_asked_for_and_not_there_is_told(stage: Stage) -> None:
    it = stage.plugin(tests=on_the_wire("gone", "a"))
    assert stage.select(it, "a") == ["a"]
    assert stage.facts("missing") == [{"ids": on_the_wire("gone")}]
    assert stage.config.hook.named("pytest_deselected") == []


def test_of_two_items_with_one_id_each_is_known_by_its_own(stage: Stage) -> None:
    it = stage.plugin(tests=on_the_wire("a#2"))
    items = [stage.item("a"), stage.item("a")]
    second = items[1]
    through(it.pytest_collection_modifyitems(stage.config, items))  # type: ignore[arg-type]
    assert items == [second]
    assert second.nodeid == "test_a.py::a#2"


def test_an_id_that_means_another_test_here_is_told_and_does_not_run(stage: Stage) -> None:
    it = stage.plugin(tests=on_the_wire("a", "b"), meant=("line 1", "line 1 x=2"))
    assert stage.select(it, "a", "b") == ["a"]
    assert stage.facts("changed") == [{"id": "test_a.py::b", "meant": "line 1 x=2", "found": "line 1"}]
    assert "missing" not in stage.kinds()


def test_an_item_in_a_group_of_xdist_is_known_by_its_id_without_the_group(stage: Stage) -> None:
    it = stage.plugin(tests=on_the_wire("a"))
    item = stage.item("a@one")
    item.get_closest_marker = lambda name: SimpleNamespace(args=("one",))  # type: ignore[method-assign]
    items = [item]
    it.select(stage.config, items)
    assert items == [item]
    assert it.id_of(item.nodeid) == "test_a.py::a"


def test_a_file_that_cannot_be_collected_any_more_is_told(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_collectreport(pytest.CollectReport("test_a.py", "failed", "SyntaxError", []))
    it.pytest_collectreport(pytest.CollectReport("test_b.py", "passed", None, []))
    assert stage.facts("collect_error") == [{"id": "test_a.py", "text": "SyntaxError"}]


# -------------------------------------------------------------------------------------------------------------- tests


def test_a_test_that_passes_is_a_start_and_an_end(stage: Stage) -> None:
    it = stage.plugin()
    stage.run(it, "a", {"when": "setup"}, {}, {"when": "teardown"})
    assert stage.kinds() == ["hello", "capturing", "started", "finished"]
    assert stage.facts("started") == [{"id": "test_a.py::a", "worker": ""}]
    (end,) = stage.facts("finished")
    assert (end["id"], end["duration"], end["call"]) == ("test_a.py::a", 1.5, 0.5)
    assert "stages" not in end


def test_a_stage_that_did_not_pass_is_told_at_once_and_once_more_at_the_end(stage: Stage) -> None:
    it = stage.plugin()
    item = stage.begin(it, "a")
    it.pytest_runtest_logreport(report(item, outcome="failed", longrepr="assert 0"))
    assert stage.kinds()[-1] == "stage"
    stage.end(it, item)
    (told,) = stage.facts("stage")
    assert (told["id"], told["stage"]["when"], told["stage"]["outcome"]) == ("test_a.py::a", "call", "failed")
    assert stage.facts("finished")[0]["stages"] == [told["stage"]]


def test_a_start_is_known_to_the_runner_before_anybody_else_hears_of_it(stage: Stage) -> None:
    it = stage.plugin()
    known: list[str] = []
    it.on_started = lambda: known.extend(stage.kinds())
    stage.begin(it, "a")
    assert known[-1] == "started"


def test_a_test_that_a_plugin_repeats_begins_once_and_ends_once(stage: Stage) -> None:
    it = stage.plugin()
    item = stage.begin(it, "a")
    whole = it.pytest_runtest_protocol(item, None)  # type: ignore[arg-type]
    next(whole)
    for outcome in ("rerun", "passed"):
        it.pytest_runtest_logstart(item.nodeid)
        for when in ("setup", "call", "teardown"):
            it.pytest_runtest_logreport(report(item, when, outcome if when == "call" else "passed"))
        it.pytest_runtest_logfinish(item.nodeid)
    assert stage.kinds()[2:] == ["started", "stage"]
    with pytest.raises(StopIteration):
        whole.send(None)
    (finished,) = stage.facts("finished")
    assert [found["outcome"] for found in finished["stages"]] == ["rerun"]


def test_the_watch_knows_whether_another_test_follows(stage: Stage) -> None:
    it = stage.plugin()
    item = stage.begin(it, "a")
    through(it.pytest_runtest_protocol(item, item))  # type: ignore[arg-type]
    assert not stage.leaks.is_last
    through(it.pytest_runtest_protocol(item, None))  # type: ignore[arg-type]
    assert stage.leaks.is_last


@pytest.mark.parametrize(("maxfail", "is_left", "stops"), [(1, True, True), (1, False, False), (0, True, False)])
def test_a_session_with_a_limit_of_failures_stops_when_the_runner_says_so(
    stage: Stage, maxfail: int, is_left: bool, stops: bool
) -> None:
    it = stage.plugin(maxfail=maxfail)
    if is_left:
        (stage.directory / running.STOP).touch()
    item = stage.begin(it, "a")
    vars(item).update(session=Session(item))
    it.pytest_runtest_logreport(report(item))
    stage.end(it, item)
    assert bool(item.session.shouldstop) is stops  # type: ignore[attr-defined]


def test_a_test_whose_protocol_raises_before_its_end_has_no_end(stage: Stage) -> None:
    it = stage.plugin()
    whole = it.pytest_runtest_protocol(stage.begin(it, "a"), None)  # type: ignore[arg-type]
    next(whole)
    with pytest.raises(KeyboardInterrupt):
        whole.throw(KeyboardInterrupt())
    assert stage.kinds()[-1] == "started"


def test_who_may_keep_reports_to_himself_is_listened_to(stage: Stage) -> None:
    it = stage.plugin()
    hooks = _Unheard(it)
    item = stage.begin(it, "a")
    for outcome in ("failed", "passed"):
        for when in ("setup", "call", "teardown"):
            made = report(item, when, outcome if when == "call" else "passed", longrepr="why")
            assert through(hooks.pytest_runtest_makereport(), made) is made
            if made.outcome == "passed":
                it.pytest_runtest_logreport(made)
    stage.end(it, item)
    (finished,) = stage.facts("finished")
    assert [(found["outcome"], found["text"]) for found in finished["stages"]] == [("rerun", "why")]


def impl(module: str, *, wraps: bool = False) -> Any:
    return SimpleNamespace(wrapper=wraps, hookwrapper=False, function=SimpleNamespace(__module__=module))


@pytest.mark.parametrize(
    ("impls", "expected"),
    [
        ([], False),
        ([impl("_pytest.runner"), impl("_pytest.unittest", wraps=True), impl("pytest_timeout", wraps=True)], False),
        ([impl("_pytest.runner"), impl("pytest_rerunfailures")], True),
    ],
)
def test_plugins_that_run_tests_by_themselves_are_known(impls: list[Any], expected: bool) -> None:
    hook = SimpleNamespace(pytest_runtest_protocol=SimpleNamespace(get_hookimpls=lambda: impls))
    assert running.repeats_tests(SimpleNamespace(hook=hook)) is expected  # type: ignore[arg-type]


def test_a_report_of_no_test_that_has_begun_here_is_none_of_ours(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_runtest_logreport(report(stage.item("a"), outcome="failed", longrepr="x"))
    it.pytest_runtest_logfinish("test_a.py::a")
    assert stage.kinds() == ["hello", "capturing"]


def test_what_a_test_leaves_goes_with_its_outcome_and_what_comes_up_later_follows(stage: Stage) -> None:
    it = stage.plugin()
    stage.leaks.left = [LEAK]
    stage.leaks.come_up = [("test_a.py::before", LEAK)]
    stage.run(it, "a")
    assert stage.leaks.begun == ["test_a.py::a"]
    assert stage.facts("finished")[0]["leaks"] == [LEAK_SAID]
    assert stage.facts("leaked") == [{"id": "test_a.py::before", "leak": LEAK_SAID}]
    assert stage.kinds()[-2:] == ["finished", "leaked"]


class Traceback:
    """pytest's own, as far as it is looked at."""

    def __init__(self) -> None:
        self.sections: list[tuple[str, str]] = []

    def addsection(self, name: str, content: str) -> None:
        self.sections.append((name, content))

    def __str__(self) -> str:
        return "\n".join(["OSError: address already in use", *(content for _, content in self.sections)])


@pytest.mark.parametrize("longrepr", [Traceback(), "OSError: address already in use"])
def test_a_failure_whose_cause_the_runner_knows_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, longrepr: Any
) -> None:
    monkeypatch.setattr(running.ports, "hint", lambda text, runner, parallel: "port 80 is held by process 7")
    it = stage.plugin()
    stage.run(it, "a", {"outcome": "failed", "longrepr": longrepr})
    text = stage.facts("stage")[0]["stage"]["text"]
    assert text.startswith("OSError: address already in use")
    assert text.endswith("port 80 is held by process 7")


def test_a_hint_is_looked_for_in_what_the_test_has_printed_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(running.ports, "hint", lambda text, runner, parallel: seen.append(text) or "")
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "1")
    failed = {"outcome": "failed", "longrepr": "assert 0", "sections": [("Captured stderr call", "in use")]}
    stage.run(stage.plugin(), "a", failed)
    assert seen == ["assert 0\nin use"]


# ------------------------------------------------------------------------------------------------- sessions of workers


def test_a_session_whose_workers_tell_by_themselves_says_nothing_of_tests(stage: Stage) -> None:
    it = stage.plugin()
    it.silence()
    stage.run(it, "a", {"outcome": "failed", "longrepr": "x"})
    assert stage.kinds() == ["hello", "capturing"]


def test_a_fork_that_becomes_a_worker_tells_under_its_own_name_and_knows_no_test_of_before(stage: Stage) -> None:
    it = stage.plugin()
    before = stage.begin(it, "before")
    it.silence()
    stage.wires.append(Wire(str(stage.directory / "events.gw3.jsonl")))
    it.become_worker("gw3", stage.wires[-1])
    it.pytest_runtest_logfinish(before.nodeid)
    assert stage.situation() == Situation()
    stage.run(it, "a")
    assert stage.kinds("gw3") == ["hello", "capturing", "started", "finished"]
    assert {fact["worker"] for fact in said(stage.directory, "gw3")} == {"gw3"}
    assert stage.kinds() == ["hello", "capturing", "started"]


def test_a_controller_of_xdist_tells_which_worker_is_gone_and_nothing_of_tests(stage: Stage) -> None:
    it = stage.plugin(options={"tx": ["2*popen"], "dist": "load"})
    stage.run(it, "a")
    controller = stage.config.pluginmanager.get_plugin("async-test-run-controller")
    node = SimpleNamespace(gateway=SimpleNamespace(id="gw0"))
    controller.pytest_handlecrashitem("test_a.py::\udcff", SimpleNamespace(node=node))
    controller.pytest_testnodedown(node, "Not properly terminated")
    controller.pytest_testnodedown(node, None)
    assert stage.facts("worker_died") == [{"id": "test_a.py::\\udcff", "worker": "gw0", "status": None, "reason": ""}]
    assert stage.facts("worker_lost") == [{"worker": "gw0", "text": "Not properly terminated"}]
    assert "started" not in stage.kinds()


def test_xdist_that_distributes_nothing_has_no_controller(stage: Stage) -> None:
    it = stage.plugin(options={"tx": ["2*popen"], "dist": "no"})
    stage.run(it, "a")
    assert "finished" in stage.kinds()
    assert stage.config.pluginmanager.get_plugin("async-test-run-controller") is None


@pytest.mark.parametrize(("worker", "text"), [("gw0", "\\udcff"), ("", "\udcff")])
def test_what_a_worker_of_xdist_tells_its_controller_can_be_encoded(stage: Stage, worker: str, text: str) -> None:
    it = stage.plugin(worker)
    assert through(it.pytest_report_to_serializable(), {"longrepr": "\udcff"}) == {"longrepr": text}


# ---------------------------------------------------------------------------------------------------------- deadlines

REPORT = Report("a.py:1 in f", "most likely: a.py:1 in f\nand all the rest")
LATE = Question("overdue", "test_a.py::a", "exceeded its test deadline of 3s")


def test_who_asks_learns_which_test_is_at_work_and_nothing_is_failed(stage: Stage) -> None:
    it = stage.plugin()
    assert stage.situation() == Situation()
    stage.begin(it, "a")
    situation = stage.situation()
    assert situation.id == "test_a.py::a"
    assert situation.age is not None
    assert situation.age >= 0
    stage.answer(Question(), REPORT)
    (hang,) = stage.facts("hang")
    assert hang == {
        "pid": os.getpid(),
        "id": "test_a.py::a",
        "why": "asked",
        "likely": REPORT.likely,
        "text": REPORT.text,
    }
    assert it.overdue == ""


def test_a_test_that_is_too_late_fails_where_it_is(stage: Stage) -> None:
    it = stage.plugin()
    stage.begin(it, "a")
    with pytest.raises(pytest.fail.Exception, match="exceeded its test deadline of 3s"):
        stage.answer(LATE, REPORT)
    assert it.overdue == LATE.message
    assert stage.leaks.is_cut_short


@pytest.mark.parametrize("asked", [LATE._replace(id="test_a.py::before"), LATE._replace(why="slow")])
def test_a_question_about_another_test_or_about_nothing_fails_nobody(stage: Stage, asked: Question) -> None:
    it = stage.plugin()
    stage.begin(it, "a")
    stage.answer(asked, REPORT)
    assert it.overdue == ""
    assert len(stage.facts("hang")) == 1


def in_a_thread(function: Callable[[], object]) -> None:
    """There no frame of pytest's is below."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def late(stage: Stage) -> tuple[Running, Any]:
    """A plugin whose test was found late between two stages, and the hooks that are there for that."""
    it = stage.plugin()
    stage.begin(it, "a")
    in_a_thread(lambda: stage.answer(LATE, REPORT))
    return it, stage.config.pluginmanager.get_plugin("async-test-run-late")


def test_a_test_that_is_found_late_between_two_stages_fails_in_its_call(stage: Stage) -> None:
    it, hooks = late(stage)
    assert it.overdue == LATE.message
    with pytest.raises(pytest.fail.Exception, match="exceeded its test deadline"):
        hooks.pytest_runtest_call()


def test_a_late_test_that_swallows_its_failure_is_red_all_the_same(stage: Stage) -> None:
    _, hooks = late(stage)
    made = through(hooks.pytest_runtest_makereport(), report(stage.item("a")))
    assert (made.outcome, made.longrepr) == ("failed", LATE.message)
    failed = report(stage.item("a"), outcome="failed", longrepr="its own words")
    assert through(hooks.pytest_runtest_makereport(), failed).longrepr == "its own words"
    assert through(hooks.pytest_runtest_makereport(), report(stage.item("a"), "teardown")).outcome == "passed"


def test_the_test_after_a_late_one_is_not_late(stage: Stage) -> None:
    it, hooks = late(stage)
    it.pytest_runtest_logfinish("test_a.py::a")
    stage.begin(it, "b")
    hooks.pytest_runtest_call()
    made = through(hooks.pytest_runtest_makereport(), report(stage.item("b")))
    assert made.outcome == "passed"


def test_a_test_is_failed_once_however_often_it_is_asked(stage: Stage) -> None:
    it, hooks = late(stage)
    stage.answer(LATE, REPORT)
    assert len(stage.facts("hang")) == 2
    assert stage.config.pluginmanager.get_plugin("async-test-run-late") is hooks
    assert it.overdue == LATE.message


# ---------------------------------------------------------------------------------------------------------------- end


def finish(stage: Stage, it: Running, **facts: Any) -> dict[str, Any]:
    session = Session(stage.item("a"))
    vars(session).update(facts)
    assert through(it.pytest_sessionfinish(session, session.exitstatus), "the result") == "the result"
    (end,) = stage.facts("session_finished")
    return end


def test_the_last_word_of_a_session_counts_its_red_tests(stage: Stage) -> None:
    end = finish(stage, stage.plugin(), exitstatus=pytest.ExitCode.TESTS_FAILED, testsfailed=3)
    assert end == {"status": 1, "reason": "", "error": "", "red": 3, "warnings": 0}


@pytest.mark.parametrize("facts", [{"shouldstop": "a plugin"}, {"shouldfail": "a plugin"}])
def test_a_session_that_was_stopped_says_why(stage: Stage, facts: dict[str, str]) -> None:
    assert finish(stage, stage.plugin(), **facts)["reason"] == "a plugin"


@pytest.mark.parametrize(("whole", "error"), [(True, ""), (False, "and not all tests have run in this process")])
def test_a_plugin_that_would_delete_files_without_having_seen_all_tests_is_told(
    stage: Stage, whole: bool, error: str
) -> None:
    it = stage.plugin(whole=whole)
    if not whole:
        it._guard.refused = "pytest_sessionfinish of judge would delete a.txt"
    end = finish(stage, it)
    assert error in end["error"]
    assert end["status"] == (0 if whole else 3)


def test_a_process_with_a_part_of_the_tests_has_its_plugins_miss_nothing(stage: Stage) -> None:
    stage.plugin(options={"no_cleanup": False}, whole=False)
    assert stage.config.option.no_cleanup is True
    stage.plugin(options={"no_cleanup": False}, whole=True)
    assert stage.config.option.no_cleanup is False


def raised(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught


def test_what_ended_the_loop_from_inside_goes_before_what_stopped_the_session(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_keyboard_interrupt(raised(KeyboardInterrupt("of a test\udcff")))
    assert finish(stage, it, shouldstop="a plugin")["reason"] == "KeyboardInterrupt: of a test\\udcff"


def test_an_exception_out_of_pytest_is_told_by_its_last_line(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_internalerror(raised(RuntimeError("of a worker\nwith all its traceback")))
    assert finish(stage, it)["error"] == "with all its traceback"


def test_what_will_keep_the_process_from_ending_is_told_before(stage: Stage) -> None:
    it = stage.plugin()
    stage.leaks.held = ["threads: pool"]
    finish(stage, it)
    assert stage.facts("left_behind") == [{"worker": "", "what": "threads: pool", "stacks": ""}]
    assert stage.kinds()[-2:] == ["left_behind", "session_finished"]


def test_a_worker_of_xdist_leaves_the_last_word_to_its_controller(stage: Stage) -> None:
    it = stage.plugin("gw0")
    through(it.pytest_sessionfinish(Session(stage.item("a")), 0))
    assert "session_finished" not in stage.kinds("gw0")


class Cache:
    """pytest's, with what ``--lf`` remembers."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {"cache/lastfailed": {"test_a.py::passes": True}}

    def get(self, key: str, default: Any) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value


@pytest.mark.parametrize(
    ("recheck", "remembered"), [(False, {"test_a.py::fails": True}), (True, {"test_a.py::passes": True})]
)
def test_the_last_failures_are_remembered_but_not_those_of_a_test_that_is_rechecked(
    stage: Stage, recheck: bool, remembered: dict[str, bool]
) -> None:
    it = stage.plugin(recheck=recheck)
    vars(stage.config)["cache"] = Cache()
    stage.run(it, "passes")
    stage.run(it, "fails", {"outcome": "failed", "longrepr": "x"})
    finish(stage, it)
    assert vars(stage.config)["cache"].kept["cache/lastfailed"] == remembered


# ----------------------------------------------------------------------------------------------- what holds for the run


def test_a_property_of_the_suite_is_told_once_however_many_workers_add_it(stage: Stage) -> None:
    it = stage.plugin()
    for value in ("1", "1", "2"):
        it.suite_property("build", value)
    assert stage.facts("suite_property") == [{"name": "build", "value": "1"}, {"name": "build", "value": "2"}]


def test_attributes_of_a_test_are_told_at_its_end_as_they_were_set_last(stage: Stage) -> None:
    it = stage.plugin()
    item = stage.begin(it, "ranked")
    for nodeid, value in ((item.nodeid, "1"), (item.nodeid, "\udc80"), ("test_a.py::over", "3")):
        it.attribute(nodeid, "rank", value)
    it.pytest_runtest_logreport(report(item))
    stage.end(it, item)
    stage.run(it, "plain")
    ranked, plain = stage.facts("finished")
    assert ranked["attributes"] == [["rank", "\\udc80"]]
    assert "attributes" not in plain


OLD = warnings.WarningMessage("old", UserWarning, "a.py", 3)  # type: ignore[arg-type]


def test_warnings_of_tests_are_told_and_those_of_one_more_collection_are_not(stage: Stage) -> None:
    it = stage.plugin()
    for when, name in (("collect", "x"), ("runtest", "a"), ("runtest", "b")):
        it.pytest_warning_recorded(OLD, when, f"test_a.py::{name}")
    assert [(said["warning"]["count"], said["warning"]["tests"]) for said in stage.facts("warned")] == [
        (1, ["test_a.py::a"])
    ]
    assert finish(stage, it)["warnings"] == 2
    assert [(said["warning"]["count"], said["warning"]["tests"]) for said in stage.facts("warned")] == [
        (1, ["test_a.py::a"]),
        (1, ["test_a.py::a", "test_a.py::b"]),
    ]


def test_the_warnings_of_a_worker_are_told_by_its_session(stage: Stage) -> None:
    it = stage.plugin("gw0")
    it.pytest_warning_recorded(OLD, "runtest", "test_a.py::a")
    assert stage.facts("warned", "gw0") == []

"""The plugin of a collection: what it tells of files, of tests, and of what takes no part."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection import collecting
from async_test_run_inside.collection.collecting import Collecting, seldom_garbage, skip_reason
from async_test_run_inside.hangs.asking import Question, Signals
from async_test_run_inside.hangs.values import Report
from async_test_run_inside.wire.facts import Wire

from tests.support.inside import Config, Item, Session, close, said, settings, through


class Asked(Config):
    """A configuration with options and settings of pytest's own."""

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__(**{"markexpr": "", "keyword": "", **options})
        self.rootpath = root
        self.inipath = None
        self.pluginmanager.list_plugin_distinfo = lambda: [
            (None, SimpleNamespace(project_name="pytest-cov", version="7"))
        ]  # type: ignore

    def getoption(self, name: str, default: Any = None) -> Any:
        return getattr(self.option, name, default)

    def getini(self, name: str) -> Any:
        return {"junit_family": "xunit2", "junit_log_passing_tests": True}.get(name, "")


class Stage:
    """A collection's plugin, and what it has told the runner."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.wires: list[Wire] = []
        patch.setattr(collecting.asking, "install", lambda *given: setattr(self, "answer", given[3]) or Signals(41, 42))
        self.answer: Any
        self.config = Asked(root)

    def plugin(self, **asked: Any) -> Collecting:
        it = Collecting(settings(self.root, mode="collect", **asked))
        self.wires.append(it.wire)
        return it

    def told(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.root / "events.jsonl").rename(self.root / "events.read.jsonl")
        facts = [fact for fact in said(self.root, "read") if fact["kind"] == kind]
        lines.rename(self.root / "events.jsonl")
        return [{key: value for key, value in fact.items() if key != "kind"} for fact in facts]

    def item(self, name: str) -> Any:
        item = Item(name, self.config)
        vars(item).update(path=self.root / "test_a.py")
        return item

    def collected(self, it: Collecting, *items: Any) -> None:
        """The collection comes to its end with these items."""
        session = Session(*items)
        session.config = self.config
        through(it.pytest_cmdline_main(self.config))
        through(it.pytest_collection(session))

    def left_out(self) -> dict[str, tuple[int, list[str]]]:
        return {said["reason"]: (said["count"], said["examples"]) for said in self.told("left_out")}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    it = Stage(tmp_path, monkeypatch)
    yield it
    close(*it.wires)


# -------------------------------------------------------------------------------------------------------------- files


def test_a_collection_introduces_itself_and_answers_who_asks_it(stage: Stage) -> None:
    stage.plugin()
    stage.answer(Question("slow"), Report("a.py:1 in f", "all of it"))
    assert stage.told("hello") == [{"pid": os.getpid(), "worker": "", "dump_signal": 41, "c_signal": 42}]
    assert stage.told("hang") == [
        {"pid": os.getpid(), "id": "", "why": "slow", "likely": "a.py:1 in f", "text": "all of it"}
    ]


class File(pytest.File):
    """A file to collect from, as far as it is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at(cls, path: Path) -> File:
        """Without the nodes above it, which pytest wants."""
        made: File = object.__new__(cls)
        made.__init__(path)  # type: ignore[misc]
        return made

    @property
    def nodeid(self) -> str:
        """Its name, as below its root."""
        return self.path.name

    def collect(self) -> Any: ...


def test_each_file_is_named_before_it_is_imported_and_an_empty_name_says_that_all_are(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_collectstart(File.at(stage.root / "test_a.py"))
    it.pytest_collectstart(SimpleNamespace())  # type: ignore[arg-type]
    it.pytest_collection_modifyitems([])
    assert stage.told("collecting") == [
        {"id": "test_a.py", "path": str(stage.root / "test_a.py")},
        {"id": "", "path": ""},
    ]


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Finders of imports that a test adds are taken out again."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield
    sys.modules.pop("conftest", None)


def test_a_conftest_is_named_until_pytest_has_it(stage: Stage, imports: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stage.root / "conftest.py"
    path.write_text("")
    monkeypatch.syspath_prepend(str(stage.root))
    it = stage.plugin()
    through(it.pytest_load_initial_conftests(SimpleNamespace(rootpath=stage.root)))  # type: ignore[arg-type]
    conftest = __import__("conftest")
    it.pytest_plugin_registered(SimpleNamespace(__file__="/of/another.py"))
    it.pytest_plugin_registered(conftest)
    assert stage.told("collecting") == [{"id": "conftest.py", "path": str(path)}, {"id": "", "path": ""}]


def test_a_conftest_that_a_test_file_imports_is_that_files_business(
    stage: Stage, imports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stage.root / "conftest.py").write_text("")
    monkeypatch.syspath_prepend(str(stage.root))
    it = stage.plugin()
    through(it.pytest_load_initial_conftests(SimpleNamespace(rootpath=stage.root)))  # type: ignore[arg-type]
    importing = it.pytest_make_collect_report(File.at(stage.root / "test_a.py"))
    next(importing)
    __import__("conftest")
    with pytest.raises(StopIteration):
        importing.send(None)
    assert stage.told("collecting") == []


def test_a_conftest_that_fails_before_the_collection_is_named_with_its_error(stage: Stage, imports: None) -> None:
    error = RuntimeError()
    vars(error).update(path=str(stage.root / "sub" / "conftest.py"), cause=ValueError("in it"))
    loading = stage.plugin().pytest_load_initial_conftests(SimpleNamespace(rootpath=stage.root))  # type: ignore
    next(loading)
    with pytest.raises(RuntimeError):
        loading.throw(error)
    assert stage.told("conftest_failed") == [
        {"id": "sub/conftest.py", "path": str(stage.root / "sub" / "conftest.py"), "text": "E   ValueError: in it"}
    ]


def test_files_that_fail_or_skip_themselves_are_told(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_collectreport(pytest.CollectReport("test_a.py", "failed", "SyntaxError", []))
    skipped: Any = ("test_b.py", 1, "Skipped: not here\udcff")
    it.pytest_collectreport(pytest.CollectReport("test_b.py", "skipped", skipped, []))
    it.pytest_collectreport(pytest.CollectReport("test_c.py", "passed", None, []))
    assert stage.told("collect_error") == [{"id": "test_a.py", "text": "SyntaxError"}]
    assert stage.told("collect_skip") == [{"id": "test_b.py", "text": "not here\\udcff"}]


@pytest.mark.parametrize(("longrepr", "reason"), [(("a.py", 1, "Skipped: why"), "why"), ("Skipped: why", "why")])
def test_the_reason_of_a_skip_has_no_word_before_it(longrepr: Any, reason: str) -> None:
    assert skip_reason(longrepr) == reason


# -------------------------------------------------------------------------------------------------------------- tests


def test_tests_are_told_once_they_are_final_and_the_inventory_is_the_last_word(stage: Stage) -> None:
    stage.collected(stage.plugin(), stage.item("a"), stage.item("b"))
    assert [found["test"]["id"] for found in stage.told("test")] == ["test_a.py::a", "test_a.py::b"]
    (inventory,) = stage.told("inventory")
    facts = inventory["facts"]
    assert (facts["version"], facts["rootdir"], facts["plugins"]) == (
        pytest.__version__,
        str(stage.root),
        ["pytest-cov-7"],
    )
    assert (facts["junit_family"], facts["junit_log_passing"], facts["coverage"]) == ("xunit2", True, None)


def test_an_item_that_a_plugin_repeats_counts_once_and_that_is_told(stage: Stage) -> None:
    item = stage.item("a")
    stage.collected(stage.plugin(), item, item)
    assert len(stage.told("test")) == 1
    assert stage.left_out() == {"the same item once more: runs once": (1, ["test_a.py::a"])}


def test_items_of_one_id_get_ids_of_their_own_and_the_facts_name_them(stage: Stage) -> None:
    stage.collected(stage.plugin(), stage.item("a"), stage.item("a"))
    assert [found["test"]["id"] for found in stage.told("test")] == ["test_a.py::a", "test_a.py::a#2"]
    (inventory,) = stage.told("inventory")
    assert inventory["facts"]["renamed"] == ["test_a.py::a#2"]


def test_a_test_says_which_expressions_of_the_plan_it_matches(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    matching = {"slow": {0}, "fast": {0, 1}}
    monkeypatch.setattr(collecting, "evaluate", lambda config, items, kind, text, mute: matching[text])
    it = stage.plugin(expressions=(("markers", "slow"), ("keyword", "fast")))
    stage.collected(it, stage.item("a"), stage.item("b"))
    assert [found["test"]["matches"] for found in stage.told("test")] == [[0, 1], [1]]


def test_an_expression_that_pytest_does_not_accept_is_told_with_its_number(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(config: Any, items: Any, kind: str, text: str, mute: Any) -> set[int]:
        if text == "bad":
            raise pytest.UsageError("Wrong expression")
        return {0}

    monkeypatch.setattr(collecting, "evaluate", refuses)
    stage.collected(stage.plugin(expressions=(("markers", "bad"), ("markers", "good"))), stage.item("a"))
    assert stage.told("bad_expression") == [{"index": 0, "text": "Wrong expression"}]
    assert stage.told("test")[0]["test"]["matches"] == [1]


# -------------------------------------------------------------------------------------------------- what takes no part


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"deselect": ["test_a.py::gone"], "markexpr": "slow"}, "pytest --deselect"),
        ({"deselect": ["test_b.py"], "markexpr": "slow", "keyword": "x", "lf": True}, "pytest -m 'slow' -k 'x' --lf"),
        ({}, "a pytest plugin"),
    ],
)
def test_what_is_deselected_is_counted_with_whoever_did_it(stage: Stage, options: dict[str, Any], reason: str) -> None:
    vars(stage.config.option).update(options)
    it = stage.plugin()
    it.pytest_deselected([stage.item("gone"), stage.item("gone_too")])
    stage.collected(it, stage.item("a"))
    assert stage.left_out() == {reason: (2, ["test_a.py::gone", "test_a.py::gone_too"])}


def test_what_our_own_expressions_deselect_is_no_news(stage: Stage) -> None:
    it = stage.plugin()
    it._mute(True)
    it.pytest_deselected([stage.item("gone")])
    it._mute(False)
    stage.collected(it, stage.item("a"))
    assert stage.left_out() == {}


def test_a_few_examples_are_enough(stage: Stage) -> None:
    it = stage.plugin()
    it.pytest_deselected([stage.item(f"gone_{number}") for number in range(30)])
    stage.collected(it, stage.item("a"))
    count, examples = stage.left_out()["a pytest plugin"]
    assert (count, len(examples)) == (30, 5)


def test_paths_that_are_not_even_looked_at_are_counted(stage: Stage) -> None:
    vars(stage.config.option).update(ignore=["x"], ignore_glob=["*_y.py", "*_z.py"])
    stage.config.pluginmanager.register(SimpleNamespace(_skipped_files=3), "lfplugin")
    stage.collected(stage.plugin(), stage.item("a"))
    assert stage.left_out() == {
        "pytest --lf (files without failures in the last run)": (3, []),
        "pytest --ignore": (1, ["x"]),
        "pytest --ignore-glob": (2, ["*_y.py", "*_z.py"]),
    }


# --------------------------------------------------------------------------------------------------------------- facts


@pytest.mark.parametrize(("host", "dist"), [(True, "no"), (False, "load")])
def test_a_host_distributes_nothing_whatever_is_asked_for_and_says_what_was(
    stage: Stage, host: bool, dist: str
) -> None:
    vars(stage.config.option).update(numprocesses=2, dist="load", tx=["2*popen"], xmlpath="own.xml")
    stage.collected(stage.plugin(host=host), stage.item("a"))
    assert stage.config.option.dist == dist
    assert stage.config.option.xmlpath == (str(stage.root / "junit.xml") if host else "own.xml")
    facts = stage.told("inventory")[0]["facts"]
    assert (facts["numprocesses"], facts["dist"], facts["junit_xml"]) == (2, "load", "own.xml")


def test_warnings_are_counted_and_options_that_show_something_else_only_told(stage: Stage) -> None:
    vars(stage.config.option).update(markers=True, usepdb=False)
    it = stage.plugin(watched={"markers": "--markers", "usepdb": "--pdb"})
    it.pytest_warning_recorded(warnings.WarningMessage("old", UserWarning, "a.py", 3))
    stage.collected(it, stage.item("a"))
    facts = stage.told("inventory")[0]["facts"]
    assert [(said["where"], said["text"], said["count"]) for said in facts["warned"]] == [("a.py:3", "old", 1)]
    assert (facts["warnings"], facts["given"], stage.config.option.markers) == (1, ["--markers"], 0)


# ------------------------------------------------------------------------------------------------------------- garbage


@pytest.fixture
def threshold() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_garbage_is_looked_for_seldom_while_tests_are_collected(threshold: None) -> None:
    gc.set_threshold(700, 10, 10)
    with seldom_garbage():
        assert gc.get_threshold()[0] > 700
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [(0, 10, 10), (100_000, 10, 10)])
def test_whoever_has_set_it_knows_better(threshold: None, own: tuple[int, int, int]) -> None:
    gc.set_threshold(*own)
    with seldom_garbage():
        assert gc.get_threshold() == own


def test_what_a_collected_file_sets_itself_stays(threshold: None) -> None:
    gc.set_threshold(700, 10, 10)
    with seldom_garbage():
        gc.set_threshold(800, 10, 10)
    assert gc.get_threshold() == (800, 10, 10)

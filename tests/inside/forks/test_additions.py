"""What tests leave in a session besides their reports, told by a worker and done in its session."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from _pytest.junitxml import LogXML
from async_test_run_inside.forks import additions, forking
from async_test_run_inside.forks.additions import Additions
from async_test_run_inside.forks.frames import XmlAdded

from tests.support.inside import Config, Item, RealConfig, Session, report


class Unpicklable:
    def __reduce__(self) -> Any:
        raise TypeError


# ------------------------------------------------------------------------------------------------------- pytest's XML


def log(path: Path) -> LogXML:
    made = LogXML(str(path), None, family="xunit1")
    made.pytest_sessionstart()
    return made


def test_a_worker_tells_what_fixtures_add_to_the_xml_and_its_own_has_nothing(tmp_path: Path) -> None:
    told: list[XmlAdded] = []
    xml = log(tmp_path / "own.xml")
    config = RealConfig(xml)
    forking.silence_junit(config)
    additions.relay_xml(config, told.append)
    xml.add_global_property("version", 7)  # type: ignore[arg-type]
    xml.node_reporter("test_a.py::a").add_attribute("rank", 1)
    xml.node_reporter(report(Item("b", config))).add_property("key", None)
    assert told == [
        XmlAdded("suite property", "", "version", "7"),
        XmlAdded("attribute", "test_a.py::a", "rank", "1"),
        XmlAdded("property", "test_a.py::b", "key", "None"),
    ]


def test_a_session_adds_it_once_though_every_worker_tells_of_a_fixture_of_the_session(tmp_path: Path) -> None:
    xml = log(tmp_path / "own.xml")
    config = RealConfig(xml)
    it = Additions(config)
    for added in (
        XmlAdded("suite property", "", "version", "7"),
        XmlAdded("suite property", "", "version", "7"),
        XmlAdded("attribute", "test_a.py::a", "rank", "1"),
        XmlAdded("property", "test_a.py::a", "key", "value"),
    ):
        it.add_to_xml(added)
    item = Item("a", config)
    for when in ("setup", "call", "teardown"):
        config.hook.pytest_runtest_logreport(report=report(item, when=when))
    config.hook.pytest_sessionfinish(session=Session(item), exitstatus=0)
    (suite,) = ElementTree.parse(tmp_path / "own.xml").getroot()
    assert [dict(found.attrib) for found in suite.findall("properties/property")] == [{"name": "version", "value": "7"}]
    (case,) = suite.findall("testcase")
    assert case.get("rank") == "1"
    assert [dict(found.attrib) for found in case.iter("property")] == [{"name": "key", "value": "value"}]


def test_a_session_that_writes_no_xml_has_nothing_to_add_to() -> None:
    Additions(Config()).add_to_xml(XmlAdded("attribute", "test_a.py::a", "rank", "1"))


# ----------------------------------------------------------------------------------------------------------- warnings


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[Any, str, str]] = []

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        self.heard.append((warning_message, when, nodeid))


def heard(data: dict[str, Any]) -> tuple[warnings.WarningMessage, str, str]:
    listener = Listener()
    config = RealConfig(listener)
    Additions(config).warn(Item("a", config), data)  # type: ignore[arg-type]
    (found,) = listener.heard
    return found


def warned(message: Warning, nodeid: str = "test_a.py::a") -> dict[str, Any]:
    recorded = warnings.WarningMessage(message, type(message), "a.py", 3)
    return additions.warning(recorded, "runtest", nodeid, ("a.py", 3, "f"))


@pytest.mark.parametrize("nodeid", ["test_a.py::a", ""])
def test_a_warning_arrives_with_its_class_and_its_place(nodeid: str) -> None:
    message, when, said = heard(warned(DeprecationWarning("old"), nodeid))
    assert (type(message.message), str(message.message)) == (DeprecationWarning, "old")
    assert (message.filename, message.lineno, when, said) == ("a.py", 3, "runtest", nodeid)


def test_a_warning_of_a_class_that_only_the_worker_knows_keeps_its_name_and_its_text() -> None:
    class Own(UserWarning):
        """Of a function: it cannot be pickled."""

    message, _, _ = heard(warned(Own("of its own")))
    assert (message.category.__name__, str(message.message)) == ("Own", "of its own")
    assert issubclass(message.category, Warning)


# ------------------------------------------------------------------------------------------------ the end of a worker


def test_what_a_worker_hands_over_goes_without_what_cannot_travel() -> None:
    config = SimpleNamespace(workeroutput={"numbers": [1], 2: "text", "odd": Unpicklable()})
    found = additions.output(config)  # type: ignore[arg-type]
    assert {name: pickle.loads(data) for name, data in found.items()} == {"numbers": [1], "2": "text"}
    assert additions.output(SimpleNamespace()) == {}  # type: ignore[arg-type]


class Xdist:
    """The hook specifications of xdist that matter here."""

    def pytest_testnodedown(self, node: object, error: object) -> None: ...


class Collects:
    """A plugin that has a part in the worker, and hears in the session of its end."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Any, Any]] = []

    def pytest_sessionfinish(self, session: Any) -> None:
        session.config.workeroutput = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        self.nodes.append((node, error))


def counts_on_xdist() -> ModuleType:
    """A plugin without a part in the worker: what xdist does at a worker's start has not been done."""
    module = ModuleType("counts_on_xdist")
    module.__file__ = "counts_on_xdist.py"
    code = "import pytest\n@pytest.hookimpl(optionalhook=True)\ndef pytest_testnodedown(node): raise KeyError('it')\n"
    exec(code, module.__dict__)
    return module


INPUT = {"workerid": "gw3", "workercount": 4}


def test_plugins_that_know_workers_hear_of_the_end_of_each_as_under_xdist() -> None:
    plugin = Collects()
    config = RealConfig(plugin, counts_on_xdist())
    it = Additions(config)
    it.worker_ended(INPUT, {"numbers": pickle.dumps([1])}, "")
    it.worker_ended(INPUT, None, "its process exited with 7")
    (first, no_error), (second, error) = plugin.nodes
    assert (first.gateway.id, first.workerinput, first.config) == ("gw3", INPUT, config)
    assert (first.workeroutput, no_error) == ({"numbers": [1]}, None)
    assert not hasattr(second, "workeroutput")
    assert error == "its process exited with 7"


def test_what_was_pickled_of_a_module_that_is_not_there_is_nothing() -> None:
    plugin = Collects()
    Additions(RealConfig(plugin)).worker_ended(INPUT, {"odd": b"cmade_up\nMade\n."}, "")
    assert plugin.nodes[0][0].workeroutput == {"odd": None}


def test_without_such_plugins_nobody_hears_of_it() -> None:
    Additions(RealConfig(counts_on_xdist())).worker_ended(INPUT, {}, "")

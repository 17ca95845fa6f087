"""What the runner learns about one item, from items that pytest itself has collected from this file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection.items import Describe, is_async, item_id, tell_apart
from hypothesis import given
from hypothesis import strategies as st


class TestInAClass:
    """Something for a test of this file to look at."""

    @pytest.mark.parametrize("value", [1])
    def test_of_the_class(self, value: int, request: pytest.FixtureRequest) -> None:
        entry = Describe(str(request.config.rootpath))(request.node, [0, 2], ["before"])
        file = "tests/inside/collection/test_items.py"
        assert entry["id"] == f"{file}::TestInAClass::test_of_the_class[1]"
        assert (entry["file"], entry["class_id"]) == (file, f"{file}::TestInAClass")
        assert entry["matches"] == [0, 2]
        assert (entry["parameters"], entry["depends"]) == ("value=1", ["before"])
        assert Describe(str(request.config.rootpath)).meaning(request.node) == f"line {entry['line']} value=1"
        assert "parametrize" in entry["marks"]
        assert {"value", "request"} <= set(entry["fixtures"])
        assert entry["is_async"] is False
        line = Path(__file__).read_text().splitlines()[entry["line"] - 1]
        assert line.strip().startswith(("@pytest.mark.parametrize", "def test_of_the_class"))


def test_a_test_in_no_class_says_so(request: pytest.FixtureRequest) -> None:
    assert Describe(str(request.config.rootpath))(request.node, [], [])["class_id"] == ""


class Elsewhere(pytest.Item):
    """An item of another file than the one it was collected from."""

    def runtest(self) -> None: ...


def test_the_file_that_an_item_was_collected_from_is_told_where_it_is_another(request: pytest.FixtureRequest) -> None:
    describe, root = Describe(str(request.config.rootpath)), request.config.rootpath
    assert describe(request.node, [], [])["source"] == ""
    collector = request.node.getparent(pytest.Module)
    other = Elsewhere.from_parent(collector, name="x", path=root / "specs" / "a.yaml", nodeid="specs/a.yaml::x")
    entry = describe(other, [], [])
    assert (entry["file"], entry["source"]) == ("specs/a.yaml", "tests/inside/collection/test_items.py")
    free = Elsewhere.from_parent(request.session, name="x", path=root / "specs" / "a.yaml", nodeid="specs/a.yaml::x")
    assert describe(free, [], [])["source"] == "?"


class Named(pytest.Item):
    """An item as a collector of somebody's makes it."""

    def runtest(self) -> None: ...


def named(request: pytest.FixtureRequest, *names: str) -> list[pytest.Item]:
    return [Named.from_parent(request.session, name="x", nodeid=name) for name in names]


def test_items_of_one_id_are_told_apart_in_their_order(request: pytest.FixtureRequest) -> None:
    items = named(request, "a", "b", "a", "a#2", "a", "b")
    assert tell_apart(items) == ["a#3", "a#4", "b#2"]
    assert [item.nodeid for item in items] == ["a", "b", "a#3", "a#2", "a#4", "b#2"]


def test_one_item_that_is_there_twice_keeps_its_id(request: pytest.FixtureRequest) -> None:
    first, second = named(request, "a", "b")
    assert tell_apart([first, second, first]) == []


def test_a_pytest_that_keeps_ids_elsewhere_refuses_with_the_place() -> None:
    items = [SimpleNamespace(nodeid="a", location=("a.yaml", 4, "x")) for _ in range(2)]

    class Fixed(SimpleNamespace):
        @property
        def nodeid(self) -> str:
            return "a"

    items[1] = Fixed(location=("a.yaml", 4, "x"))
    with pytest.raises(pytest.UsageError, match=r"a.yaml:5: another item has the id a already"):
        tell_apart(items)  # type: ignore[arg-type]


def item(nodeid: str, *groups: Any, **attributes: Any) -> Any:
    marks = {"xdist_group": SimpleNamespace(args=groups[:1], kwargs=attributes.pop("kwargs", {}))}
    found = SimpleNamespace(nodeid=nodeid, **attributes)
    found.get_closest_marker = lambda name: marks[name] if groups or marks[name].kwargs else None
    return found


def test_the_group_that_xdist_appends_is_no_part_of_an_id() -> None:
    assert item_id(item("a.py::t[x]@one", "one")) == "a.py::t[x]"
    assert item_id(item("a.py::t@two", kwargs={"name": "two"})) == "a.py::t"
    assert item_id(item("a.py::t[x@one]", "two")) == "a.py::t[x@one]"
    assert item_id(item("a.py::t@one")) == "a.py::t@one"


def test_an_id_fits_on_the_wire() -> None:
    assert item_id(item("test_\udcff.py::t")) == "test_\\udcff.py::t"


def entry_of(location: tuple[str, int | None, str], path: str = "/root/sub/a.py", marks: Sequence[Any] = ()) -> Any:
    found = item("sub/a.py::t", path=Path(path), location=location, fixturenames=())
    found.iter_markers = lambda: marks
    found.getparent = lambda kind: None
    return Describe("/root")(found, [2], [])


@pytest.mark.parametrize(
    ("location", "line"),
    [(("sub/a.py", 6, "t"), 7), (("sub/a.py", None, "t"), 1), (("sub/base.py", 6, "t"), 1)],
)
def test_a_line_is_one_of_the_items_own_file(location: tuple[str, int | None, str], line: int) -> None:
    assert entry_of(location)["line"] == line
    assert entry_of(location)["file"] == "sub/a.py"


def test_a_file_outside_of_the_root_is_shown_from_there() -> None:
    assert entry_of(("a", 1, "t"), "/other/a.py")["file"] == "../other/a.py"


def test_the_resources_of_a_test_are_those_of_all_its_marks_once() -> None:
    marks = [SimpleNamespace(name="resources", args=args) for args in (("port", "database"), ("port",), ())]
    entry = entry_of(("sub/a.py", 1, "t"), marks=[*marks, SimpleNamespace(name="slow\udcff", args=("x",))])
    assert entry["resources"] == ["database", "port"]
    assert entry["marks"] == ["resources", "slow\\udcff"]


async def coroutine() -> None: ...


async def generator() -> Any:
    yield


@given(st.integers())
async def with_hypothesis(number: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (coroutine, True),
        (generator, True),
        (functools.partial(functools.partial(coroutine)), True),
        (with_hypothesis, True),
        (len, False),
        (None, False),
    ],
)
def test_async_is_what_the_test_itself_is(function: Any, expected: bool) -> None:
    assert is_async(SimpleNamespace(obj=function)) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("nobody", [True, False])
def test_of_a_coroutine_test_it_is_told_whether_nobody_awaits_it(nobody: bool, request: pytest.FixtureRequest) -> None:
    async def coroutine() -> None: ...

    module = request.node.getparent(pytest.Module)
    function = pytest.Function.from_parent(module, name="coroutine", callobj=coroutine)
    describe = Describe(str(request.config.rootpath), lambda item: nobody)
    assert describe(function, [], [])["unawaited"] is nobody
    assert describe(request.node, [], [])["unawaited"] is False

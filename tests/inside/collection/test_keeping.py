"""What plugins of the project keep in memory until their session ends, as their source says it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from async_test_run_inside.collection import keeping


def module(tmp_path: Path, text: str, name: str = "kept_by_a_conftest") -> Any:
    """A file of the project, imported."""
    path = tmp_path / f"{name}.py"
    path.write_text(textwrap.dedent(text))
    made = ModuleType(name)
    made.__file__ = str(path)
    exec(compile(path.read_text(), path, "exec"), vars(made))
    return made


def names(tmp_path: Path, text: str) -> list[str]:
    found = keeping.kept(module(tmp_path, f"import pytest, collections\n{textwrap.dedent(text)}"))
    return [name for one in found for name in one.names]


FIXTURE = "SEEN = %s\n@pytest.fixture\ndef seen(): %s\n"
END = "def pytest_sessionfinish(session): print(%s)\n"
IN_CONFIG = "@pytest.fixture\ndef seen(request): request.config.seen.append(1)\n"
IN_A_STASH = "K = pytest.StashKey()\ndef pytest_runtest_setup(item): item.config.stash[K].add(1)\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FIXTURE % ("[]", "SEEN.append(1)") + END % "SEEN", "SEEN"),
        (FIXTURE % ("{}", "yield; SEEN['a'] = 1") + END % "SEEN.items()", "SEEN"),
        (FIXTURE % ("[]", "return SEEN") + END % "SEEN", "SEEN"),
        (FIXTURE % ("collections.Counter()", "yield SEEN") + END % "SEEN", "SEEN"),
        (FIXTURE % ("0", "\n  global SEEN\n  SEEN += 1") + END % "SEEN", "SEEN"),
        (FIXTURE % ("{}", "SEEN.setdefault('a', []).append(1)") + END % "SEEN", "SEEN"),
        (FIXTURE % ("{}", "\n  own = SEEN['a']\n  own.append(1)") + END % "SEEN", "SEEN"),
        (FIXTURE % ("[]", "note()") + "def note(): SEEN.append(1)\n" + END % "SEEN", "SEEN"),
        (FIXTURE % ("[]", "SEEN.append(1)") + "def write(): print(SEEN)\n" + END % "write()", "SEEN"),
        (FIXTURE.replace("def", "async def") % ("[]", "SEEN.append(1)") + END % "SEEN", "SEEN"),
        (FIXTURE % ("[]", "SEEN.append(1)") + "def pytest_unconfigure(config): print(SEEN)\n", "SEEN"),
        ("SEEN = []\ndef pytest_runtest_makereport(item, call): SEEN.append(1)\n" + END % "SEEN", "SEEN"),
        ("from collections import abc as SEEN\n@pytest.fixture\ndef seen(): SEEN.add(1)\n" + END % "SEEN", "SEEN"),
        (IN_CONFIG + END % "session.config.seen", "config.seen"),
        (IN_CONFIG.replace("request.config", "pytestconfig") + END % "session.config.seen", "config.seen"),
        (IN_CONFIG + END % "getattr(session.config, 'seen', ())", "config.seen"),
        ("def pytest_runtest_call(item): item.session.n = 1\n" + END % "session.n", "session.n"),
        (IN_A_STASH + END % "session.config.stash[K]", "stash[K]"),
    ],
)
def test_what_runs_with_a_test_changes_and_what_runs_at_the_end_reads(tmp_path: Path, text: str, expected: str) -> None:
    assert names(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "SEEN = []\n" + END % "SEEN",
        FIXTURE % ("[]", "return len(SEEN)") + END % "SEEN",
        FIXTURE % ("1", "return SEEN") + END % "SEEN",
        FIXTURE % ("[]", "OTHER.append(1)") + "OTHER = []\n" + END % "SEEN",
        FIXTURE % ("[]", "SEEN = 1") + END % "SEEN",
        FIXTURE % ("[]", "\n  SEEN = [1]\n  SEEN.append(2)") + END % "SEEN",
        FIXTURE.replace("seen()", "seen(SEEN)") % ("[]", "SEEN.append(2)") + END % "SEEN",
        "@pytest.fixture\ndef seen(): collections.OrderedDict.pop(1)\n" + END % "collections",
        "SEEN = []\ndef pytest_runtest_logreport(report): SEEN.append(1)\n" + END % "SEEN",
        "SEEN = []\ndef pytest_collection_modifyitems(items): SEEN.append(1)\n" + END % "SEEN",
        "SEEN = []\ndef helper(): SEEN.append(1)\n" + END % "SEEN",
        # what the session hears too is in the session
        FIXTURE % ("[]", "SEEN.append(1)") + "def pytest_runtest_logreport(report): SEEN.append(1)\n" + END % "SEEN",
        # it knows that there may be workers
        FIXTURE % ("[]", "SEEN.append(1)") + END % "hasattr(session.config, 'workerinput') or SEEN",
    ],
)
def test_all_else_is_there_at_the_end_or_nobodys_loss(tmp_path: Path, text: str) -> None:
    assert names(tmp_path, text) == []


@pytest.mark.parametrize(
    ("end", "judges"),
    [
        ("print(SEEN)", False),
        ("session.exitstatus = len(SEEN)", True),
        ("session.testsfailed += len(SEEN)", True),
        ("assert not SEEN", True),
        ("SEEN and pytest.exit('no')", True),
        ("decide(session, SEEN)\ndef decide(session, seen): session.exitstatus = 1", True),
        ("write(SEEN)\ndef write(seen): assert seen", False),
    ],
)
def test_a_hook_that_may_turn_the_run_red_judges(tmp_path: Path, end: str, judges: bool) -> None:
    text = FIXTURE % ("[]", "SEEN.append(1)") + f"def pytest_sessionfinish(session): {end}\n"
    (found,) = keeping.kept(module(tmp_path, f"import pytest\n{text}"))
    assert (found.end, found.judges) == ("pytest_sessionfinish", judges)
    assert keeping.shown(found, str(tmp_path)) == "pytest_sessionfinish of kept_by_a_conftest.py"
    assert keeping.shown(found, str(tmp_path / "below")) == f"pytest_sessionfinish of {found.path}"


OBJECTS = """
    class Keeps:
        def __init__(self): self.seen = []
        def pytest_runtest_makereport(self, item): self.note(item)
        def note(self, item): self.seen.append(item)
        def pytest_sessionfinish(self): print(self.seen)
    class KeepsForAll:
        def pytest_sessionfinish(self): print(SEEN)
    SEEN = []
    def pytest_runtest_setup(): SEEN.append(1)
    class KeepsNothing:
        def pytest_sessionfinish(self): print(self.seen)
    """


def test_a_plugin_may_be_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = module(tmp_path, OBJECTS)
    monkeypatch.setitem(sys.modules, "kept_by_a_conftest", made)
    (found,) = keeping.kept(made.Keeps())
    assert found.names == ("self.seen",)
    (found,) = keeping.kept(made.KeepsForAll())
    assert found.names == ("SEEN",)
    assert keeping.kept(made.KeepsNothing()) == keeping.kept(made) == ()


def test_what_is_installed_or_cannot_be_read_is_not_looked_into(tmp_path: Path) -> None:
    text = "SEEN = []\ndef pytest_runtest_makereport(): SEEN.append(1)\ndef pytest_sessionfinish(): print(SEEN)\n"
    (tmp_path / "site-packages").mkdir()
    assert keeping.kept(module(tmp_path / "site-packages", text)) == ()
    gone = module(tmp_path, text, "gone")
    Path(gone.__file__).unlink()
    assert keeping.kept(gone) == keeping.kept(object()) == ()
    broken = module(tmp_path, text, "broken")
    Path(broken.__file__).write_text("def (")
    assert keeping.kept(broken) == ()

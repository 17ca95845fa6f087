"""What is imported ahead of a fork, and what is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from async_test_run_inside.forks import preloading
from async_test_run_inside.forks.preloading import Memory, Preloader


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of installed packages; what tests import from it is forgotten."""
    directory = tmp_path / "site-packages"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    before = set(sys.modules)
    yield directory
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_installed_modules_count_and_the_projects_own_do_not(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_of_the_project.py").write_text("")
    (packages / "of_a_package.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = preloading.loaded()
    import of_a_package  # type: ignore[import-not-found]
    import own_of_the_project  # type: ignore[import-not-found]

    assert preloading.installed(before) == ["of_a_package"]
    assert (of_a_package.__name__, own_of_the_project.__name__) == ("of_a_package", "own_of_the_project")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("raise RuntimeError", id="fails"),
        pytest.param("raise SystemExit", id="exits"),
        pytest.param("import os; os._exit(0)", id="ends its process"),
        pytest.param("import warnings; warnings.warn('old', DeprecationWarning)", id="warns"),
        pytest.param(
            "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", id="thread"
        ),
        pytest.param("import subprocess; p = subprocess.Popen(['sleep', '5'])", id="process"),
        pytest.param("import os; os.environ['CHANGED'] = 'yes'", id="environment"),
        pytest.param("import sys; sys.path.append('/nowhere')", id="path"),
        pytest.param("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", id="signals"),
    ],
)
def test_a_module_that_is_more_than_an_import_is_left_alone_and_the_others_are_not(packages: Path, text: str) -> None:
    (packages / "first_good.py").write_text("")
    (packages / "not_good.py").write_text(text)
    (packages / "second_good.py").write_text("")
    Preloader().load(["first_good", "not_good", "second_good"])
    assert [name for name in ("first_good", "not_good", "second_good") if name in sys.modules] == [
        "first_good",
        "second_good",
    ]


def test_a_module_is_tried_once(packages: Path) -> None:
    (packages / "counted.py").write_text("open(__file__ + '.count', 'a').write('x')\nraise ImportError")
    preloader = Preloader()
    preloader.load(["counted"])
    preloader.load(["counted"])
    assert (packages / "counted.py.count").read_text() == "x"


def test_what_was_learned_is_there_for_the_next_run(tmp_path: Path) -> None:
    path = str(tmp_path / "preload.json")
    Memory(path).add(["a", "b"])
    Memory(path).add(["b", "c"])
    assert Memory(path).read() == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"modules": ["a"]}', '{"python": "2.7", "modules": ["a"]}'])
def test_a_memory_that_is_damaged_or_of_another_python_is_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preload.json"
    path.write_text(text)
    assert Memory(str(path)).read() == []


def test_without_a_place_nothing_is_remembered() -> None:
    Memory("").add(["a"])
    assert Memory("").read() == []

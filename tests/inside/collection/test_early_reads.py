"""Whoever asks at import which worker this is, is seen: also through other names, and through libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.collection import early_reads

from async_test_runner.kit.database import runs

WORKER = "PYTEST_XDIST_WORKER"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The dictionary below the environment, which is another one while it is watched."""
    for name in early_reads.NAMES:
        monkeypatch.delenv(name, raising=False)
    found = getattr(os.environ, "_data", None)
    early_reads.watch()
    yield found
    early_reads.stop()
    early_reads._read.clear()


def run(path: Path, code: str, **names: Any) -> None:
    """As an import does: with the path of a file in the code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    exec(compile(code, str(path), "exec"), {"environ": os.environ, **names})


READS = [
    f"import os; os.environ.get('{WORKER}')",
    f"import os; os.environ.get('{WORKER}', 'main')",
    f"import os; os.getenv('{WORKER}')",
    f"environ.get('{WORKER}')",
    f"'{WORKER}' in environ",
    f"environ.setdefault('{WORKER}', 'main')",
    f"environ.pop('{WORKER}', None)",
    f"try: environ['{WORKER}']\nexcept KeyError: pass",
    f"import os; os.getenvb(b'{WORKER}')",
]


@pytest.mark.parametrize("code", READS)
def test_however_it_is_read_it_is_seen(tmp_path: Path, code: str) -> None:
    run(tmp_path / "conftest.py", code)
    assert early_reads.any_noticed()
    assert early_reads.noticed(str(tmp_path)) == [f"conftest.py:1 reads {WORKER}"]


@pytest.mark.parametrize("name", early_reads.NAMES)
def test_each_of_the_names_that_tell_a_worker_counts(tmp_path: Path, name: str) -> None:
    run(tmp_path / "db" / "settings.py", f"\nDB = 'test_' + environ.get('{name}', 'main')")
    assert early_reads.noticed(str(tmp_path)) == [f"db{os.sep}settings.py:2 reads {name}"]
    assert early_reads.noticed("/elsewhere") == [f"{tmp_path / 'db' / 'settings.py'}:2 reads {name}"]


@pytest.mark.parametrize(
    "code",
    [
        "environ.get('PATH'); environ['PATH']; 'HOME' in environ",
        "dict(environ); environ.copy(); list(environ.items()); environ | {}",
        "environ['PYTEST_XDIST_WORKERS'] = '1'; del environ['PYTEST_XDIST_WORKERS']",
    ],
)
def test_what_is_no_question_about_the_worker_is_none(tmp_path: Path, code: str) -> None:
    run(tmp_path / "conftest.py", code)
    assert not early_reads.any_noticed()
    assert early_reads.noticed(str(tmp_path)) == []


def called_by_pytest(function: Callable[[], object], directory: Path) -> None:
    """The frames of pytest stand between who called it and a hook."""
    path = directory / "site-packages" / "pluggy" / "_callers.py"
    run(path, "function()", function=function)


def test_a_hook_of_the_projects_counts_and_one_of_a_plugin_does_not(tmp_path: Path) -> None:
    names: dict[str, Callable[[], object]] = {}
    library = tmp_path / "site-packages" / "library.py"
    run(library, f"def ask():\n    return environ.get('{WORKER}')\nnames['ask'] = ask", names=names)
    called_by_pytest(names["ask"], tmp_path)
    assert not early_reads.any_noticed()

    def pytest_configure() -> None:
        names["ask"]()

    line = pytest_configure.__code__.co_firstlineno + 1
    called_by_pytest(pytest_configure, tmp_path)
    assert early_reads.noticed(str(Path(__file__).parent)) == [f"test_early_reads.py:{line} reads {WORKER}"]


def test_a_library_that_asks_while_it_is_imported_asks_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    (directory / "asks_at_import.py").write_text(f"import os\nos.environ.get('{WORKER}')\n")
    monkeypatch.syspath_prepend(directory)
    run(tmp_path / "conftest.py", "import asks_at_import")
    assert not early_reads.any_noticed()
    sys.modules.pop("asks_at_import")


def test_the_testing_kit_asks_on_behalf_of_the_project() -> None:
    runs.worker()
    assert [read.partition(":")[0] for read in early_reads.noticed(str(Path(__file__).parent))] == [
        "test_early_reads.py"
    ]


def test_a_few_are_named_each_once(tmp_path: Path) -> None:
    run(tmp_path / "conftest.py", "\n".join([f"environ.get('{WORKER}')"] * 9))
    run(tmp_path / "again.py", f"for _ in range(9): environ.get('{WORKER}')")
    assert len(early_reads.noticed(str(tmp_path))) == early_reads._MOST == 5


def test_the_environment_works_as_ever_while_it_is_watched_and_afterwards(
    plain: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = os.environ

    def child() -> bytes:
        return subprocess.check_output([sys.executable, "-c", "import os; print(os.environ['SAID'])"])

    monkeypatch.setenv("SAID", "ä")
    assert os.environb[b"SAID"] == "ä".encode()
    os.environb[b"SAID"] = b"one"
    assert (os.environ["SAID"], child().strip()) == ("one", b"one")
    early_reads.stop()
    assert os.environ is environ
    assert os.environ._data is plain  # type: ignore[attr-defined]  # others may hold it
    assert os.environ["SAID"] == os.environb[b"SAID"].decode() == "one"
    os.environ["SAID"] = "two"
    assert (os.environb[b"SAID"], child().strip()) == (b"two", b"two")
    os.environ.get(WORKER)
    assert not early_reads.any_noticed()


def test_an_environment_that_somebody_has_replaced_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"A": "1"})
    early_reads.watch()
    early_reads.stop()
    assert os.environ == {"A": "1"}

"""The kit's front door: what it loads, and what it says about what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import async_test_runner.kit as kit
from async_test_runner.kit import errors

HEAVY = ("httpx", "sqlalchemy", "alembic", "fastapi", "starlette", "asyncpg", "psycopg", "aiosqlite", "greenlet")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "from async_test_runner import cli; from async_test_runner.run import workflow",
        "from async_test_runner.commands import init, plan, run",
    ],
)
def test_the_runner_never_loads_the_kit(statement: str) -> None:
    assert {name for name in loaded_after(statement) if name.startswith("async_test_runner.kit")} == set()


def test_the_plugin_loads_none_of_the_packages_that_its_pieces_need() -> None:
    assert loaded_after("import async_test_runner.kit.plugin") & set(HEAVY) == set()


def test_the_kit_by_itself_does_not_load_pytest() -> None:
    assert "pytest" not in loaded_after("import async_test_runner.kit")


@pytest.mark.parametrize("name", kit.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(kit, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'AsyncTestClien'"):
        kit.AsyncTestClien  # noqa: B018


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "async_test_runner.kit.client", raising=False)
    monkeypatch.delattr(kit, "AsyncTestClient", raising=False)
    with pytest.raises(kit.MissingPackageError, match="AsyncTestClient needs the package httpx") as caught:
        kit.AsyncTestClient  # noqa: B018
    assert caught.value.hint == "install it with: pip install 'async-test-runner[fastapi]'"


def test_a_missing_module_of_the_project_is_not_explained_away() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        errors.need("no_such_module", "something")


def test_the_plugin_names_the_extra_that_brings_pytest_asyncio() -> None:
    code = "import sys; sys.modules['pytest_asyncio'] = None; import async_test_runner.kit.plugin"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the testing kit needs the package pytest_asyncio, which is not installed" in done.stderr
    assert "install it with: pip install 'async-test-runner[asyncio]'" in done.stderr

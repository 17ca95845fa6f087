"""The suites that are measured: made anew in a directory, from templates and from the bundled example."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "fastapi_template"

_INI = "[pytest]\ntestpaths = tests\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n{more}"
_MARKERS = "markers =\n    async_db: coroutine test that needs the database\n"


def plan(*phases: str) -> str:
    """A plan of these phases, each the inside of a YAML flow mapping."""
    return "version: 1\nphases:\n" + "".join(f"  - {{{phase}}}\n" for phase in phases)


def trivial(directory: Path, tests: int) -> Path:
    """Functions that add two numbers, 100 in a file."""
    project = directory / f"trivial-{tests}"
    (project / "tests").mkdir(parents=True)
    (project / "pytest.ini").write_text(_INI.format(more=""))
    for number in range(tests // 100):
        lines = [f"def test_{index}():\n    assert {index} + 1 == {index + 1}\n" for index in range(100)]
        (project / "tests" / f"test_{number:04}.py").write_text("\n".join(lines))
    return project


_SYNC = """
import hashlib, json, re
import pytest

@pytest.mark.parametrize("number", range(50))
def test_document(number):
    text = json.dumps([{"name": f"item {n}", "price": n * number} for n in range(200)])
    assert len(json.loads(text)) == 200
    assert len(re.findall(r"item (\\d+)", text)) == 200
    assert len(hashlib.sha256(text.encode()).hexdigest()) == 64
"""

_ASYNC = """
import asyncio
import pytest

async def fetch(number):
    await asyncio.sleep(0.001)
    return number * number

@pytest.mark.parametrize("number", range(20))
async def test_gathers(number):
    assert await asyncio.gather(*(fetch(n) for n in range(number))) == [n * n for n in range(number)]
"""

_DATABASE = """
import pytest
from sqlalchemy import func, select
from models import Item

pytestmark = pytest.mark.async_db

@pytest.mark.parametrize("number", range(1, 21))
async def test_rows(session, number):
    session.add_all(Item(name=f"item {n}", price=n) for n in range(number))
    await session.commit()
    assert await session.scalar(select(func.count()).select_from(Item)) == number
    assert await session.scalar(select(func.max(Item.price))) == number - 1
"""

_MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): pass

class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]
"""

_CONFTEST = """
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from models import Base

@pytest_asyncio.fixture
async def session():
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()
"""

THREE_PHASES = plan(
    'name: sync, markers: "not asyncio and not async_db"',
    'name: async, markers: "asyncio and not async_db"',
    "name: async-db, markers: async_db",
)


def mixed(directory: Path) -> Path:
    """500 functions that compute, 200 coroutines that wait for each other, 100 with SQLAlchemy on SQLite."""
    project = directory / "mixed-800"
    tests = project / "tests"
    tests.mkdir(parents=True)
    (project / "pytest.ini").write_text(_INI.format(more=_MARKERS + "pythonpath = .\n"))
    (project / "models.py").write_text(_MODELS)
    (tests / "conftest.py").write_text(_CONFTEST)
    for kind, text, files in (("sync", _SYNC, 10), ("async", _ASYNC, 10), ("database", _DATABASE, 5)):
        for number in range(files):
            (tests / f"test_{kind}_{number:02}.py").write_text(text)
    return project


# Bare pytest fails on copies of these: the application counts failed logins per process, and refuses the sixth.
_LEFT_OUT, _LEFT_OUT_TESTS = ("test_login.py",), "not unknown_address"
_FASTAPI_TESTS = 300


def fastapi(directory: Path) -> Path:
    """The database tests of the bundled example that also pass in one process, copied until there are 300 or more."""
    project = directory / "fastapi-300"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "reports", "sync", "async", *_LEFT_OUT)
    shutil.copytree(EXAMPLE, project, ignore=ignored)
    ini = (EXAMPLE / "pytest.ini").read_text()
    (project / "pytest.ini").write_text(ini.replace("addopts =", f'addopts = -k "{_LEFT_OUT_TESTS}"'))
    files = sorted((project / "tests" / "async_db").glob("test_*.py"))
    counts = {path: path.read_text().count("\nasync def test_") for path in files}
    made, copy = sum(counts.values()), 1
    while made < _FASTAPI_TESTS:
        for path, count in counts.items():
            if made < _FASTAPI_TESTS:
                shutil.copy(path, path.with_name(f"{path.stem}_{copy:02}.py"))
                made += count
        copy += 1
    return project

"""Plugins of pytest from the package index, each with a tiny project of its own: what is tried, and what differs.

The table of docs/plugins.md is made from this (``scripts/reference.py``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

Seen = Callable[[Path], object]  # what is compared of a report: two runs of one pytest differ in times and names

_NOT_THE_PROJECTS = {".async-test-run", ".pytest_cache", "__pycache__", "runner.yaml", "own.xml"}
_OUTPUT = re.compile(r"\.output-|\.pyc$|\.coverage")


class Way(msgspec.Struct, frozen=True):
    """How the runner divides the tests."""

    isolation: str
    launcher: str
    workers: int = 2

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.launcher} {self.isolation}×{self.workers}"

    @property
    def plan(self) -> str:
        """One phase."""
        return f"version: 1\nphases: [{{name: all, isolation: {self.isolation}, workers: {self.workers}}}]\n"


PHASE = Way("phase", "warm")
TEST = Way("test", "warm")
FRESH = Way("test", "exec")
WAYS = (PHASE, TEST, FRESH)


class Differs(msgspec.Struct, frozen=True):
    """What is not as in one process, in a few words for the table.

    ``said`` stands in the output, before anything runs unless ``code`` is 1. ``code`` is the exit code where it is
    another one. ``files`` are not compared, ``left`` are those that plain pytest does not leave.
    """

    what: str
    said: str = ""
    code: int | None = None
    files: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin: ``loads`` are names of entry points, ``needs`` other packages, ``files`` the project.

    ``seen`` is what is compared of a report, by path; other files are compared byte by byte. ``differs`` has the ways
    that are not as plain pytest, whose exit code is ``code``.
    """

    name: str
    version: str
    loads: tuple[str, ...] = ()
    what: str
    files: Mapping[str, str]
    args: str = ""
    ini: str = ""
    needs: tuple[str, ...] = ()
    seen: Mapping[str, Seen] = {}
    differs: Mapping[Way, Differs] = {}
    code: int = 0

    @property
    def requirement(self) -> str:
        """For pip."""
        return f"{self.name}=={self.version}.*"


def requirements() -> tuple[str, ...]:
    """One environment for all of them."""
    found = {need for tried in TRIED for need in (tried.requirement, *tried.needs)}
    return ("pytest", "pytest-xdist", *sorted(found))


def table() -> str:
    """What was tried, as Markdown."""
    titles = ("two workers", "a process for each test", "a fresh process for each test")
    rows = ["| plugin | what was tried | " + " | ".join(titles) + " |", "|---" * (2 + len(WAYS)) + "|"]
    for tried in TRIED:
        cells = [tried.differs[way].what if way in tried.differs else "same" for way in WAYS]
        rows.append(f"| {tried.name} {tried.version} | {tried.what} | {' | '.join(cells)} |")
    return "\n".join(rows)


def make(tried: Tried, root: Path, plan: str = "") -> None:
    """Write its project."""
    loads = " ".join(f"-p {name}" for name in (*tried.loads, "xdist"))
    files = {"pytest.ini": f"[pytest]\naddopts = {loads} {tried.args}\n{tried.ini}\n", **tried.files}
    for name, text in {**files, "runner.yaml": plan}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")


def written(root: Path, seen: Mapping[str, Seen]) -> dict[str, object]:
    """Every file of the project, as it is compared."""
    found: dict[str, object] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = str(path.relative_to(root))
        if _NOT_THE_PROJECTS & set(Path(name).parts) or _OUTPUT.search(name):
            continue
        top = next((key for key in seen if name == key or name.startswith(key + "/")), None)
        if top is None:
            found[name] = path.read_bytes()
        elif top not in found:
            found[top] = seen[top](root / top)
    return found


# ---------------------------------------------------------------------------------------------------- what is compared


def _json_report(path: Path) -> object:
    report: dict[str, Any] = json.loads(path.read_text())
    return sorted((test["nodeid"], test["outcome"]) for test in report["tests"])


def _html(path: Path) -> object:
    return sorted(set(re.findall(r"test_a\.py::\w+", path.read_text())))


def _allure(path: Path) -> object:
    results = [json.loads(file.read_text()) for file in path.glob("*-result.json")]
    return sorted((result["fullName"], result["status"]) for result in results)


def _cucumber(path: Path) -> object:
    features: list[dict[str, Any]] = json.loads(path.read_text())
    return sorted((element["name"], len(element["steps"])) for feature in features for element in feature["elements"])


def _benchmark(path: Path) -> object:
    return sorted(benchmark["name"] for benchmark in json.loads(path.read_text())["benchmarks"])


def _lines(path: Path) -> object:
    return sorted(path.read_text().splitlines())


def _cases(path: Path) -> object:
    return sorted(str(case.get("name")) for case in ElementTree.parse(path).iter("testcase"))


def _there(path: Path) -> object:
    return path.exists()


# ---------------------------------------------------------------------------------------------------------- the table

FIVE = """
import pytest
def test_passes(): pass
def test_fails(): assert 0
def test_skips(): pytest.skip("why")
@pytest.mark.xfail
def test_xfails(): assert 0
@pytest.fixture
def broken():
    yield
    raise OSError
def test_breaks(broken): pass
"""

SNAPSHOTS = {
    "test_a.py": "def test_one(snapshot): assert 'one' == snapshot\ndef test_two(snapshot): assert 'two' == snapshot\n",
    "test_b.py": """
import pytest
@pytest.mark.parametrize("n", range(3))
def test_n(snapshot, n): assert n == snapshot
""",
    "__snapshots__/test_a.ambr": (
        "# serializer version: 1\n# name: test_one\n  'one'\n# ---\n# name: test_two\n  'two'\n# ---\n"
    ),
    "__snapshots__/test_b.ambr": "# serializer version: 1\n"
    + "".join(f"# name: test_n[{n}]\n  {n}\n# ---\n" for n in range(3)),
}
CHANGED = {**SNAPSHOTS, "test_a.py": SNAPSHOTS["test_a.py"].replace("'two' ==", "'other' ==")}

INLINE = {
    "test_a.py": "from inline_snapshot import snapshot\n"
    "def test_one(): assert 1 == snapshot(1)\ndef test_two(): assert 2 == snapshot(2)\n"
}
NEW_INLINE = {
    "test_a.py": "from inline_snapshot import snapshot\n"
    "def test_one(): assert 1 == snapshot()\ndef test_two(): assert 2 == snapshot()\n"
}

TRIED = (
    Tried(
        name="syrupy",
        version="7.0",
        loads=("syrupy",),
        what="snapshots that are right",
        files=SNAPSHOTS,
        differs={
            FRESH: Differs(
                "the same; it is told that unused ones are not looked for",
                "syrupy's search for unused snapshots needs one pytest session",
            )
        },
    ),
    Tried(
        name="syrupy",
        version="7.0",
        loads=("syrupy",),
        what="a snapshot that no test uses",
        files={**SNAPSHOTS, "__snapshots__/test_gone.ambr": "# serializer version: 1\n# name: test_gone\n  1\n# ---\n"},
        code=1,
        differs={
            FRESH: Differs(
                "not looked for; told", "syrupy's search for unused snapshots needs one pytest session", code=0
            )
        },
    ),
    Tried(
        name="syrupy",
        version="7.0",
        loads=("syrupy",),
        what="`--snapshot-update`",
        args="--snapshot-update",
        files=CHANGED,
        differs={FRESH: Differs("refused", "--snapshot-update changes files of the project", code=2)},
    ),
    Tried(
        name="syrupy",
        version="7.0",
        loads=("syrupy",),
        what="`--snapshot-update --snapshot-no-cleanup`",
        args="--snapshot-update --snapshot-no-cleanup",
        files=CHANGED,
        differs={FRESH: Differs("written; empty files `*.ambr.lock` stay", left=("__snapshots__/test_a.ambr.lock",))},
    ),
    Tried(
        name="inline-snapshot",
        version="0.36",
        loads=("inline_snapshot",),
        what="snapshots that are right",
        files=INLINE,
    ),
    Tried(
        name="inline-snapshot",
        version="0.36",
        loads=("inline_snapshot",),
        what="`--inline-snapshot=create`",
        args="--inline-snapshot=create",
        files=NEW_INLINE,
        code=1,
        differs=dict.fromkeys(
            WAYS, Differs("refused", "--inline-snapshot=create changes files of the project", code=2)
        ),
    ),
    Tried(
        name="pytest-regressions",
        version="2.11",
        loads=("regressions", "pytest-datadir"),
        what="data that is right, data that differs",
        files={
            "test_a.py": "def test_one(data_regression): data_regression.check({'a': 1})\n"
            "def test_two(data_regression): data_regression.check({'a': 2})\n",
            "test_a/test_one.yml": "a: 1\n",
            "test_a/test_two.yml": "a: 1\n",
        },
        code=1,
    ),
    Tried(
        name="pytest-regressions",
        version="2.11",
        loads=("regressions", "pytest-datadir"),
        what="`--force-regen`",
        args="--force-regen",
        files={
            "test_a.py": "def test_one(data_regression): data_regression.check({'a': 1})\n"
            "def test_two(data_regression): data_regression.check({'a': 2})\n",
            "test_a/test_one.yml": "a: 3\n",
            "test_a/test_two.yml": "a: 3\n",
        },
        code=1,
    ),
    Tried(
        name="pytest-recording",
        version="0.14",
        loads=("recording",),
        what="`--record-mode=rewrite`, a cassette a test",
        args="--record-mode=rewrite",
        files={
            "test_a.py": """
import http.server, threading, urllib.request, pytest
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def version_string(self): return "a"
    def date_time_string(self, timestamp=None): return "b"
    def log_message(self, *args): pass
@pytest.fixture
def address():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown(); server.server_close()
@pytest.fixture(scope="module")
def vcr_config(): return {"before_record_request": fixed}
def fixed(request):
    request.uri = "http://it/"
    request.headers.clear()
    return request
@pytest.mark.vcr
@pytest.mark.parametrize("n", range(3))
def test_get(n, address): assert urllib.request.urlopen(address).read() == b"ok"
""",
            "cassettes/test_a/test_get[0].yaml": "interactions: []\nversion: 1\n",
        },
    ),
    Tried(
        name="pytest-html",
        version="4.2",
        loads=("html", "metadata"),
        what="one report of all tests",
        args="--html=report.html --self-contained-html",
        files={"test_a.py": FIVE},
        seen={"report.html": _html},
        code=1,
        differs={
            FRESH: Differs(
                "the last test only; told", "--html=report.html needs one pytest session", files=("report.html",)
            )
        },
    ),
    Tried(
        name="pytest-json-report",
        version="1.5",
        loads=("pytest_jsonreport", "metadata"),
        what="one report of all tests",
        args="--json-report --json-report-file=report.json",
        files={"test_a.py": FIVE},
        seen={"report.json": _json_report},
        code=1,
        differs={
            FRESH: Differs(
                "the last test only; told",
                "--json-report (to report.json) needs one pytest session",
                files=("report.json",),
            )
        },
    ),
    Tried(
        name="allure-pytest",
        version="2.16",
        loads=("allure_pytest",),
        what="one result a test",
        args="--alluredir=allure",
        files={"test_a.py": FIVE},
        seen={"allure": _allure},
        code=1,
    ),
    Tried(
        name="pytest-cov",
        version="7.1",
        loads=("pytest_cov",),
        what="all processes combined, a threshold",
        args="--cov=lib --cov-report=xml:cov.xml --cov-fail-under=100",
        files={
            "lib.py": "def a():\n    return 1\ndef b():\n    return 2\n",
            "test_a.py": "import lib\ndef test_a(): assert lib.a()\ndef test_b(): assert lib.b()\n",
        },
        ini="pythonpath = .",
        seen={"cov.xml": lambda path: 'line-rate="1"' in path.read_text()},
    ),
    Tried(
        name="pytest-benchmark",
        version="5.3",
        loads=("benchmark",),
        what="`--benchmark-json`",
        args="--benchmark-json=bench.json --benchmark-max-time=0.01 --benchmark-min-rounds=1 --benchmark-disable-gc",
        files={
            "test_a.py": "def test_one(benchmark): benchmark(sum, [1])\ndef test_two(benchmark): benchmark(sum, [2])\n"
        },
        seen={"bench.json": _benchmark},
        differs=dict.fromkeys(
            WAYS, Differs("no report; told", "--benchmark-json=bench.json needs one process", files=("bench.json",))
        ),
    ),
    Tried(
        name="pytest-postgresql",
        version="10.0",
        loads=("pytest_postgresql",),
        needs=("psycopg[binary]",),
        what="a running server, a database per worker",
        files={
            "conftest.py": """
from pytest_postgresql import factories
server = factories.postgresql_noproc(host="127.0.0.1", port=5432, user="postgres", dbname="plugins_of_others")
client = factories.postgresql("server")
""",
            "test_a.py": """
import pytest
@pytest.mark.parametrize("n", range(4))
def test_table(client, n):
    client.execute("create table t (n int)")
    client.execute("insert into t values (1)")
    assert client.execute("select count(*) from t").fetchone() == (1,)
""",
        },
    ),
    Tried(
        name="pytest-django",
        version="4.14",
        loads=("django",),
        needs=("django",),
        what="a SQLite database per worker, transactions",
        args="--ds=project_settings",
        ini="pythonpath = .",
        files={
            "project_settings.py": """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
SECRET_KEY = "x"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
""",
            "test_a.py": """
import pytest
@pytest.mark.django_db
@pytest.mark.parametrize("n", range(3))
def test_user(n, django_user_model):
    assert django_user_model.objects.count() == 0
    django_user_model.objects.create_user("same")
""",
        },
    ),
    Tried(
        name="hypothesis",
        version="6.170",
        loads=("hypothesispytest",),
        what="a failing example, its database",
        files={
            "test_a.py": """
from hypothesis import given, strategies
@given(strategies.integers())
def test_one(n): assert n < 1000
@given(strategies.integers())
def test_two(n): pass
"""
        },
        seen={".hypothesis": lambda path: any((path / "examples").iterdir())},
        code=1,
    ),
    Tried(
        name="pytest-bdd",
        version="9.0",
        loads=("pytest-bdd",),
        what="scenarios, `--cucumberjson`",
        args="--cucumberjson=cucumber.json",
        files={
            "a.feature": "Feature: It\n  Scenario: One\n    Given a thing\n  Scenario: Two\n    Given a thing\n",
            "test_a.py": """
from pytest_bdd import given, scenarios
scenarios("a.feature")
@given("a thing")
def _(): pass
""",
        },
        seen={"cucumber.json": _cucumber},
        differs={
            way: Differs(report, "--cucumberjson=cucumber.json needs one process", files=("cucumber.json",))
            for way, report in {
                **dict.fromkeys(WAYS, "an empty report; told"),
                FRESH: "the last scenario only; told",
            }.items()
        },
    ),
    Tried(
        name="schemathesis",
        version="4.32",
        loads=("schemathesis",),
        what="tests of a schema",
        files={
            "test_a.py": """
import schemathesis
schema = schemathesis.openapi.from_dict({
    "openapi": "3.0.0", "info": {"title": "a", "version": "1"},
    "paths": {
        "/one": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/two": {"get": {"parameters": [{"name": "n", "in": "query", "schema": {"type": "integer"}}],
                         "responses": {"200": {"description": "ok"}}}},
    },
})
@schema.parametrize()
def test_api(case): assert case.path in ("/one", "/two")
""",
        },
        seen={".hypothesis": _there, ".schemathesis": _there},
    ),
    Tried(
        name="pytest-randomly",
        version="5.1",
        loads=("randomly",),
        what="the seed of each test, its own or a given one",
        files={
            "test_a.py": """
import random, pytest
@pytest.mark.parametrize("n", range(4))
def test_n(n, pytestconfig):
    with open("seed.txt", "a") as file: file.write(f"{pytestconfig.option.randomly_seed}\\n")
"""
        },
        seen={"seed.txt": lambda path: len(set(path.read_text().split()))},
    ),
    Tried(
        name="pytest-order",
        version="1.5",
        loads=("pytest_order",),
        what="marked tests (the order holds within a process)",
        files={
            "test_a.py": """
import pytest
@pytest.mark.order(2)
def test_second(): pass
@pytest.mark.order(1)
def test_first(): pass
"""
        },
    ),
    Tried(
        name="pytest-socket",
        version="0.8",
        loads=("socket",),
        what="`--disable-socket --allow-unix-socket`",
        args="--disable-socket --allow-unix-socket",
        files={
            "test_a.py": """
import socket, pytest
def test_refused(): socket.socket()
@pytest.mark.enable_socket
def test_allowed(): socket.socket().close()
def test_unix(): socket.socket(socket.AF_UNIX).close()
"""
        },
        code=1,
    ),
    Tried(
        name="pytest-env",
        version="1.8",
        loads=("env",),
        what="variables of the ini file",
        ini="env =\n    ONE=1",
        files={
            "test_a.py": """
import os, pytest
@pytest.mark.parametrize("n", range(3))
def test_n(n): assert os.environ["ONE"] == "1"
"""
        },
    ),
    Tried(
        name="pytest-check",
        version="3.0",
        loads=("check",),
        what="several failures in one test",
        files={
            "test_a.py": """
from pytest_check import check
def test_one(): check.equal(1, 2); check.equal(2, 3)
def test_two(): check.equal(1, 1)
"""
        },
        code=1,
    ),
    Tried(
        name="pytest-httpserver",
        version="1.2",
        loads=("pytest_httpserver",),
        what="a server for each process",
        files={
            "test_a.py": """
import urllib.request, pytest
@pytest.mark.parametrize("n", range(3))
def test_get(httpserver, n):
    httpserver.expect_request("/").respond_with_data(str(n))
    assert urllib.request.urlopen(httpserver.url_for("/")).read() == str(n).encode()
"""
        },
    ),
    Tried(
        name="respx",
        version="0.23",
        loads=("respx",),
        what="replaced requests",
        files={
            "test_a.py": """
import httpx, pytest
@pytest.mark.parametrize("n", range(3))
def test_get(respx_mock, n):
    respx_mock.get("https://it/").respond(200, text=str(n))
    assert httpx.get("https://it/").text == str(n)
"""
        },
    ),
    Tried(
        name="aioresponses",
        version="0.7",
        loads=("asyncio",),
        needs=("aiohttp<3.14", "pytest-asyncio"),  # 0.7.9 does not know the newer ones
        what="replaced requests",
        files={
            "test_a.py": """
import aiohttp, aioresponses, pytest
@pytest.mark.asyncio
@pytest.mark.parametrize("n", range(3))
async def test_get(n):
    with aioresponses.aioresponses() as replaced:
        replaced.get("https://it/", body=str(n))
        async with aiohttp.ClientSession() as session, session.get("https://it/") as answer:
            assert await answer.text() == str(n)
"""
        },
    ),
    Tried(
        name="pytest-aiohttp",
        version="1.1",
        loads=("aiohttp", "asyncio"),
        what="servers and clients",
        ini="asyncio_mode = auto",
        files={
            "test_a.py": """
import pytest
from aiohttp import web
@pytest.mark.parametrize("n", range(3))
async def test_get(aiohttp_client, n):
    async def answer(request): return web.Response(text=str(n))
    app = web.Application()
    app.router.add_get("/", answer)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == str(n)
"""
        },
    ),
    Tried(
        name="pytest-asyncio",
        version="1.5",
        loads=("asyncio",),
        what="async tests and fixtures, a loop for a module",
        ini="asyncio_mode = auto",
        files={
            "test_a.py": """
import asyncio, pytest
pytestmark = pytest.mark.asyncio(loop_scope="module")
@pytest.fixture
async def one():
    await asyncio.sleep(0)
    yield 1
@pytest.mark.parametrize("n", range(3))
async def test_n(one, n): assert one == 1
"""
        },
    ),
    Tried(
        name="pytest-timeout",
        version="2.4",
        loads=("timeout",),
        what="its own time limit, whose failure comes before ours",
        ini="timeout = 0.5",
        files={"test_a.py": "import time\ndef test_one(): time.sleep(60)\ndef test_two(): pass\n"},
        code=1,
    ),
    Tried(
        name="pytest-trio",
        version="0.8",
        loads=("trio",),
        what="async tests and fixtures",
        ini="trio_mode = true",
        files={
            "test_a.py": """
import pytest, trio
@pytest.fixture
async def one():
    await trio.sleep(0)
    yield 1
@pytest.mark.parametrize("n", range(3))
async def test_n(one, n, nursery): assert one == 1
"""
        },
    ),
    Tried(
        name="anyio",
        version="4.16",
        loads=("anyio",),
        needs=("trio",),
        what="async tests and fixtures on both loops",
        files={
            "test_a.py": """
import anyio, pytest
pytestmark = pytest.mark.anyio
@pytest.fixture
async def one():
    await anyio.sleep(0)
    yield 1
async def test_one(one): assert one == 1
async def test_two(one): assert one == 1
"""
        },
    ),
    Tried(
        name="pytest-freezer",
        version="0.4",
        loads=("freezer",),
        what="a frozen clock",
        files={
            "test_a.py": """
import datetime, pytest
@pytest.mark.freeze_time("2020-01-01")
@pytest.mark.parametrize("n", range(3))
def test_n(n): assert datetime.date.today() == datetime.date(2020, 1, 1)
"""
        },
    ),
    Tried(
        name="time-machine",
        version="3.6",
        loads=("time_machine",),
        what="a frozen clock",
        files={
            "test_a.py": """
import datetime, pytest
@pytest.mark.parametrize("n", range(3))
def test_n(time_machine, n):
    time_machine.move_to("2020-01-01T00:00Z", tick=False)
    assert datetime.date.today() == datetime.date(2020, 1, 1)
"""
        },
    ),
    Tried(
        name="testcontainers",
        version="4.15",
        loads=(),
        what="without Docker: it is imported, and its tests skip",
        files={
            "test_a.py": """
import pytest
from testcontainers.core.container import DockerContainer
@pytest.mark.parametrize("n", range(2))
def test_n(n):
    try: DockerContainer("none").start()
    except Exception: pytest.skip("no Docker")
"""
        },
    ),
    Tried(
        name="pytest-mock",
        version="3.17",
        loads=("pytest_mock",),
        what="replaced functions",
        files={
            "test_a.py": """
import os, pytest
@pytest.mark.parametrize("n", range(3))
def test_n(mocker, n):
    mocker.patch("os.getcwd", return_value=str(n))
    assert os.getcwd() == str(n)
"""
        },
    ),
    Tried(
        name="pytest-subtests",
        version="0.15",
        loads=(),
        what="passing and failing subtests; pytest 9 has its own",
        files={
            "test_a.py": """
def test_one(subtests):
    for n in range(3):
        with subtests.test(n=n): assert n != 1
def test_two(subtests):
    with subtests.test("it"): pass
"""
        },
        code=1,
    ),
)

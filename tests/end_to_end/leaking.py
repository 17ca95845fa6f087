"""A suite that leaves something of every kind behind, and one that leaves nothing."""

from __future__ import annotations

INI = "[pytest]\naddopts = -p pytest_asyncio.plugin -p anyio.pytest_plugin\nasyncio_mode = auto\n"


# Stand-ins with what is looked at in the real ones: neither of them is needed to develop the runner.
AIOHTTP = """
import asyncio

class ClientSession:
    def __init__(self):
        self.closed = False
        self.loop = asyncio.get_running_loop()
    async def close(self):
        self.closed = True
    def __del__(self):
        if not self.closed:
            self.loop.call_exception_handler({"client_session": self, "message": "Unclosed client session"})
"""


LEAKING = """
import asyncio, gc, logging, os, signal, socket, subprocess, sys, threading, time
import aiohttp, fastapi, httpx, pytest, sqlalchemy

app = fastapi.FastAPI()
kept = []
logging.getLogger('app')

def dependency(): pass

def server():
    return "fake"

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def background():
    await asyncio.sleep(3600)

async def fails():
    raise ValueError("nobody asks")

async def numbers():
    yield 1
    yield 2

def forever():
    kept[0].wait()

@pytest.fixture
async def database():
    opened = len(kept)
    return opened
    await asyncio.sleep(0)

async def test_fixture(database): pass

async def test_task():
    kept.append(asyncio.create_task(background(), name="flush"))
    await asyncio.sleep(0)

@pytest.mark.anyio
async def test_task_of_anyio():
    kept.append(asyncio.create_task(background(), name="flush"))
    await asyncio.sleep(0)

def test_task_of_a_closed_loop():
    loop = asyncio.new_event_loop()
    loop.create_task(background(), name="flush")
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

async def test_exception():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    del task

def test_loop():
    kept.append(asyncio.new_event_loop())

def test_loop_that_is_collected():
    loop = asyncio.new_event_loop()
    del loop
    gc.collect()

async def test_generator():
    generator = numbers()
    await anext(generator)
    kept.append(generator)

def test_process():
    kept.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))

def test_daemon():
    code = "import os, time\\nif os.fork() == 0:\\n    os.setsid()\\n    if os.fork() == 0: time.sleep(60)\\n"
    subprocess.run([sys.executable, "-c", code], check=True)

def test_file():
    kept.append(open("data.txt", "w"))

def test_socket():
    end = socket.socket()
    end.bind(("127.0.0.1", 0))
    kept.append(end)

def test_socket_that_is_collected():
    socket.socket()

async def test_aiohttp():
    kept.append(aiohttp.ClientSession())

async def test_aiohttp_that_is_collected():
    session = aiohttp.ClientSession()
    del session

async def test_httpx():
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app))
    await client.get("http://test/")

def test_engine():
    engine = sqlalchemy.create_engine("sqlite:///data.db")
    kept.append(engine.connect())

def test_environment():
    os.environ["LEFT_BEHIND"] = "secret"

def test_directory(tmp_path):
    os.chdir(tmp_path)

def test_import_path():
    os.chdir(os.path.dirname(__file__))
    sys.path.insert(0, "/left/behind")

def test_signal_handler():
    signal.signal(signal.SIGUSR1, server)

def test_logging():
    logging.getLogger("app").addHandler(logging.StreamHandler())

def test_override():
    app.dependency_overrides[dependency] = server

def test_thread():
    kept.insert(0, threading.Event())
    threading.Thread(target=forever, name="poller").start()
"""


CLEAN = """
import asyncio, logging, os, signal, socket, subprocess, sys, threading
import aiohttp, fastapi, httpx, pytest, sqlalchemy
from concurrent.futures import ThreadPoolExecutor

app = fastapi.FastAPI()
apps = []
pool = ThreadPoolExecutor(1)
engine = sqlalchemy.create_engine("sqlite:///clean.db")
log = logging.getLogger("clean")

def dependency(): pass

async def background():
    await asyncio.sleep(3600)

@app.get("/")
def endpoint(): return 1

@pytest.fixture(scope="module")
def shared():
    os.environ["SHARED"] = "1"
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()
    del os.environ["SHARED"]

@pytest.fixture(scope="module")
async def session():
    task = asyncio.create_task(background())
    client = aiohttp.ClientSession()
    yield client
    await client.close()
    task.cancel()

@pytest.fixture
async def job():
    task = asyncio.create_task(background())
    yield task
    task.cancel()

@pytest.fixture(params=["asyncio"])
def anyio_backend(request): return request.param

def test_shared(shared): assert os.environ["SHARED"]
async def test_session(session): pass
async def test_job(job): await asyncio.sleep(0)
@pytest.mark.anyio
async def test_anyio(): await asyncio.sleep(0)
def test_run():
    async def main():
        asyncio.create_task(background())
        await asyncio.sleep(0)
    asyncio.run(main())
async def test_to_thread(): assert await asyncio.to_thread(len, "a") == 1
def test_pool(): assert pool.submit(len, "a").result() == 1
def test_engine():
    with engine.connect() as connection: connection.execute(sqlalchemy.text("select 1"))
def test_daemon_thread(): threading.Thread(target=threading.Event().wait, daemon=True).start()
def test_process(): subprocess.run([sys.executable, "-c", ""], check=True)
def test_monkeypatch(monkeypatch, tmp_path):
    monkeypatch.setenv("A", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
def test_caplog(caplog):
    caplog.set_level("DEBUG", logger="clean")
    log.debug("x")
def test_capfd(capfd): print("x")
def test_override():
    app.dependency_overrides[dependency] = len
    app.dependency_overrides.clear()
@pytest.fixture
def own_app():
    own = fastapi.FastAPI()
    own.dependency_overrides[dependency] = len
    return own
@pytest.fixture(scope="module")
def wider(): return 1
def test_overrides_of_an_app_of_its_own(own_app, request):
    request.getfixturevalue("wider")
    own_app.dependency_overrides[dependency] = repr
    apps.append(own_app)
async def test_httpx():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        assert (await client.get("http://test/")).json() == 1
async def test_queue():
    task = asyncio.create_task(asyncio.Event().wait())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
def test_new_logger(): logging.getLogger("clean.new").addHandler(logging.NullHandler())
"""


# test -> kind, and words that name what was left and the line that made it
NAMED = {
    "test_fixture": ("teardowns", "fixture database returns before its teardown", "in database"),
    "test_task": ("tasks", "task flush still pending", "in test_task"),
    "test_task_of_anyio": ("tasks", "task flush still pending", "in test_task_of_anyio"),
    "test_task_of_a_closed_loop": ("tasks", "task flush still pending", "in test_task_of_a_closed_loop"),
    "test_exception": ("exceptions", "ValueError: nobody asks", "in test_exception"),
    "test_loop": ("loops", "event loop", "in test_loop"),
    "test_loop_that_is_collected": ("loops", "event loop", "in test_loop_that_is_collected"),
    "test_generator": ("generators", "asynchronous generator numbers", "in test_generator"),
    "test_process": ("processes", "time.sleep(60)", ""),
    "test_daemon": ("processes", "daemonised process", ""),
    "test_file": ("descriptors", "data.txt (descriptor", ""),
    "test_socket": ("descriptors", "TCP socket 127.0.0.1:", "in test_socket"),
    "test_socket_that_is_collected": ("descriptors", "garbage collector", "in test_socket_that_is_collected"),
    "test_aiohttp": ("clients", "aiohttp: ClientSession not closed", "in test_aiohttp"),
    "test_aiohttp_that_is_collected": ("clients", "Unclosed client session", "in test_aiohttp_that_is_collected"),
    "test_httpx": ("clients", "httpx: AsyncClient not closed", "in test_httpx"),
    "test_engine": ("clients", "1 connection of an engine (sqlite) not returned", "in test_engine"),
    "test_environment": ("state", "environment: LEFT_BEHIND set", ""),
    "test_directory": ("state", "working directory: ", ""),
    "test_import_path": ("state", "sys.path: /left/behind added", ""),
    "test_signal_handler": ("state", "SIGUSR1 is handled by test_leaking.py", "in server"),
    "test_logging": ("state", "handlers of logger app: StreamHandler added", ""),
    "test_override": ("state", "dependency_overrides: test_leaking.py", "in server"),
    "test_thread": ("threads", "thread poller, now at ", "in test_thread"),
}


# A fresh process per test takes long, and is different only in that each test is the first and the last one.
FEW = "test_task or test_socket or test_environment or test_override or test_aiohttp_that"


FEW_CLEAN = "shared or session or anyio or pool"

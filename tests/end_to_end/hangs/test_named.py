"""Whatever hangs, the report names the line: small suites that hang as suites do, and their cured twins."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from async_test_runner.record.events import HangReported, TestSlow
from tests.support.projects import Finished, Project

pytestmark = pytest.mark.processes


class Case(NamedTuple):
    """A suite that hangs. ``line`` is what hangs, ``why`` what is said about it; ``cure`` replaces text in it."""

    code: str
    line: str
    why: str
    cure: tuple[str, str]
    id: str = "test_it"


HEAD = """\
import asyncio, queue, subprocess, sys, threading, time, urllib.request
import pytest

pytestmark = pytest.mark.asyncio


"""

CASES = {
    "nobody sets the event": Case(
        """
        async def deeper(event):
            await event.wait()

        async def test_it():
            event = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(deeper(event))
                # cure
        """,
        "await event.wait()",
        "waits until the Event is set",
        ("# cure", "event.set()"),
    ),
    "a body that never ends": Case(
        """
        async def chunks():
            while True:
                yield b"data"
                await asyncio.sleep(0.05)

        async def test_it():
            body = b""
            async for chunk in chunks():
                body += chunk
                # cure
            assert body
        """,
        "await asyncio.sleep(0.05)",
        "sleeps for 0.05 s",
        ("# cure", "break"),
    ),
    "two coroutines that want each other's lock": Case(
        """
        async def both(first, second):
            async with first:
                await asyncio.sleep(0)
                async with second:
                    pass

        async def test_it():
            a, b = asyncio.Lock(), asyncio.Lock()
            await asyncio.gather(both(a, b), both(b, a))
        """,
        "async with second:",
        "waits for a Lock, which task",
        ("both(b, a)", "both(a, b)"),
    ),
    "a pool that is empty": Case(
        """
        class Pool:
            def __init__(self):
                self.idle = asyncio.Queue(maxsize=1)
                self.idle.put_nowait(object())

            async def acquire(self):
                return await self.idle.get()

        async def test_it():
            pool = Pool()
            mine = await pool.acquire()
            # cure
            await pool.acquire()
        """,
        "return await self.idle.get()",
        "waits for an item of a Queue (0 of 1 items)",
        ("# cure", "pool.idle.put_nowait(mine)"),
    ),
    "an error that is tried again for ever": Case(
        """
        async def test_it():
            while True:
                try:
                    raise ValueError
                except ValueError:
                    pass  # cure
        """,
        "",
        "does not return to its event loop",
        ("pass  # cure", "break"),
    ),
    "a loop that lets nobody else run": Case(
        """
        done = []

        async def finish():
            done.append(1)

        async def test_it():
            task = asyncio.create_task(finish())
            while not done:
                pass  # cure
            await task
        """,
        "",
        "does not return to its event loop, where 1 more wait",
        ("pass  # cure", "await asyncio.sleep(0)"),
    ),
    "the result of a coroutine of the loop's own": Case(
        """
        async def job():
            return 1

        async def test_it():
            loop = asyncio.get_running_loop()
            wait = asyncio.run_coroutine_threadsafe(job(), loop).result
            assert wait() == 1
        """,
        "assert wait() == 1",
        "waits for the result of a concurrent.futures.Future",
        ("wait() == 1", "await asyncio.to_thread(wait) == 1"),
    ),
    "a request to a server of the same loop": Case(
        """
        async def serve(reader, writer):
            await reader.readline()
            writer.write(b"HTTP/1.1 204 OK\\r\\nConnection: close\\r\\n\\r\\n")
            writer.close()

        async def test_it():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            open_ = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
            assert open_(f"http://127.0.0.1:{port}/").status == 204
            server.close()
        """,
        'assert open_(f"http://127.0.0.1:{port}/").status == 204',
        "waits for data on a socket",
        ("open_(f", "(await asyncio.to_thread(open_, f"),
    ),
    "a clock that stands still": Case(
        """
        async def test_it(monkeypatch):
            now = time.monotonic()
            monkeypatch.setattr(time, "monotonic", lambda: now)
            await asyncio.sleep(0.05)
        """,
        "await asyncio.sleep(0.05)",
        "sleeps for 0.05 s",
        ('monkeypatch.setattr(time, "monotonic", lambda: now)', "pass"),
    ),
    "a child that writes more than its pipe holds": Case(
        """
        async def test_it():
            code = "print('x' * 1000000)"
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
            try:
                await child.wait()
            finally:
                child._transport.close()
        """,
        "await child.wait()",
        "whose output pipe is full: nobody reads it",
        ("await child.wait()", "await child.communicate()"),
    ),
    "a socket that nobody writes to": Case(
        """
        async def application(receive):
            await receive()

        def test_it():
            inbox = queue.Queue()
            ready = threading.Event()

            def serve():
                async def main():
                    ready.set()
                    await asyncio.Event().wait()
                asyncio.run(main())

            threading.Thread(target=serve, daemon=True, name="portal").start()
            ready.wait()
            # cure
            assert inbox.get() == {}
        """,
        "assert inbox.get() == {}",
        "waits for an item of a queue.Queue (0 items)",
        ("# cure", "inbox.put({})"),
    ),
    "a teardown that waits for a lock": Case(
        """
        @pytest.fixture
        def tables():
            lock = threading.Lock()
            yield lock
            lock.acquire()

        def test_it(tables):
            tables.acquire()
            # cure
        """,
        "lock.acquire()",
        "tearing down fixture tables (scope function)",
        ("# cure", "tables.release()"),
    ),
    "a setup that never comes up": Case(
        """
        @pytest.fixture(scope="module")
        def service():
            process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            # cure
            process.wait()

        def test_it(service):
            pass
        """,
        "process.wait()",
        "setting up fixture service (scope module); waits for the end of child process",
        ("# cure", "process.kill()"),
    ),
    "C that keeps the interpreter": Case(
        """
        def test_it():
            sum(range(10**12))
        """,
        "",
        "does not return from C",
        ("10**12", "10"),
    ),
    "an executor whose thread does not end": Case(
        """
        go_on = threading.Event()

        async def body():
            asyncio.get_running_loop().run_in_executor(None, go_on.wait)
            # cure

        def test_it():
            asyncio.run(body())
        """,
        "asyncio.run(body())",
        "the end of asyncio.run",
        ("# cure", "go_on.set()"),
    ),
    "a task that swallows its cancellation": Case(
        """
        async def job():
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass  # cure

        async def test_it():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(job(), 0.05)
        """,
        "await asyncio.sleep(60)",
        "in job: except asyncio.CancelledError: swallows CancelledError; sleeps for 60 s",
        ("pass  # cure", "raise"),
    ),
    "a cleanup that waits when it is cancelled": Case(
        """
        go_on = []

        async def job():
            event = asyncio.Event()
            try:
                await asyncio.sleep(60)
            finally:
                # cure
                await event.wait()

        async def main():
            asyncio.create_task(job())
            await asyncio.sleep(0)

        def test_it():
            asyncio.run(main())
        """,
        "await event.wait()",
        "in job: finally:; waits until the Event is set",
        ("# cure", "event.set()"),
    ),
    "a finalizer that is a library's": Case(
        """
        @pytest.fixture
        def service(request):
            event = threading.Event()
            request.addfinalizer(event.wait)
            return event

        def test_it(service):
            pass  # cure
        """,
        "def service(request):",
        "tearing down fixture service (scope function); waits until the threading.Event is set",
        ("pass  # cure", "service.set()"),
    ),
    "a callback that keeps its loop": Case(
        """
        async def test_it():
            asyncio.get_running_loop().call_soon(time.sleep, 60)
            await asyncio.sleep(0.01)
        """,
        "await asyncio.sleep(0.01)",
        "a callback of the event loop calls time.sleep",
        ("time.sleep, 60", "time.sleep, 0"),
    ),
    "a streamed response that httpx reads from the application": Case(
        """
        from starlette.applications import Starlette
        from starlette.responses import StreamingResponse
        from starlette.routing import Route

        async def ticks():
            while True:
                yield b"data: x\\n\\n"
                await asyncio.sleep(0.02)
                # cure

        async def endpoint(request):
            return StreamingResponse(ticks())

        async def test_it():
            import httpx
            transport = httpx.ASGITransport(Starlette(routes=[Route("/", endpoint)]))
            async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
                response = await client.get("/")
            assert response.status_code == 200
        """,
        'response = await client.get("/")',
        " parts so far): the generator ticks of the application is still at test_hang.py:",
        ("# cure", "return"),
    ),
    "a streamed response that the test client reads": Case(
        """
        from starlette.applications import Starlette
        from starlette.responses import StreamingResponse
        from starlette.routing import Route

        async def ticks():
            while True:
                yield b"data: x\\n\\n"
                await asyncio.sleep(0.02)
                # cure

        async def endpoint(request):
            return StreamingResponse(ticks())

        def test_it():
            from starlette.testclient import TestClient
            client = TestClient(Starlette(routes=[Route("/", endpoint)]))
            assert client.get("/").status_code == 200
        """,
        'assert client.get("/").status_code == 200',
        "reads a response body that does not end: the generator ticks of the application is still at test_hang.py:",
        ("# cure", "return"),
    ),
    "the lines of a server that goes on": Case(
        """
        async def serve(reader, writer):
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n")
            try:
                while True:
                    writer.write(b"data: x\\n\\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            except ConnectionError:
                pass
            finally:
                writer.close()

        async def test_it():
            import httpx
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with httpx.AsyncClient(trust_env=False) as client:
                async with client.stream("GET", f"http://127.0.0.1:{port}/") as response:
                    async for line in response.aiter_lines():
                        pass  # cure
            server.close()
        """,
        "async for line in response.aiter_lines():",
        "reads a response body that does not end: waits for data on a socket",
        ("pass  # cure", "break"),
    ),
}

PLAN = """
    phases:
      - name: all
        test_timeout: {timeout}
        slow_after: {slow}
        grace: 1s
        pytest_args: [-p, pytest_asyncio.plugin, -o, asyncio_mode=strict]
"""


def line_of(code: str, line: str) -> int:
    return next(number for number, text in enumerate(code.split("\n"), 1) if text.strip() == line)


def written(project: Project, case: Case, cured: bool = False) -> str:
    import textwrap

    body = textwrap.dedent(case.code)
    if cured:
        assert case.cure[0] in body
        body = body.replace(*case.cure)
        if "to_thread(open_" in body:
            body = body.replace('").status', '")).status')
    text = (HEAD if "async def test" in body else HEAD.replace("pytestmark = pytest.mark.asyncio", "")) + body
    project.write("test_hang.py", text)
    return text


def hangs(run: Finished) -> list[HangReported]:
    return [event for event in run.events if isinstance(event, HangReported)]


@pytest.mark.parametrize("name", CASES)
def test_the_line_that_hangs_is_named_first(project: Project, name: str) -> None:
    case = CASES[name]
    code = written(project, case)
    project.plan(PLAN.format(timeout="2s", slow="null"))
    run = project.run().check(1)
    assert run.outcome("test_it").value == "timed_out"
    likely = hangs(run)[0].likely
    assert likely.startswith("test_hang.py:")
    assert case.why in likely
    if case.line:
        assert likely.startswith(f"test_hang.py:{line_of(code, case.line)} in ")
    assert likely in run.output
    (failure,) = [failure for cases in run.cases().values() for case in cases for failure in case.iter("failure")][:1]
    assert likely in str(failure.get("message"))
    assert f"most likely: {likely}" in str(failure.text)


THOUSANDS = Case(
    """
    async def hold(lock):
        async with lock:
            await asyncio.get_running_loop().create_future()

    async def test_it():
        heap = [[number] for number in range(1_000_000)]
        lock = asyncio.Lock()
        await asyncio.gather(*(hold(lock) for _ in heap[:10_000]))
    """,
    "await asyncio.get_running_loop().create_future()",
    "waits for a Future",
    ("range(1_000_000)", "[]"),
)


def test_of_thousands_of_tasks_the_report_says_what_it_left_out(project: Project) -> None:
    code = written(project, THOUSANDS)
    project.plan(PLAN.format(timeout="20s", slow="null"))
    (said,) = hangs(project.run().check(1))
    assert said.likely.startswith(f"test_hang.py:{line_of(code, THOUSANDS.line)} in hold")
    assert re.search(r"^note: only \d+ of 10,001 tasks were looked at$", said.text, re.MULTILINE)
    assert "10001 tasks pending" in said.text


def test_nothing_is_said_of_the_cured_ones(project: Project) -> None:
    for number, case in enumerate(CASES.values()):
        written(project, case, cured=True)
        (project.root / "test_hang.py").rename(project.root / f"test_cured_{number}.py")
    project.plan(PLAN.format(timeout="60s", slow="30s"))
    run = project.run().check(0)
    assert not [event for event in run.events if isinstance(event, HangReported | TestSlow)]

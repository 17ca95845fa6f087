"""Runs for tests of reports: a small one with something of everything, and one of any size."""

from __future__ import annotations

from async_test_runner.model.inventory import LeftOut, PytestFacts
from async_test_runner.model.result import (
    Attempt,
    CommandResult,
    Detail,
    Leak,
    PhaseResult,
    Problem,
    ProcessRun,
    Recheck,
    RunResult,
    Section,
    TestResult,
)
from async_test_runner.model.vocabulary import Isolation, Outcome

AT = 1_790_000_000.0
EVIL = "test_<img src=x onerror=window.hacked=1></script><script>window.hacked=1</script>"
TRACE = """def test_total():
        cart = Cart()
>       assert cart.total() == {"sum": 12, "currency": "EUR"}
E       AssertionError: assert {'currency': 'EUR', 'sum': 11} == {'currency': 'EUR', 'sum': 12}
E         Differing items:
E         - {'sum': 12}
E         + {'sum': 11}
E         ?         ^

tests/test_cart.py:14: AssertionError"""
CHAIN = """the test waits here, innermost last:
  tests/test_jobs.py:20 in test_drain
  app/queue.py:41 in drain: await self._empty.wait()
\x1b[31m1 task\x1b[0m of the loop waits: flush, at app/queue.py:58"""


def attempt(outcome: Outcome, at: float, duration: float, slot: int = 0, number: int = 1, **more: object) -> Attempt:
    process = f"async/{slot + 1:04}"
    values = {"number": number, "outcome": outcome, "at": AT + at, "duration": duration, "slot": slot}
    return Attempt(**{**values, "process": process, "worker": f"gw{slot}", **more})  # type: ignore[arg-type]


def small(**facts: object) -> RunResult:
    """A red run: every outcome, a flaky, a leaking, a slow and an order-dependent test, a command, a dead process."""

    def test(name: str, *attempts: Attempt, file: str = "tests/test_cart.py", **more: object) -> TestResult:
        return TestResult(id=f"{file}::{name}", file=file, line=12, phase="async", attempts=attempts, **more)  # type: ignore[arg-type]

    failed = Detail("call", Outcome.FAILED, "AssertionError: assert 11 == 12", TRACE)
    leak = Leak("tasks", "task flush still pending", "app/queue.py:58 in drain")
    tests = (
        test("test_empty", attempt(Outcome.PASSED, 1.0, 0.2)),
        test(
            "test_total[京-\u202ex]",
            attempt(
                Outcome.FAILED, 1.2, 0.4, details=(failed,), sections=(Section("Captured stdout call", "hello\n"),)
            ),
        ),
        test(EVIL, attempt(Outcome.FAILED, 1.7, 0.1, details=(Detail("call", Outcome.FAILED, EVIL, EVIL),))),
        test(
            "test_drain",
            attempt(Outcome.TIMED_OUT, 1.0, 2.0, 1, details=(Detail("call", Outcome.TIMED_OUT, "0.5s", CHAIN),)),
            file="tests/test_jobs.py",
            slow=(1.5, "app/queue.py:41"),
        ),
        test(
            "test_retry",
            attempt(Outcome.FAILED, 2.0, 0.3, details=(failed,)),
            attempt(Outcome.PASSED, 3.1, 0.2, 0, 2, leaks=(leak,)),
            file="tests/test_jobs.py",
        ),
        test(
            "test_crash",
            attempt(Outcome.CRASHED, 3.1, 0.5, 1, details=(Detail("runner", Outcome.CRASHED, "killed by SIGSEGV"),)),
            file="tests/test_native.py",
        ),
        test(
            "test_order",
            attempt(Outcome.FAILED, 2.4, 0.1, details=(failed,)),
            recheck=Recheck(outcome=Outcome.PASSED, position=1, history=("a.py::x", "a.py::y")),
        ),
        test("test_skip", attempt(Outcome.SKIPPED, 2.6, 0.0, details=(Detail("setup", Outcome.SKIPPED, "no redis"),))),
        test("test_xfail", attempt(Outcome.XFAILED, 2.7, 0.1)),
        test("test_later", reason="max_failures: 5 tests were red"),
    )
    processes = tuple(
        ProcessRun(
            name=f"async/{slot + 1:04}", phase="async", pid=100 + slot, slot=slot, workers=1, attempt=1, tests=5,
            at=AT + 0.6, mono=0.6, log="", duration=3.1, status=-11 if slot else 0,
        )
        for slot in (0, 1)
    )  # fmt: skip
    command = CommandResult(
        phase="async", stage="setup", command="alembic upgrade head", status=0, duration=0.5, output="ok\n", at=AT + 0.1
    )
    phase = PhaseResult(
        name="async", isolation=Isolation.TEST, workers=2, tests=tests, wall=3.6, started=True, finished=True,
        commands=(command,), processes=processes,
    )  # fmt: skip
    values: dict[str, object] = {
        "run_id": "20260921T100000-1",
        "plan": "shop",
        "plan_path": "/p/runner.yaml",
        "root": "/p",
        "at": AT,
        "wall": 3.9,
        "phases": (phase,),
        "finished": True,
        "facts": PytestFacts(version="9.2", python="3.13"),
        "problems": (Problem("failure", "coverage is below 80 %", "write tests"),),
        "left_out": (LeftOut("markers: not slow", 3, "tests", ("tests/test_a.py::test_slow",)),),
        "warnings": ("a warning",),
    }
    return RunResult(**{**values, **facts})  # type: ignore[arg-type]


def large(count: int, failures: int = 0) -> RunResult:
    """So many tests in two phases with eight workers each; ``failures`` of them red with a long traceback."""
    frames = "\n".join(
        f"tests/app/module_{n}.py:{n * 7}: in function_{n}\n    value = call_{n}(value)" for n in range(25)
    )
    every = max(1, count // failures) if failures else count + 1
    clocks = {0: [0.5] * 8, 1: [count / 480 + 0.5] * 8}
    tests: dict[int, list[TestResult]] = {0: [], 1: []}
    for n in range(count):
        which = int(n >= count // 2)
        slot = n % 8
        red = n % every == every - 1
        duration = 0.005 + (n * 7919 % 1000) / 20_000 + (1.5 if n % 997 == 0 else 0)
        at, clocks[which][slot] = clocks[which][slot], clocks[which][slot] + duration + 0.002
        details = (Detail("call", Outcome.FAILED, f"assert {n} == {n + 1}", f"{frames}\nE   assert {n} == {n + 1}"),)
        file = f"tests/package_{n // 2500}/test_module_{n // 50}.py"
        tests[which].append(
            TestResult(
                id=f"{file}::TestFeature{n % 50 // 10}::test_behaviour_of_part_{n % 50}[case-{n % 13}]",
                file=file, line=10 + n % 50 * 12, phase=f"phase{which}",
                attempts=(
                    attempt(Outcome.FAILED, at, duration, slot, details=details) if red
                    else attempt(Outcome.PASSED, at, duration, slot),
                ),
            )
        )  # fmt: skip
    phases = tuple(
        PhaseResult(
            name=f"phase{which}", isolation=Isolation.FILE, workers=8, tests=tuple(tests[which]),
            wall=max(clocks[which]), started=True, finished=True,
        )
        for which in (0, 1)
    )  # fmt: skip
    return RunResult(
        run_id="large", plan="large", plan_path="/p/runner.yaml", root="/p", at=AT, wall=max(clocks[1]), phases=phases,
        finished=True,
    )  # fmt: skip

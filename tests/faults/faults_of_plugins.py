"""Faults in conftest.py, in plugins and in what they make pytest do."""

from __future__ import annotations

from tests.faults.fault import INNOCENT, PATIENT, Fault, in_conftest

BROKEN = "a broken hook"
ALL_PASSED = {**INNOCENT, "test_fault": "passed"}  # the test had ended well before the hook
CONTINUE = PATIENT + "collect_errors: continue\n"


def broken_hook(hook: str, arguments: str, test: str, outcome: str, **more: object) -> Fault:
    """A hook of the user's that raises for ``test_fault`` alone."""
    code = f"""
        def {hook}({arguments}):
            if {test}.endswith("test_fault"): raise RuntimeError("a broken hook")
    """
    tests = "def test_before(): pass\ndef test_fault(): pass\ndef test_after(): pass\n"
    more.setdefault("says", {"test_fault": BROKEN})
    return in_conftest(
        f"hook_{hook.removeprefix('pytest_')}_raises",
        "a hook of the user's raises for one test",
        code,
        tests=tests,
        expect={**INNOCENT, "test_fault": outcome},
        **more,
    )


FAULTS = [
    # a session hears the hooks of its workers, and so do the hooks of the user's that are registered in it
    broken_hook("pytest_runtest_logstart", "nodeid", "nodeid", "crashed"),
    broken_hook("pytest_runtest_protocol", "item", "item.name", "error", problems=(BROKEN,)),
    broken_hook("pytest_runtest_setup", "item", "item.name", "error"),
    broken_hook("pytest_runtest_call", "item", "item.name", "failed"),
    broken_hook("pytest_pyfunc_call", "pyfuncitem", "pyfuncitem.name", "failed"),
    broken_hook(
        "pytest_runtest_teardown",
        "item",
        "item.name",
        "error",
        where={"phase": {"expect": {"test_before": "passed", "test_fault": "error", "test_after": "error"}}},
    ),
    broken_hook("pytest_fixture_setup", "request", "request.node.name", "passed", code=0, says={}),
    broken_hook("pytest_runtest_makereport", "item", "item.name", "crashed"),
    broken_hook(
        "pytest_runtest_logreport",
        "report",
        "report.nodeid",
        "crashed",
        where={"warm test": {"expect": ALL_PASSED, "says": {}, "problems": (BROKEN,)}},
    ),
    broken_hook(
        "pytest_runtest_logfinish",
        "nodeid",
        "nodeid",
        "crashed",
        where={"warm test": {"expect": ALL_PASSED, "says": {}, "problems": (BROKEN,)}},
    ),
    in_conftest(
        "hook_sessionstart_raises",
        "a hook of the user's ends each session before its first test",
        "def pytest_sessionstart(session): raise RuntimeError('a broken hook')",
        expect={},
        code=4,
        problems=(BROKEN,),
    ),
    in_conftest(
        "hook_sessionfinish_raises",
        "a hook of the user's raises when all tests have passed: that is no green run",
        "def pytest_sessionfinish(session): raise RuntimeError('a broken hook')",
        problems=(
            "exited with 1 before finishing, while it ran no test; the last test before was test_fault.py::test_",
        ),
    ),
    in_conftest(
        "hook_sessionfinish_leaves",
        "a hook of the user's ends the process with 0 when all tests have been reported",
        """
        import os
        def pytest_sessionfinish(session):
            if session.items and not session.config.option.collectonly: os._exit(0)
        """,
        problems=("exited with 0",),
    ),
    in_conftest(
        "hook_sessionfinish_hangs",
        "a hook of the user's never returns when all tests have been reported",
        """
        import time
        def pytest_sessionfinish(session):
            if session.testscollected: time.sleep(600)
        """,
        plan="defaults: {test_timeout: 60s, grace: 500ms}\ncollect_timeout: 5s\n",
        problems=("after its last test, it exceeded",),
    ),
    in_conftest(
        "hook_unconfigure_raises",
        "a hook of the user's raises when pytest has said its last word",
        "def pytest_unconfigure(config): raise RuntimeError('a broken hook')",
        problems=("exited with 1",),
    ),
    in_conftest(
        "hook_unconfigure_leaves",
        "the same with the status of a success",
        "import os\ndef pytest_unconfigure(config): os._exit(0)",
        code=0,
    ),
    in_conftest(
        "hook_modifyitems_repeats",
        "a plugin repeats and reverses the tests",
        "def pytest_collection_modifyitems(items): items[:] = [*reversed(items), *items]",
        code=0,
    ),
    in_conftest(
        "hook_modifyitems_drops",
        "a plugin takes tests out, and tells pytest so",
        """
        def pytest_collection_modifyitems(config, items):
            config.hook.pytest_deselected(items=items[1:])
            del items[1:]
        """,
        expect={"test_before": "passed"},
        code=0,
    ),
    in_conftest(
        "other_tests_each_time",
        "ids that are other ones at each collection: whoever collects again does not find them",
        "",
        tests="""
            import pathlib, pytest
            TIMES = pathlib.Path("times")
            TIMES.write_text(TIMES.read_text() + "x" if TIMES.exists() else "x")
            @pytest.mark.parametrize("n", [1], ids=[TIMES.read_text()])
            def test_fault(n): pass
            def test_after(): pass
        """,
        expect={"test_fault[x]": "error", "test_after": "passed"},
        says={"test_fault[x]": "not there any more"},
        leaves=("times",),
        where={"warm": {"code": 0, "expect": {"test_fault[x]": "passed", "test_after": "passed"}, "says": {}}},
    ),
    in_conftest(
        "protocol_taken_over",
        "a plugin takes a test over and reports nothing: that is no success",
        """
        def pytest_runtest_protocol(item):
            if item.name == "test_fault":
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                return True
        """,
        tests="def test_before(): pass\ndef test_fault(): pass\ndef test_after(): pass\n",
        expect={**INNOCENT, "test_fault": "error"},
        says={"test_fault": "without reporting its call"},
    ),
    in_conftest(
        "protocol_says_nothing",
        "a plugin takes a test over and calls no hook at all: the test is never heard of",
        "def pytest_runtest_protocol(item):\n    if item.name == 'test_fault': return True",
        tests="def test_before(): pass\ndef test_fault(): pass\ndef test_after(): pass\n",
        expect={**INNOCENT, "test_fault": "error"},
        says={"test_fault": ""},
    ),
    in_conftest(
        "report_with_a_made_up_outcome",
        "a plugin makes up an outcome that pytest does not have, for a test that fails",
        """
        import pytest
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            if item.name == "test_fault": report.outcome, report.longrepr = "made-up", "no idea"
            return report
        """,
        tests="def test_before(): pass\ndef test_fault(): assert False\ndef test_after(): pass\n",
        expect={**INNOCENT, "test_fault": "error"},
        says={"test_fault": "no idea"},
    ),
    in_conftest(
        "report_with_odd_values",
        "a plugin puts values into a report that nobody can pickle or write as text",
        """
        import threading, pytest
        class Odd:
            def __reduce__(self): raise RuntimeError("no pickle")
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            if item.name == "test_fault":
                report.lock = threading.Lock()
                report.user_properties.append(("odd", Odd()))
                report.sections.append(("odd", "\\udcff\\x00"))
            return report
        """,
        tests="def test_before(): pass\ndef test_fault(): assert False\ndef test_after(): pass\n",
        expect={**INNOCENT, "test_fault": "failed"},
        says={"test_fault": "assert False"},
    ),
    in_conftest(
        "conftest_raises",
        "pytest ends before it has collected anything",
        "raise RuntimeError('a broken conftest')",
        expect={},
        collect_errors=("conftest.py",),
        covers=("collection-raises",),
    ),
    Fault(
        name="conftest_below_raises",
        why="a conftest.py of one directory raises: the others run",
        files={
            "a/test_a.py": "def test_a(): pass\n",
            "b/conftest.py": "raise RuntimeError('a broken conftest')\n",
            "b/test_b.py": "def test_b(): pass\n",
        },
        plan=CONTINUE,
        expect={"test_a": "passed"},
        collect_errors=("b",),
        covers=("collection-raises",),
    ),
    *(
        Fault(
            name=f"file_{name}",
            why=f"a test file {why}: the others run",
            files={"test_a.py": "def test_a(): pass\n", "test_bad.py": code, "test_z.py": "def test_z(): pass\n"},
            plan=CONTINUE,
            expect={"test_a": "passed", "test_z": "passed"},
            collect_errors=("test_bad.py",),
            covers=("collection-raises",),
        )
        for name, why, code in [
            ("raises", "raises at its import", "raise RuntimeError('a broken file')\n"),
            ("is_no_python", "is no Python", "def broken(:\n"),
            ("exits", "calls sys.exit(0) at its import", "import sys\nsys.exit(0)\n"),
            ("leaves", "ends its process at its import", "import os\nos._exit(0)\n"),
            ("crashes", "crashes at its import", "import ctypes\nctypes.string_at(0)\n"),
            ("stops_the_collection", "calls pytest.exit at its import", "import pytest\npytest.exit('enough', 0)\n"),
            ("interrupts", "raises KeyboardInterrupt at its import", "raise KeyboardInterrupt\n"),
        ]
    ),
    Fault(
        name="file_is_not_utf8",
        why="a test file whose text cannot be read: the others run",
        files={
            "test_a.py": "def test_a(): pass\n",
            "conftest.py": """
                import pathlib
                pathlib.Path(__file__).with_name("test_bad.py").write_bytes(bytes([88, 61, 34, 255, 34, 10]))
            """,
        },
        plan=CONTINUE,
        expect={"test_a": "passed"},
        collect_errors=("test_bad.py",),
        leaves=("test_bad.py",),
        covers=("collection-raises",),
    ),
    in_conftest(
        "threads_at_import",
        "a thread that the import of conftest.py starts: no safe fork",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        code=0,
        where={"warm": {"warnings": ("threads are alive",)}},
    ),
]

"""Faults in what tests are called and in what they say."""

from __future__ import annotations

from tests.faults.fault import AFTER, BEFORE, Fault, in_test

STRANGE = r"""\x00\x1b[2J\x1b]0;title\x07\udcff\ud800]]>\ufffe&<!--\n::error::injected\n##vso[task.complete]\r"""
MANY = 20_000
LONG_IDS = 600  # of 4 000 characters: 2.4 million, more than an argument list holds

FAULTS = [
    in_test(
        "strange_message",
        "a message of everything that XML, terminals and CI services take for something else",
        f'def test_fault(): raise ValueError("{STRANGE}")',
        "failed",
        says="ValueError",
        covers=("strange-text",),
    ),
    in_test(
        "strange_output",
        "the same as output, and invalid UTF-8 with it",
        f"""
        import os, sys
        def test_fault():
            os.write(1, b"\\xff\\xfe\\x00]]>\\n::error::injected\\n")
            sys.stdout.write("{STRANGE.replace("udcff", "u2028").replace("ud800", "u2029")}")
            assert False
        """,
        "failed",
        says="assert False",
        covers=("strange-text",),
    ),
    in_test(
        "strange_ids",
        "the same in the ids of parameters",
        """
        import pytest
        @pytest.mark.parametrize("x", [1, 2, 3, 4], ids=["\\x1b[2J", "]]>&<", "a::b/../..", "x\\n::error::injected"])
        def test_strange(x): assert x != 2
        def test_fault(): pass
        """,
        "passed",
        code=1,
        expect={r"test_strange[\x1b[2J]": "passed", "test_strange[]]>&<]": "failed"}
        | {"test_strange[a::b/../..]": "passed", r"test_strange[x\n::error::injected]": "passed"},
        covers=("strange-text",),
    ),
    in_test(
        "strange_skip_reason",
        "the same as the reason of a skip",
        f'import pytest\ndef test_fault(): pytest.skip("{STRANGE}")',
        "skipped",
        covers=("strange-text",),
    ),
    in_test(
        "strange_properties",
        "the same as properties of the test",
        f'def test_fault(record_property): record_property("odd", "{STRANGE}")',
        "passed",
        covers=("strange-text",),
    ),
    in_test(
        "much_output",
        "200 MB on the standard output",
        "import os\ndef test_fault():\n    for _ in range(200): os.write(1, b'x' * (1 << 20))\n    assert False",
        "failed",
        says="assert False",
        covers=("much-output",),
    ),
    in_test(
        "much_output_uncaptured",
        "100 MB past pytest's capture",
        "import os\ndef test_fault():\n    for _ in range(100): os.write(1, b'x' * (1 << 20))\n    os._exit(1)",
        phase="pytest_args: [-s]",
        says="exited with 1",
        covers=("much-output",),
    ),
    in_test(
        "huge_message",
        "a message of 5 MB",
        "def test_fault(): raise ValueError('x' * 5_000_000)",
        "failed",
        says="ValueError",
    ),
    in_test(
        "huge_difference",
        "two long lists that differ",
        "def test_fault(): assert list(range(20000)) == list(range(1, 20001))",
        "failed",
        says="assert",
    ),
    in_test(
        "endless_repr",
        "RecursionError in the repr of an operand",
        "class Endless:\n    def __repr__(self): return repr(self)\ndef test_fault(): assert Endless() == 1",
        "failed",
        says="assert",
        covers=("endless-repr",),
    ),
    in_test(
        "bad_str",
        "an exception that cannot be shown",
        """
        class Bad(Exception):
            def __str__(self): raise RuntimeError("no text")
            __repr__ = __str__
        def test_fault(): raise Bad
        """,
        "failed",
        says="Bad",
        covers=("bad-str",),
    ),
    in_test(
        "repr_that_exits",
        "an operand whose repr ends the process",
        "import os\nclass Bad:\n    def __repr__(self): os._exit(0)\ndef test_fault(): assert Bad() == 1",
        says="exited with 0",
    ),
    in_test(
        "repr_that_interrupts",
        "an operand whose repr raises KeyboardInterrupt",
        "class Bad:\n    def __repr__(self): raise KeyboardInterrupt\ndef test_fault(): assert Bad() == 1",
        says="KeyboardInterrupt",
    ),
    in_test(
        "exception_that_lies",
        "an exception with a class, a traceback and attributes of other types",
        """
        class Bad(Exception):
            __traceback__ = property(lambda self: 1)
            __cause__ = property(lambda self: self)
            __notes__ = 5
            @property
            def args(self): raise ValueError
        def test_fault(): raise Bad
        """,
        says="tb_frame",  # pytest itself cannot show it, and ends
    ),
    in_test(
        "long_chain",
        "an exception with two hundred causes",
        """
        def test_fault():
            error = None
            for n in range(200):
                try:
                    raise ValueError(n) from error
                except ValueError as caught:
                    error = caught
            raise error
        """,
        "failed",
        says="ValueError: 199",
    ),
    in_test(
        "chain_too_long_for_pytest",
        "an exception with so many causes that showing them needs more frames than there are",
        """
        def test_fault():
            error = None
            for n in range(700):
                new = ValueError(n)
                new.__cause__ = error
                error = new
            raise error
        """,
        "failed",
        says="ValueError",
    ),
    in_test(
        "huge_group",
        "an exception group of three thousand",
        "def test_fault(): raise ExceptionGroup('many', [ValueError(n) for n in range(3000)])",
        "failed",
        says="ExceptionGroup",
    ),
    in_test(
        "deep_group",
        "exception groups in each other, two hundred deep",
        """
        def test_fault():
            error = ValueError("innermost")
            for n in range(200): error = ExceptionGroup(str(n), [error])
            raise error
        """,
        "failed",
        says="ExceptionGroup",
    ),
    Fault(
        name="same_name_everywhere",
        why="tests that have the same names in files of the same name",
        files={
            "a/__init__.py": "",
            "b/__init__.py": "",
            "a/test_same.py": f"{BEFORE}def test_fault(): assert False\n",
            "b/test_same.py": f"def test_fault(): pass\n{AFTER}",
        },
        expect={"a/test_same.py::test_before": "passed", "a/test_same.py::test_fault": "failed"}
        | {"b/test_same.py::test_fault": "passed", "b/test_same.py::test_after": "passed"},
        says={"a/test_same.py::test_fault": "assert False"},
    ),
    Fault(
        name="many_tests",
        why="20 000 tests",
        files={
            "test_fault.py": f"""
                import pytest
                @pytest.mark.parametrize("n", range({MANY}))
                def test_fault(n): assert n != 777
            """
        },
        expect={f"test_fault[{n}]": "failed" if n == 777 else "passed" for n in range(MANY)},
        says={"test_fault[777]": "777"},
        isolations=("phase",),
        covers=("many-tests",),
    ),
    Fault(
        name="long_ids",
        why="more ids of 4 000 characters than an argument list holds; the first one takes the process down",
        files={
            "test_fault.py": f"""
                import os, pytest
                @pytest.mark.parametrize("n", range({LONG_IDS}), ids=[f"{{n:04000d}}" for n in range({LONG_IDS})])
                def test_fault(n):
                    if n == 0: os._exit(0)
            """
        },
        expect={f"test_fault[{n:04000d}]": "passed" if n else "crashed" for n in range(LONG_IDS)},
        says={f"test_fault[{0:04000d}]": "exited with 0"},
        isolations=("phase",),
        covers=("many-tests",),
    ),
]

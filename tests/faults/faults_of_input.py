"""Faults in what the runner reads: the plan, pytest's configuration, the XML of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.faults.fault import Fault
from tests.support.projects import Project, survivors

TEST = {"test_fault.py": "def test_fault(): pass\n"}
BOMB = "".join(
    f"{name}: &{name} [{', '.join([f'*{inner}'] * 10)}]\n" for inner, name in zip("abcdefghi", "bcdefghij", strict=True)
)
XML_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in zip("abcdefgh", "bcdefghi", strict=True)
)
JUNIT = '<testsuites><testsuite name="s" tests="1"><testcase classname="c" name="n"/></testsuite></testsuites>'
CASE = '<testcase classname="c" name="n"/>'
MANY = 100_000


def refused(
    prepare: Callable[[Path], object], *said: str, code: int = 2, arguments: tuple[str, ...] = ()
) -> Callable[[Project], None]:
    """`run` says what is wrong with its input, and starts nothing."""

    def drive(project: Project) -> None:
        prepare(project.root)
        done = project.run(*arguments)
        assert done.code == code, done.output
        assert [text for text in said if text not in done.output] == [], done.output
        assert "Traceback" not in done.output
        assert len(done.output) < 20_000
        assert survivors(done.mark) == []

    return drive


def plan(content: bytes) -> Callable[[Path], object]:
    """Puts this in the place of the plan."""
    return lambda root: (root / "runner.yaml").write_bytes(content)


def no_plan(root: Path) -> None:
    """Takes the plan away."""
    (root / "runner.yaml").unlink()


def directory(root: Path) -> None:
    """Puts a directory in the place of the plan."""
    (root / "runner.yaml").unlink()
    (root / "runner.yaml").mkdir()


def merging(content: str, code: int, *said: str, cases: int = 1) -> Callable[[Project], None]:
    """`merge` of one good file and one with this content: what it makes of it, and that the good one is kept.

    A file that cannot be read is a testcase of its own, an error: so whoever reads the result alone sees it too.
    """

    def drive(project: Project) -> None:
        project.write("good.xml", JUNIT)
        (project.root / "odd.xml").write_text(content, encoding="utf-8")
        done = project.start("merge", "good.xml", "odd.xml", "-o", "out.xml").wait()
        assert done.code == code, done.output
        assert [text for text in said if text not in done.output] == [], done.output
        assert "Traceback" not in done.output
        if (project.root / "out.xml").exists():
            assert len(list(ElementTree.parse(project.root / "out.xml").iter("testcase"))) == cases
        for name in ("good.xml", "odd.xml", "out.xml"):
            (project.root / name).unlink(missing_ok=True)
        assert survivors(done.mark) == []

    return drive


def once(name: str, why: str, drive: Callable[[Project], None], *covers: str) -> Fault:
    """A fault that comes before anything runs: neither launcher nor isolation have to do with it."""
    return Fault(
        name=name,
        why=why,
        files=TEST,
        drive=drive,
        covers=covers,
        launchers=("exec",),
        isolations=("phase",),
        leaves=("runner.yaml", "pytest.ini"),
    )


FAULTS = [
    once(
        "plan_missing",
        "the plan that is named is not there",
        refused(no_plan, "runner.yaml", arguments=("-c", "runner.yaml")),
        "bad-plan",
    ),
    once("plan_empty", "an empty plan", refused(plan(b""), "runner.yaml"), "bad-plan"),
    once("plan_is_a_directory", "a directory in the place of the plan", refused(directory, "runner.yaml"), "bad-plan"),
    once(
        "plan_is_not_utf8",
        "a plan in another encoding",
        refused(plan(b"version: 1\nname: \xff\n"), "UTF-8"),
        "bad-plan",
    ),
    once(
        "plan_has_control_characters", "a plan with NUL", refused(plan(b"version: 1\x00\n"), "runner.yaml"), "bad-plan"
    ),
    once("plan_is_a_list", "a plan that is YAML, and no plan", refused(plan(b"- 1\n- [\n"), "runner.yaml"), "bad-plan"),
    once(
        "plan_is_huge", "a plan of 10 MB", refused(plan(b"# " + b"x" * 10_000_000 + b"\n"), "runner.yaml"), "bad-plan"
    ),
    once(
        "plan_expands",
        "anchors that expand to billions of nodes",
        refused(plan(f"version: 1\na: &a [x]\n{BOMB}".encode()), "runner.yaml"),
        "bad-plan",
    ),
    once(
        "plan_nests",
        "a plan a hundred thousand levels deep",
        refused(plan(b"a: " + b"[" * 100_000 + b"\n"), "runner.yaml"),
        "bad-plan",
    ),
    once(
        "plugin_missing",
        "pytest's own configuration names a plugin that is not there",
        refused(lambda root: (root / "pytest.ini").write_text("[pytest]\naddopts = -p no_such\n"), "no_such"),
    ),
    once("junit_truncated", "XML that ends in the middle", merging(JUNIT[:60], 4, "odd.xml", cases=2), "bad-junit"),
    once("junit_empty", "an empty XML file", merging("", 4, "odd.xml", cases=2), "bad-junit"),
    once(
        "junit_of_another_dialect",
        "XML without testsuites, with elements of its own",
        merging('<testsuite><x/><testcase name="m"><y/><failure/></testcase></testsuite>', 0, cases=2),
        "bad-junit",
    ),
    once(
        "junit_of_something_else",
        "XML that has nothing to do with tests",
        merging("<html/>", 4, "odd.xml", cases=2),
        "bad-junit",
    ),
    once(
        "junit_bomb",
        "entities that expand to billions of characters",
        merging(f"{XML_BOMB}]><testsuite><testcase name='&i;'/></testsuite>", 4, "odd.xml", cases=2),
        "bad-junit",
    ),
    once(
        "junit_huge",
        "100 000 testcases",
        merging(f"<testsuite>{CASE * MANY}</testsuite>", 0, cases=MANY + 1),
        "bad-junit",
    ),
]

"""The HTML report as a file: complete, closed, and inert whatever tests are called."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import TestRef
from async_test_runner.model.result import Detail, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import PhasePlanned, PhaseStarted, RunStarted, TestStarted
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats import html as html_format
from async_test_runner.reports.formats.html import render
from tests.reports.test_hostile import HOSTILE, history
from tests.support.events import ONE_OF_EACH

from .html_sample import EVIL, attempt, large, small

SCRIPT = Path(html_format.__file__).parent / "page" / "report.js"
EVILS = st.sampled_from(
    ["</script>", "<script>alert(1)</script>", "<!--", "--!>", "]]>", "<img src=x onerror=a()>", "'\"&lt;", "\ud800"]
)
TEXTS = st.lists(EVILS | HOSTILE | st.text(max_size=4), min_size=1, max_size=6).map("".join)


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside][-1] += data
        else:
            self.text += data

    @property
    def blobs(self) -> list[Any]:
        return [json.loads(zlib.decompress(base64.b64decode(line))) for line in self.raw["script"][0].split()]


def page(result: RunResult, code: ExitCode = ExitCode.FAILED) -> Page:
    return Page(b"".join(render(result, code, now=lambda: 1.0)).decode())


def shown(core: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    """Id, outcome, start and duration of each test, as the page unpacks them."""
    tests, at, found = core["tests"], 0, []
    for index, name in enumerate(tests["n"]):
        at += tests["s"][index]
        id = core["files"][tests["f"][index]] + (f"::{name}" if name else "")
        found.append((id, core["outcomes"][tests["o"][index]][0], at, tests["d"][index]))
    return found


def assert_closed(found: Page) -> None:
    """Nothing but our own script and style, no handler, no address, and a policy that names their hashes."""
    tags = [tag for tag, _ in found.elements]
    assert tags.count("script") == 2
    assert tags.count("style") == 1
    allowed = {*("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "ul", "li", "pre", "code")}
    assert set(tags) <= allowed | {"div", "script"}
    names = {name for _, attributes in found.elements for name in attributes}
    assert names <= {"lang", "charset", "http-equiv", "content", "name", "id", "hidden", "type"}
    policy = next(a["content"] or "" for _, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    for kind, text in (("script", found.raw["script"][1]), ("style", found.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_data_are_the_run() -> None:
    result = small()
    core = page(result).blobs[0]
    expected = []
    for test in result.tests():
        last = test.attempts[-1] if test.attempts else None
        at = round((last.at - result.at) * 1000) if last else (expected[-1][2] if expected else 0)
        expected.append((test.id, test.outcome.value, at, round(test.duration * 1000)))
    assert shown(core) == expected
    assert core["proof"] == {"planned": 10, "with_outcome": 9, "left": 0, "violations": []}
    assert {value: count for value, _, _, count in core["outcomes"] if count} == {
        outcome.value: count for outcome, count in result.counts.items()
    }


def test_a_test_has_its_marks_and_its_details() -> None:
    core, *chunks = page(small()).blobs
    marks = dict(zip(core["tests"]["n"], core["tests"]["x"], strict=True))
    assert {name: mark for name, mark in marks.items() if mark} == {
        "test_retry": html_format.FLAKY + html_format.LEAKING,
        "test_drain": html_format.SLOW,
        "test_order": html_format.ORDER_DEPENDENT,
    }
    details = [detail for chunk in chunks for detail in chunk]
    by_name = {
        name: details[number - 1] for name, number in zip(core["tests"]["n"], core["tests"]["c"], strict=True) if number
    }
    assert "test_empty" not in by_name
    assert by_name[EVIL]["a"][0]["d"] == [["call", "failed", EVIL, EVIL]]
    assert [attempt["n"] for attempt in by_name["test_retry"]["a"]] == [1, 2]
    assert by_name["test_retry"]["a"][1]["l"] == [["tasks", "task flush still pending", "app/queue.py:58 in drain"]]
    assert by_name["test_order"]["before"] == ["a.py::x"]
    assert (
        by_name["test_drain"]["again"] == "async-test-run run -c /p/runner.yaml --test tests/test_jobs.py::test_drain"
    )


def test_the_timeline_has_lanes_attempts_processes_and_commands() -> None:
    core = page(small()).blobs[0]
    assert core["lanes"] == [[0, 0], [0, 1]]
    assert [row[1:] for row in core["earlier"]] == [[1, 0, 2000, 300, 0]]
    assert core["processes"][1][:5] == ["async/0002", 1, 600, 3100, -11]
    assert core["phases"][0]["commands"] == [["setup", "alembic upgrade head", 0, 100, 500, "ok\n", ""]]


def test_without_script_there_are_the_verdict_the_counts_and_the_first_failures() -> None:
    many = tuple(
        TestResult(id=f"a.py::t{n}", file="a.py", line=1, phase="async", attempts=(attempt(Outcome.FAILED, 1.0, 0.1),))
        for n in range(60)
    )
    result = small()
    found = page(msgspec.structs.replace(result, phases=(msgspec.structs.replace(result.phases[0], tests=many),)))
    assert "shop: failed" in found.text
    assert "60 failed in 3.90s" in found.text
    assert "60 planned = 60 in this file" in found.text
    assert "coverage is below 80 %" in found.text
    assert "failed: a.py::t49" in found.text
    assert "a.py::t50" not in found.text
    assert "10 more failures" in found.text


def test_a_run_under_way_says_so_and_when_it_was_written() -> None:
    run = page(small(goes_on=True)).blobs[0]["run"]
    assert (run["verdict"], run["goes_on"], run["written"]) == ("goes on", True, 1000)
    assert "written" not in page(small()).blobs[0]["run"]
    assert page(small(), ExitCode.NOTHING_SELECTED).blobs[0]["run"]["verdict"] == "nothing selected"


def test_a_test_of_a_run_under_way_has_not_missed_it_yet() -> None:
    events = [event for event in ONE_OF_EACH if isinstance(event, RunStarted)]
    refs = (TestRef("a.py::runs", "a.py", 1), TestRef("a.py::waits", "a.py", 2))
    times = {"at": 1.0, "mono": 1.0, "phase": "p"}
    planned = PhasePlanned(**times, isolation=Isolation.TEST, workers=1, tests=refs)
    started = TestStarted(**times, id="a.py::runs", process="p/0001", attempt=1)
    result = fold([*events, planned, PhaseStarted(**times), started])
    for goes_on, reasons, label in (
        (True, ["it runs", "the run has not come to it"], "not yet run"),
        (False, ["in flight when the run ended", "the run ended before it"], "not run"),
    ):
        found = page(msgspec.structs.replace(result, goes_on=goes_on))
        core = found.blobs[0]
        assert core["reasons"] == reasons
        assert ("not_run", label) in [(value, name) for value, name, *_ in core["outcomes"]]
        assert f"2 {label}" in found.text


def test_details_that_have_no_room_are_counted_and_those_of_red_tests_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html_format, "_TOTAL_LIMIT", 3000)
    found = page(small())
    core, *chunks = found.blobs
    assert core["proof"]["left"] == 7 - sum(map(len, chunks)) > 0
    assert f"the details of {core['proof']['left']} tests are left out for their size" in found.text
    kept = {core["outcomes"][o][0] for o, number in zip(core["tests"]["o"], core["tests"]["c"], strict=True) if number}
    assert not kept & {"skipped", "passed"}
    assert len(core["tests"]["n"]) == 10


def test_the_middle_of_long_details_is_cut_and_it_says_how_much() -> None:
    long = Detail("call", Outcome.FAILED, "m", f"begin{'x' * 200_000}end")
    test = TestResult(
        id="a.py::t", file="a.py", line=1, phase="async", attempts=(attempt(Outcome.FAILED, 1.0, 0.1, details=(long,)),)
    )
    phase = msgspec.structs.replace(small().phases[0], tests=(test,))
    _, chunk = page(small(phases=(phase,))).blobs
    text = chunk[0]["a"][0]["d"][0][3]
    left = re.search(r"… (\d+) characters are left out here …", text)
    assert left is not None
    kept = len(text) - len(left[0]) - 2
    assert kept + int(left[1]) == 200_008
    assert kept <= 64_000
    assert text.startswith("begin")
    assert text.endswith("end")


def test_an_empty_run_and_one_without_time_are_shown_too() -> None:
    found = page(small(phases=(), at=0.0))
    assert_closed(found)
    assert found.blobs[0]["tests"]["n"] == []


@settings(max_examples=60)
@example("tests/test_a.py", "", "")
@given(TEXTS, TEXTS, TEXTS)
def test_whatever_tests_are_called_and_say_nothing_leaves_its_place(name: str, message: str, output: str) -> None:
    detail = Detail("call", Outcome.FAILED, message, output)
    tests = tuple(
        TestResult(
            id=id, file=name, line=1, phase="async", attempts=(attempt(Outcome.FAILED, 1.0, 0.1, details=(detail,)),)
        )
        for id in (f"{name}::{message}", name)
    )
    phase = msgspec.structs.replace(small().phases[0], tests=tests, reason=message)
    found = page(small(phases=(phase,), plan=name, run_id=message, root=output, warnings=(output,)))
    assert_closed(found)
    core, chunk = found.blobs
    assert [id for id, *_ in shown(core)] == [test.id for test in tests]
    assert [entry["a"][0]["d"] for entry in chunk] == [[["call", "failed", message, output]]] * 2
    assert core["warnings"] == [output]


@settings(max_examples=40)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.booleans())
def test_no_text_of_any_event_leaves_its_place(texts: list[str], resumed: bool) -> None:
    assert_closed(page(fold(history(texts, resumed=resumed))))


def test_the_page_asks_for_nothing_and_evaluates_nothing() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    style = SCRIPT.with_name("report.css").read_text(encoding="utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "http",
    ):
        assert word not in script
    assert "import" not in script.split("//")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "</" not in script + style  # would end its element
    assert len((script + style).encode()) < 150_000


def test_a_hundred_thousand_tests_are_below_three_megabytes() -> None:
    result = large(100_000, 1591)
    size, last = 0, b""
    for piece in render(result, ExitCode.FAILED):
        size += len(piece)
        last = piece
    assert size < 3_000_000
    assert last.endswith(b"</html>\n")


# ------------------------------------------------------------------------------------- what the page does, under node

NODE = shutil.which("node")
CHECKS = """
const assert = require("assert"), page = require(process.argv[1]), fs = require("fs");
(async () => {
  const blobs = fs.readFileSync(0, "utf8").trim().split("\\n"), run = page.expand(await page.inflate(blobs[0]));
  const names = (list) => list.map((i) => run.t.n[i]);
  const all = (more) => page.filter(run, { text: "", phase: -1, file: -1, outcomes: new Set(), flag: 0, ...more });
  assert.equal(all({}).length, 10);
  assert.deepEqual(names(all({ text: "JOBS drain" })), ["test_drain"]);
  assert.deepEqual(names(all({ flag: 1 })), ["test_retry"]);
  assert.deepEqual(names(all({ file: run.core.files.indexOf("tests/test_native.py") })), ["test_crash"]);
  assert.deepEqual(all({ phase: 1 }), []);
  const outcome = (i) => run.core.outcomes[run.t.o[i]][0];
  assert.equal(outcome(page.order(run, all({}), "failures")[0]), "failed");
  assert.equal(names(page.order(run, all({}), "slowest"))[0], "test_drain");
  assert.deepEqual(page.order(run, all({}), "plan"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(page.ansi("a\\x1b[1;31mb\\x1b[0mc\\x1b[2J"), [["", "a"], ["c1 b", "b"], ["", "c\\\\x1b[2J"]]);
  assert.equal(page.plain("a\\u202e\\ud800\\ud83d\\ude00\\n"), "a\\\\u202e\\\\ud800\\ud83d\\ude00\\n");
  const classes = ["E   - a", "E   + a", "E   x", "a.py:1: X", "x"].map(page.lineClass);
  assert.deepEqual(classes, ["minus", "plus", "e", "at", ""]);
  assert.equal(page.quoted("a.py::b"), "a.py::b");
  assert.equal(page.quoted("it's $x"), `'it'"'"'s $x'`);
  assert.deepEqual([5, 1500, 65000, 3661000].map(page.took), ["0.005 s", "1.50 s", "1 m 05 s", "1 h 01 m"]);
  const line = page.bars(run);
  const lanes = line.lanes.map((l) => [l.name, l.bars.length, l.spans.length]);
  assert.deepEqual(lanes, [["async commands", 1, 0], ["async 0", 8, 1], ["async 1", 2, 1]]);
  assert.deepEqual([line.from, line.to], [0, 3700]);
  run.core.processes[1][6] = 3; // it holds the slots of its workers
  assert.deepEqual(page.bars(run).lanes.map((l) => l.spans.length), [0, 1, 1, 1, 1]);
  const waits = line.lanes[1].bars.filter((b) => b.waits);
  assert.deepEqual(waits.map((b) => [b.attempt, b.e, b.waits]), [[1, 2300, 3100]]);
  const dense = Array.from({ length: 1000 }, (_, i) => ({ s: i * 0.01, e: i * 0.01, outcome: i === 500 ? 0 : 5 }));
  const drawn = page.rectangles(dense, 0, 1, 100);
  assert.equal(drawn.length, 10);
  assert.equal(drawn.filter((r) => r.outcome === 0).length, 1);
})().catch((e) => { console.error(e); process.exit(1); });
"""


@pytest.mark.processes
@pytest.mark.skipif(NODE is None, reason="no node here")
def test_the_functions_of_the_page_do_what_they_say() -> None:
    assert NODE is not None
    data = page(small()).raw["script"][0]
    done = subprocess.run([NODE, "-e", CHECKS, str(SCRIPT)], input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_entities_of_the_static_part_are_what_was_said() -> None:
    text = b"".join(render(small(), ExitCode.FAILED)).decode()
    assert html.escape(EVIL) in text
    assert EVIL not in text

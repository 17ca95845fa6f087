"""The HTML report in a real browser: each thing that a reader can do, and that nothing of a test is ever run."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import RunResult
from async_test_runner.reports.formats.html import render
from tests.reports.formats.html_sample import EVIL, large, small
from tests.support.projects import Project

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium here")
    if sys.version_info < (3, 12):  # tests of processes leave the watcher of children to their own loop
        asyncio.set_event_loop_policy(None)
    with driver.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a run's page. It must say nothing on the console, ask for nothing, and run nothing of a test."""
    wrong: list[str] = []
    pages: list[Any] = []

    def open(result: RunResult, *, hash: str = "", **context: Any) -> Any:
        file = tmp_path / "report.html"
        file.write_bytes(b"".join(render(result, ExitCode.FAILED)))
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 800}, "timezone_id": "UTC", **context})
        page.set_default_timeout(20_000)
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on(
            "request", lambda request: wrong.append(request.url) if request.url.split("#")[0] != file.as_uri() else 0
        )
        page.goto(file.as_uri() + hash)
        if context.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        pages.append(page)
        return page

    yield open
    for page in pages:
        if page.evaluate("window.hacked") is not None:
            wrong.append("a script of a test has run")
        page.close()
    assert wrong == []


def names(page: Any) -> list[str]:
    return [name.text_content().partition("::")[2] for name in page.query_selector_all(".row .name")]


def test_failures_stand_first_and_one_opens_with_its_diff_its_output_and_its_command(opened: Open) -> None:
    page = opened(small())
    assert page.text_content("header .verdict") == "failed"
    assert "10 planned = 10 shown; 9 have run" in page.text_content("#proof")
    assert names(page)[-1] == "test_xfail"
    assert len(names(page)) == 10
    page.click(".row:has-text('test_total')")
    detail = page.wait_for_selector("#detail:not([hidden])")
    assert detail.query_selector(".minus").text_content().strip() == "E         - {'sum': 12}"
    assert detail.query_selector(".plus").text_content().strip() == "E         + {'sum': 11}"
    assert "hello" in detail.text_content()
    assert "async-test-run run -c /p/runner.yaml --test" in detail.text_content()


def test_names_that_are_markup_are_shown_as_they_are(opened: Open) -> None:
    page = opened(small())
    page.click(".row:has-text('onerror')")
    page.wait_for_selector("#detail:not([hidden])")
    assert EVIL in page.text_content("#detail h2")
    assert page.query_selector_all("img, iframe, #app script") == []
    assert "test_total[京-\\u202ex]" in names(page)


def test_search_and_filters_narrow_the_list_together(opened: Open) -> None:
    page = opened(small())
    page.keyboard.press("/")
    page.keyboard.type("jobs")
    assert set(names(page)) == {"test_drain", "test_retry"}
    assert page.text_content("[role=search] [role=status]") == "2 of 10"
    page.click("button:has-text('1 flaky')")
    assert names(page) == ["test_retry"]
    page.fill("input", "")
    page.click("button:has-text('1 flaky')")
    page.select_option("select[aria-label=File]", label="tests/test_native.py")
    assert names(page) == ["test_crash"]
    page.select_option("select[aria-label=File]", label="All files")
    page.select_option("select[aria-label=Order]", label="Slowest first")
    assert names(page)[0] == "test_drain"
    page.click("button:has-text('2 passed')")
    assert set(names(page)) == {"test_retry", "test_empty"}
    assert page.get_attribute("button:has-text('2 passed')", "aria-pressed") == "true"


def test_all_of_it_can_be_done_with_keys(opened: Open) -> None:
    page = opened(small())
    page.keyboard.press("f")
    assert "test_xfail" not in names(page)
    page.keyboard.press("f")
    for key in "jjj":
        page.keyboard.press(key)
    assert page.get_attribute(".row[aria-selected=true]", "aria-posinset") == "3"
    page.keyboard.press("k")
    page.keyboard.press("o")
    page.wait_for_selector("#detail:not([hidden])")
    assert page.get_attribute("#list", "aria-activedescendant") == "row1"
    page.keyboard.press("Escape")
    assert page.query_selector("#detail:not([hidden])") is None
    page.focus("#tab-tests")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-timeline", "aria-selected") == "true"


def test_an_address_leads_to_one_test_and_the_open_test_stands_in_it(opened: Open) -> None:
    page = opened(small(), hash="#test=tests%2Ftest_jobs.py%3A%3Atest_retry")
    page.wait_for_selector("#detail:not([hidden])")
    text = page.text_content("#detail")
    assert "Attempt 1: failed" in text
    assert "Attempt 2 waited 0.80 s after attempt 1." in text
    assert "tasks: task flush still pending; made at app/queue.py:58 in drain" in text
    page.click(".row:has-text('test_crash')")
    page.wait_for_selector("#detail h2:has-text('test_crash')")
    assert page.evaluate("location.hash") == "#test=tests%2Ftest_native.py%3A%3Atest_crash"


def test_the_timeline_shows_what_is_pointed_at_moves_and_opens_a_test(opened: Open) -> None:
    page = opened(small())
    page.click("#tab-timeline")
    canvas = page.wait_for_selector("canvas")
    assert "3 lanes" in canvas.get_attribute("aria-label")
    box = canvas.bounding_box()
    left, width = 130, box["width"] - 130
    at = lambda seconds, lane: {"x": left + width * seconds / 3.7, "y": 26 + 22 * lane + 11}  # noqa: E731
    canvas.hover(position=at(0.3, 0))
    assert page.text_content("#tip").startswith("setup: alembic upgrade head")
    canvas.hover(position=at(2.1, 1))
    assert "failed, attempt 1" in page.text_content("#tip")
    assert "waited 0.80 s for the next attempt" in page.text_content("#tip")
    canvas.hover(position=at(0.7, 1))
    assert "no test runs here" in page.text_content("#tip")
    page.click("button[aria-label='Zoom in']")
    canvas.hover(position=at(0.3, 0))
    assert page.text_content("#tip") == ""
    page.click("button:has-text('Whole run')")
    canvas.click(position=at(2.0, 2))
    page.wait_for_selector("#detail h2:has-text('test_drain')")
    assert page.get_attribute("#tab-tests", "aria-selected") == "true"
    assert "app/queue.py:41 in drain" in page.text_content("#detail")


def test_lists_and_the_run_itself_are_pages(opened: Open) -> None:
    page = opened(small())
    page.click("#tab-lists")
    assert page.text_content("#view-lists table td:nth-child(2)") == "tests/test_jobs.py::test_drain"
    page.click("#tab-run")
    text = page.text_content("#view-run")
    for words in ("coverage is below 80 %", "alembic upgrade head", "signal 11", "markers: not slow", "a warning"):
        assert words in text
    page.click("#tab-lists")
    page.click("#view-lists a:has-text('test_retry')")
    page.wait_for_selector("#detail h2:has-text('test_retry')")


def test_a_run_under_way_and_one_that_was_killed_say_so(opened: Open) -> None:
    assert "The run goes on." in opened(small(goes_on=True)).text_content(".banner")
    assert "did not come to its end" in opened(small(finished=False)).text_content(".banner")


def test_a_phone_has_one_column_and_nothing_wider_than_it(opened: Open) -> None:
    page = opened(small(), viewport={"width": 360, "height": 700})
    page.click(".row:has-text('test_total')")
    page.wait_for_selector("#detail:not([hidden])")
    assert not page.is_visible("#list")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("text=All tests")
    assert page.is_visible("#list")


def test_on_paper_and_without_script_the_failures_are_there(opened: Open, browser: Any, tmp_path: Path) -> None:
    page = opened(small())
    page.emulate_media(media="print")
    assert page.is_visible("#static")
    assert not page.is_visible("#app")
    bare = opened(small(), java_script_enabled=False)
    assert bare.is_visible("#static")
    assert "failed: tests/test_cart.py::test_order" in bare.text_content("#static")


def test_text_has_contrast_in_light_and_in_dark(opened: Open) -> None:
    for scheme in ("light", "dark"):
        page = opened(small(), color_scheme=scheme)
        ratios = page.evaluate("""() => {
          const rgb = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          const light = (c) => { const [r, g, b] = rgb(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return "rgb(255,255,255)"; };
          return [...document.querySelectorAll(".row *, header *, .banner, button")].filter((e) => e.offsetWidth && e.textContent).map((e) => {
            const a = light(getComputedStyle(e).color), b = light(back(e));
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ": " + e.textContent];
          }).filter(([ratio]) => ratio < 4.5);
        }""")  # noqa: E501
        assert ratios == []


def test_a_hundred_thousand_tests_scroll_without_a_gap_and_only_those_in_sight_exist(opened: Open) -> None:
    page = opened(large(100_000, 1591))
    assert "100,000 planned = 100,000 shown" in page.text_content("#proof")
    for share in (0.25, 0.5, 1.0):
        page.evaluate(
            "(share) => { const l = document.getElementById('list'); l.scrollTop = l.scrollHeight * share; }", share
        )
        page.wait_for_function("""() => {
          const box = document.getElementById('list').getBoundingClientRect();
          const rows = [...document.querySelectorAll('.row')].map((r) => r.getBoundingClientRect()).sort((a, b) => a.top - b.top);
          return rows[0].top <= box.top && rows.at(-1).bottom >= Math.min(box.bottom, innerHeight) - 1
            && rows.every((r, i) => !i || Math.abs(r.top - rows[i - 1].bottom) < 1);
        }""")  # noqa: E501
    assert len(page.query_selector_all(".row")) < 120
    assert page.get_attribute(".row:last-child", "aria-posinset") == "100000"
    page.click("#tab-timeline")
    page.wait_for_selector("canvas")


# --------------------------------------------------------------------------------------------------- the command line


def core(file: Path) -> dict[str, Any]:
    """The data of a page."""
    line = file.read_text(encoding="utf-8").partition('id="data">\n')[2].partition("\n")[0]
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(line)))
    return found


def test_a_run_writes_its_page_where_the_plan_and_the_command_line_say(project: Project) -> None:
    project.plan("reports: {html: of/plan.html}\nphases: [{name: all, setup: ['true']}]")
    project.write("test_a.py", "def test_one(): assert 0\ndef test_two(): pass\n")
    project.run().check(1)
    (own,) = project.root.glob(".async-test-run/runs/*/report.html")
    assert (project.root / "of" / "plan.html").read_bytes() == own.read_bytes()
    found = core(own)
    assert found["tests"]["n"] == ["test_one", "test_two"]
    assert (found["run"]["verdict"], found["run"]["goes_on"]) == ("failed", False)
    ((stage, command, status, at, *_),) = found["phases"][0]["commands"]
    assert (stage, command, status) == ("setup", "true", 0)
    assert 0 <= at <= found["run"]["wall"]


@pytest.mark.thorough
def test_the_page_is_written_while_the_run_goes_on(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    waiting = """
        import os, time
        def test_first(): pass
        def test_waits():
            while not os.path.exists("out.html"): time.sleep(0.05)
            os.link("out.html", "seen.html")
    """
    project.write("test_a.py", waiting)
    project.run("--html", "out.html").check(0)
    seen, last = core(project.root / "seen.html"), core(project.root / "out.html")
    assert (seen["run"]["verdict"], seen["proof"]["with_outcome"]) == ("goes on", 1)
    assert seen["reasons"] == ["", "it runs"]
    assert (last["run"]["verdict"], last["proof"]["with_outcome"]) == ("passed", 2)

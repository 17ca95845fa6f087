"""The site of the documentation: its navigation, and what its check finds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "site.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_navigation_has_every_page_of_the_list(script: ModuleType) -> None:
    text = script.navigation()
    assert '{ "Home" = "README.md" }' in text
    assert '{ "Leaks" ' not in text
    assert '"docs/how-to/leaks.md"' in text
    assert '"ARCHITECTURE.md"' in text


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="other.html#there">x</a>', ""),
        ('<a href="https://example.org/">x</a>', ""),
        ('<a href="none.html">x</a>', "index.html: link to none.html: there is no such file"),
        ('<a href="other.html#none">x</a>', "index.html: link to other.html#none: there is no such place"),
        ('<script src="https://example.org/a.js"></script>', "index.html: loads https://example.org/a.js"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "index.html: loads //example.org/a.css"),
        ('<link rel="canonical" href="https://example.org/">', ""),
    ],
)
def test_links_and_foreign_hosts_are_checked(script: ModuleType, tmp_path: Path, html: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    (tmp_path / "other.html").write_text('<p id="there">', encoding="utf-8")
    assert list(script.problems(tmp_path)) == ([problem] if problem else [])


def test_a_style_that_loads_from_another_host_is_found(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a { src: url(https://example.org/f.woff) } b { src: url(f.woff) }", "utf-8")
    assert list(script.problems(tmp_path)) == ["a.css: loads url(https://example.org/f.woff"]

"""``async-test-run help``: the pages of ``docs/`` in the terminal.

A topic is a page by the name of its file (``hangs``), or a section of the reference by the name that is code in its
heading (``test_timeout``, ``run_started``). On a terminal pages are drawn; elsewhere they are Markdown.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from ..model.errors import InternalError, UsageError
from ..words.wording import quoted

_EPILOG = """\b
Examples:
  async-test-run help                list all topics
  async-test-run help hangs          find out why a test hangs
  async-test-run help test_timeout   a key of the plan
  async-test-run help plan | less    all keys"""

_PACKAGE = Path(__file__).resolve().parent.parent
# An installed package brings its pages along; a checkout has them beside the package.
_PLACES = (_PACKAGE / "docs", _PACKAGE.parent / "docs")
_FOLDERS = ("", "how-to", "reference", "explanation")  # in the order of the list
_WIDEST = 100
_NEAREST = 3
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ ")


class Page(NamedTuple):
    """A page by its topic; ``about`` is its first sentence."""

    topic: str
    folder: str
    about: str
    text: str


@click.command("help", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topic", required=False)
def command(topic: str | None) -> None:
    """Show a page of the documentation, or a section of the reference.

    Without TOPIC, all topics are listed.
    """
    pages = {page.topic: page for page in _pages()}
    text = _listed(pages) if topic is None else _about(topic, pages)
    if sys.stdout.isatty():
        _draw(text)
    else:
        click.echo(text, nl=False)


def _pages() -> Iterator[Page]:
    """Every page that is a topic. `InternalError` when there are none: the package is not whole."""
    place = next((place for place in _PLACES if (place / "tutorial.md").is_file()), None)
    if place is None:
        raise InternalError("the pages of the documentation are not installed")
    for folder in _FOLDERS:
        for path in sorted((place / folder).glob("*.md")):
            if path.stem != "README":
                text = _linked(_COMMENT.sub("", path.read_text(encoding="utf-8")), path, place)
                yield Page(path.stem, folder, _first(text), text)


def _first(text: str) -> str:
    """The first paragraph below the title."""
    return " ".join(text.split("\n\n")[1].split())


def _linked(text: str, path: Path, place: Path) -> str:
    """Links to other topics as the words to type; other links as their text."""

    def shown(link: re.Match[str]) -> str:
        target = link[2].partition("#")[0]
        page = (path.parent / target).resolve()
        is_topic = target.endswith(".md") and page.stem != "README" and page.parent.parent in (place, place.parent)
        if not is_topic or page.parent.name not in (place.name, *_FOLDERS):
            return link[1] if ":" not in link[2] else link[0]
        return f"{link[1]} (`help {page.stem}`)"

    return _LINK.sub(shown, text)


def _listed(pages: dict[str, Page]) -> str:
    """All topics with a line each, as Markdown."""
    lines = ["# Topics", "", "`async-test-run help TOPIC` shows one of these, or a key of the plan."]
    for folder in _FOLDERS:
        lines += ["", f"## {folder.replace('-', ' ').capitalize() or 'Pages'}", ""]
        lines += [f"- `{page.topic}`: {page.about}" for page in pages.values() if page.folder == folder]
    return "\n".join(lines) + "\n"


def _about(topic: str, pages: dict[str, Page]) -> str:
    """A page, or the sections of the reference with this name. `UsageError` with the nearest names for another word."""
    if topic in pages:
        return pages[topic].text
    sections = [part for page in pages.values() if page.folder == "reference" for part in _sections(page.text)]
    found = [text for name, text in sections if name == topic]
    if found:
        return "\n".join(found)
    near = difflib.get_close_matches(topic.lower(), [*pages, *(name for name, _ in sections)], _NEAREST)
    meant = f"did you mean {' or '.join(map(quoted, near))}?" if near else f"topics are {', '.join(pages)}"
    raise UsageError(f"there is no topic {quoted(topic)}; {meant}", hint="async-test-run help lists all topics")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The sections of a page whose heading begins with code, by that code."""
    name = ""
    lines: list[str] = []
    for line in [*text.splitlines(), "# "]:
        if _HEADING.match(line):
            if name:
                yield name, "\n".join(lines).rstrip() + "\n"
            code = re.match(r"#+ `([^`]+)`", line)
            name, lines = (code[1] if code else ""), []
        lines.append(line)


def _draw(text: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console = Console(width=min(console.width, _WIDEST))
    console.print(Markdown(text, hyperlinks=False))

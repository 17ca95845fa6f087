"""Build the site of the documentation into build/site, and check it. scripts/site.sh makes the environment and runs it.

The generator reads a copy of the repository's Markdown, in the same directories, with the files that it links to. So
links that work on GitHub work in the site.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PAGES = BUILD / "pages"
SITE = BUILD / "site"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
_PARTS = re.compile(r"^## (.+)\n\n((?:- .*\n)+)", re.MULTILINE)
_ITEM = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\)", re.MULTILINE)
_CONFIG = """\
[project]
site_name = "async-test-run"
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
nav = [
{nav}
]

[project.theme]
font = false
"""


def documents() -> list[Path]:
    """The Markdown files that git knows or would add, relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def copy_pages() -> None:
    """The documents and what they link to."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for document in documents():
        text = (ROOT / document).read_text(encoding="utf-8")
        _copy(ROOT / document)
        for link in _LINK.findall(text):
            target = (ROOT / document).parent / link
            if not urlsplit(link).scheme and target.is_file():
                _copy(target.resolve())


def _copy(path: Path) -> None:
    copy = PAGES / path.relative_to(ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)


def navigation() -> str:
    """The lists of docs/README.md as the generator's navigation."""
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    lines = ['  { "Home" = "README.md" },']
    for title, items in _PARTS.findall(text):
        inner = [f'{{ "{name}" = "{_from_root(target)}" }}' for name, target in _ITEM.findall(items)]
        lines.append(f'  {{ "{title}" = [{", ".join(inner)}] }},')
    return "\n".join(lines)


def _from_root(target: str) -> str:
    return str((ROOT / "docs" / target).resolve().relative_to(ROOT))


def build() -> None:
    """Run the generator; its warnings end it."""
    shutil.rmtree(SITE, ignore_errors=True)
    config = BUILD / "zensical.toml"
    config.write_text(_CONFIG.format(nav=navigation()), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", str(config)]
    done = subprocess.run(command, cwd=BUILD, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


class Html(HTMLParser):
    """What a page of the site refers to: its anchors, its links, and what a browser loads with it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values.get("id", ""), values.get("name", "")}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(values.get("href", ""))
        elif tag in ("script", "img", "iframe", "source") and "src" in values:
            self.loaded.append(values["src"])


def problems(site: Path = SITE) -> Iterator[str]:
    """Links that lead nowhere, and what would be asked of another host."""
    pages = {path: Html(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        if name.name == "404.html":
            continue
        yield from (f"{name}: loads {url}" for url in page.loaded if urlsplit(url).netloc)
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#__skip":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name}: link to {link}: there is no such file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name}: link to {link}: there is no such place"
    for path in sorted(site.rglob("*.css")):
        for url in re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']+", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads {url}"


def main() -> int:
    copy_pages()
    build()
    found = list(problems())
    for line in found:
        print(line)
    print(f"site: {len(list(SITE.rglob('*.html')))} pages in build/site, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

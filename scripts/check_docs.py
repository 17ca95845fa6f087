"""Check what the documentation says against what is there.

- links to files of the repository, and to headings in them, lead somewhere
- scripts and files in shell blocks exist; scripts can be executed
- every ``async-test-run`` command line uses commands and options that exist
- YAML blocks that are plans, and every plan in the repository, are valid; hooks in pre-commit blocks exist
- the reference names every key, exit code, outcome and event once, and its generated parts are current
- every page of docs/ can be reached from docs/README.md
- no sentence is longer than 20 words, and half of a document's sentences have at most 14

Prints one line per problem, ``file:line: what``; exits 1 if there are any.
"""

from __future__ import annotations

import re
import shlex
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # this directory has a script with the name of the package
sys.path.append(str(ROOT / "scripts"))

import reference  # noqa: E402

from async_test_runner.commands import COMMANDS, load  # noqa: E402
from async_test_runner.model.errors import ExitCode, RunnerError  # noqa: E402
from async_test_runner.model.vocabulary import Outcome  # noqa: E402
from async_test_runner.plan import reading as plans  # noqa: E402
from async_test_runner.record.events import Event  # noqa: E402

_LINK = re.compile(r"(?<!\\)!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
_FENCE = re.compile(r"^ *(```+|~~~+) *([\w+-]*)")
_LONGEST_SENTENCE = 20  # words
_MEDIAN_SENTENCE = 14
_FEW = 10  # sentences: of fewer, no median is asked for
_SHELL = frozenset({"console", "shell", "sh", "bash", "shell-session"})


class Block(NamedTuple):
    """A fenced block: its language, the line of its first line, and its text."""

    language: str
    line: int
    text: str


def documents() -> list[Path]:
    """The Markdown files of the repository: what git knows or would add; without git, all that are not hidden."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    return [path for path in sorted(ROOT.rglob("*.md")) if not any(part[0] == "." for part in path.parts[1:])]


def split(text: str) -> tuple[list[tuple[int, str]], list[Block]]:
    """The lines of prose with their numbers, and the fenced blocks."""
    prose, blocks = [], []
    fence, language, start, lines = "", "", 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        match = _FENCE.match(line)
        if fence:
            if match and match[1].startswith(fence) and not match[2]:
                blocks.append(Block(language, start, "\n".join(lines)))
                fence = ""
            else:
                lines.append(line)
        elif match:
            fence, language, start, lines = match[1], match[2], number + 1, []
        else:
            prose.append((number, line))
    return prose, blocks


def anchors(text: str) -> set[str]:
    """The names of a document's headings as hosting sites make them."""
    found: dict[str, int] = {}
    names = set()
    for _, line in split(text)[0]:
        match = _HEADING.match(line)
        if match:
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
            name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            count = found[name] = found.get(name, -1) + 1
            names.add(f"{name}-{count}" if count else name)
    return names


def bad_links(path: Path, prose: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Links that lead nowhere; those to other sites are not followed."""
    for number, line in prose:
        for target in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name) if name else path
            if not file.exists():
                yield number, f"link to {target}: there is no such file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                yield number, f"link to {target}: there is no such heading"


def commands(block: Block) -> Iterator[tuple[int, list[str]]]:
    """The command lines of a shell block, as words; in a console block only what follows a prompt."""
    has_prompts = any(re.match(r" *[$%] ", line) for line in block.text.splitlines())
    for number, line in enumerate(block.text.replace("\\\n", "  ").splitlines(), block.line):
        text = line.strip()
        if has_prompts and not re.match(r"[$%] ", text):
            continue
        try:
            words = shlex.split(re.sub(r"^[$%] ", "", text), comments=True)
        except ValueError:
            continue
        yield number, [word for word in words if not re.fullmatch(r"[A-Z_]+=.*", word)]


def bad_command(words: list[str]) -> Iterator[str]:
    """What is wrong with one command line."""
    if not words:
        return
    if re.match(r"(\./)?scripts/", words[0]):
        script = ROOT / words[0]
        if not script.is_file():
            yield f"{words[0]}: there is no such script"
        elif not script.stat().st_mode & 0o100:
            yield f"{words[0]}: is not executable"
        words = ["async-test-run", "run", *words[1:]] if script.name in ("test.sh", "run_async_tests.sh") else []
    if words[:1] == ["async-test-run"]:
        yield from bad_arguments(words[1:])


def bad_arguments(words: list[str]) -> Iterator[str]:
    """Commands and options that the runner does not have."""
    ends = [words.index(word) for word in ("--", "|", "||", "&&", ";", ">", "2>") if word in words]
    words = words[: min(ends, default=len(words))]
    if words and words[0] not in COMMANDS and words[0].startswith("-"):
        if words[0] in ("--help", "-h", "--version"):
            return
        words = ["run", *words]
    name = words[0] if words and words[0] in COMMANDS else "run"
    known = {option for param in load(name).params for option in (*param.opts, *param.secondary_opts)}
    for word in words[1:] if words else []:
        option = word.split("=")[0]
        if re.match(r"--?[a-zA-Z]", option) and option not in {*known, "--help", "-h"}:
            short = re.fullmatch(r"-([a-zA-Z]+)", option)
            if not short or not all(f"-{letter}" in known for letter in short[1]):
                yield f"async-test-run {name} has no option {option}"


def bad_yaml(block: Block, hooks: frozenset[str]) -> Iterator[str]:
    """What is wrong with a plan or a pre-commit configuration; other YAML is not ours to judge."""
    try:
        value = yaml.safe_load(block.text)
    except yaml.YAMLError as error:
        yield f"YAML: {str(error).splitlines()[0]}"
        return
    if isinstance(value, dict) and {"version", "phases"} <= value.keys():
        yield from bad_plan(lambda: plans.parse(block.text, Path("runner.yaml")))
    elif isinstance(value, dict) and isinstance(value.get("repos"), list):
        ours = {
            hook["id"] for repo in value["repos"] if "async-test-run" in repo["repo"] for hook in repo.get("hooks", ())
        }
        yield from (f"there is no hook {id}" for id in sorted(ours - hooks))


def bad_plan(read: Callable[[], object]) -> Iterator[str]:
    """Every problem of a plan that is read so."""
    try:
        read()
    except RunnerError as error:
        yield from error.message.splitlines()


def sentences(prose: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The sentences of a document, with the lines on which their paragraphs begin; code counts as one word.

    The cells of tables and the items of lists are paragraphs of their own; headings and comments are none. A ``·``
    divides like a stop.
    """
    for number, paragraph in paragraphs(prose):
        text = re.sub(r"``?[^`]+``?", "code", paragraph)
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("*", "")
        for sentence in re.split(r"(?<=[.!?])[\"”)]? +(?=\S)| · ", text):
            if re.search(r"\w", sentence):
                yield number, sentence


def paragraphs(prose: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Paragraphs, items and cells, each on one line."""
    begun, lines = 0, list[str]()
    last = -1
    for number, line in [*prose, (-1, "")]:
        text = line.strip()
        apart = re.match(r"#{1,6} |\||<!--|[-*] |\d+\. |> |$", text)
        if lines and (apart or number != last + 1):
            yield begun, " ".join(lines)
            lines = []
        last = number
        if text.startswith("|"):
            yield from ((number, cell.strip()) for cell in re.split(r"(?<!\\)\|", text) if cell.strip(" -:"))
        elif text and not re.match(r"#{1,6} |<!--", text):
            begun = begun if lines else number
            lines.append(re.sub(r"^([-*]|\d+\.|>) +", "", text))


def words(sentence: str) -> int:
    return len(re.findall(r"[^\s–—-]\S*", sentence))


def long_sentences(prose: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Sentences that are too long, and a document whose sentences are long as a whole."""
    found = list(sentences(prose))
    for number, sentence in found:
        if words(sentence) > _LONGEST_SENTENCE:
            yield number, f"a sentence of {words(sentence)} words (at most {_LONGEST_SENTENCE}): {sentence[:60]}…"
    lengths = [words(sentence) for _, sentence in found if sentence.endswith((".", "!", "?", ":"))]
    if len(lengths) >= _FEW and statistics.median(lengths) > _MEDIAN_SENTENCE:
        yield 1, f"half of the sentences have {statistics.median(lengths):g} words or more (at most {_MEDIAN_SENTENCE})"


def incomplete_reference(pages: Path = ROOT / "docs" / "reference") -> Iterator[str]:
    """Keys, exit codes, outcomes and events that the reference does not name exactly once; parts that are stale."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(pages.glob("*.md"))}
    for path, text in texts.items():
        if reference.current(text) != text:
            yield f"docs/reference/{path.name}:1: is not current: python scripts/reference.py"
    wanted = {
        "plan.md": (r"^### `([^`]+)`", reference.plan_keys()),
        "journal.md": (r"^### `([^`]+)`$", [str(event.__struct_config__.tag) for event in get_args(Event)]),
        "outcomes.md": (r"^\| `?([\w]+)`? \|", [*Outcome, *(str(int(code)) for code in ExitCode)]),
    }
    for name, (pattern, keys) in wanted.items():
        found = Counter(re.findall(pattern, texts.get(pages / name, ""), re.MULTILINE))
        times = Counter(keys)
        yield from (
            f"docs/reference/{name}:1: {key} stands there {found[key]} times"
            for key in times
            if found[key] != times[key]
        )


def unreachable(root: Path = ROOT / "docs") -> Iterator[str]:
    """Pages that no chain of links reaches from docs/README.md."""
    reached, waiting = set[Path](), [root / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or not path.is_file() or path.suffix != ".md":
            continue
        reached.add(path)
        links = _LINK.findall(path.read_text(encoding="utf-8"))
        waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links]
    for path in sorted(set(root.rglob("*.md")) - reached):
        yield f"{path.relative_to(root.parent)}:1: no page links to it"


def problems() -> Iterator[str]:
    """All of them, ``file:line: what``."""
    hooks = frozenset(hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")))
    for path in documents():
        prose, blocks = split(path.read_text(encoding="utf-8"))
        found = [*bad_links(path, prose), *long_sentences(prose)]
        for block in blocks:
            if block.language in _SHELL:
                found += [(number, text) for number, words in commands(block) for text in bad_command(words)]
            elif block.language in ("yaml", "yml"):
                found += [(block.line, text) for text in bad_yaml(block, hooks)]
        yield from (f"{path.relative_to(ROOT)}:{number}: {text}" for number, text in sorted(found))
    yield from incomplete_reference()
    yield from unreachable()
    for path in [ROOT / "runner.yaml", *sorted((ROOT / "examples").glob("*/runner*.yaml"))]:
        yield from (f"{path.relative_to(ROOT)}: {text}" for text in bad_plan(partial(plans.load, path)))


def main() -> int:
    """Print what is wrong; returns the exit code."""
    found = list(problems())
    for line in found:
        print(line)
    print(f"documentation: {len(documents())} documents, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""The form of pytest's ``-m`` and ``-k`` expressions, checked where they are written.

Only what no pytest accepts is a problem: operators of other languages, missing operands, open parentheses. pytest alone
evaluates what users write; `holds` is for expressions of our own.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .wording import quoted

DEEPEST = 20  # pytest parses by recursion and compiles the result

_PIECE = re.compile(
    r"""\s*(?:(?P<word>[\w:+\-.\[\]\\/]+)(?P<call>\([^()=]+=[^()]*\))?|(?P<other>&&?|\|\|?|"[^"]*"|.))"""
)
_REMEDIES = {
    "&": 'write "and"',
    "&&": 'write "and"',
    "|": 'write "or"',
    "||": 'write "or"',
    "!": 'write "not"',
    ",": 'write "or" between names',
    "=": "write name(key=value) after a marker, or remove it",
}


def expression_problem(text: str) -> str:
    """What is wrong with an expression, ending with the remedy; empty when pytest will read it."""
    depth = 0
    wanted = True  # an operand is to come
    last = ""
    for found in _PIECE.finditer(text.rstrip()):
        word, other = found["word"], found["other"]
        piece = word or other
        if piece == ")" and not wanted:
            depth -= 1
            if depth < 0:
                return f'{quoted(text)} closes a parenthesis that is not open; remove the ")"'
        elif word in ("and", "or"):
            if wanted:
                return f"{quoted(text)} has nothing before {quoted(word)}; write a name there, or remove it"
            wanted = True
        elif other and other != "(":
            return f"{quoted(text)} contains {quoted(other)}; {_REMEDIES.get(other, _unknown(other))}"
        elif not wanted:
            return f'{quoted(text)} has no operator between {quoted(last)} and {quoted(piece)}; write "and" or "or"'
        elif other == "(":
            depth += 1
            if depth > DEEPEST:
                return f"{quoted(text)} is nested deeper than {DEEPEST} parentheses; write it simpler"
        else:
            wanted = word == "not"
        last = piece
    if wanted:
        return f'{quoted(text)} ends where a name must follow {quoted(last)}; write it, or remove the "{last}"'
    return f'{quoted(text)} leaves a parenthesis open; add ")"' if depth else ""


def _unknown(piece: str) -> str:
    return 'remove it, or write a name before the ")"' if piece == ")" else "remove it"


def holds(text: str, names: Collection[str]) -> bool:
    """Whether an expression of names, ``and``, ``or``, ``not`` and parentheses is true where ``names`` are."""
    pieces = re.findall(r"\w+|[()]", text)

    def either() -> bool:
        found = both()
        while pieces[:1] == ["or"]:
            pieces.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = single()
        while pieces[:1] == ["and"]:
            pieces.pop(0)
            found = single() and found
        return found

    def single() -> bool:
        piece = pieces.pop(0)
        if piece == "not":
            return not single()
        if piece != "(":
            return piece in names
        found = either()
        pieces.pop(0)  # the parenthesis that closes
        return found

    return either()

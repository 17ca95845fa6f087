from __future__ import annotations

import pytest

from async_test_runner.plan.document import DEEPEST, Items, Node, Scalar, ScalarKind, Table, YamlError, decode, read


def scalar(text: str) -> Scalar:
    node = read(text)
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a", "text"),
        ("on", "text"),
        ("yes", "text"),
        ("1:30", "text"),
        ("0x10", "text"),
        (".inf", "text"),
        ("1_000", "text"),
        ("2026-11-20", "text"),
        ("'1'", "text"),
        ('"true"', "text"),
        ("!!str 1", "text"),
        ("! 1", "text"),
        ("|\n 1", "text"),
        ("1", "whole"),
        ("-1", "whole"),
        ("010", "whole"),
        ("1.5", "number"),
        (".5", "number"),
        ("1e3", "number"),
        ("true", "boolean"),
        ("FALSE", "boolean"),
        ("null", "null"),
        ("~", "null"),
    ],
)
def test_scalars_are_of_the_core_schema(text: str, kind: ScalarKind) -> None:
    assert scalar(text).kind == kind


def test_places_count_from_one_and_in_characters() -> None:
    node = read("a: 1\nößü: [x,\n  {b: c}]\n")
    assert isinstance(node, Table)
    items = node.entries[1].value
    assert isinstance(items, Items)
    places = [(part.line, part.column) for part in (node, node.entries[1].key, items, *items.items)]
    assert places == [(1, 1), (2, 1), (2, 6), (2, 7), (3, 3)]


def test_a_byte_order_mark_does_not_move_the_first_column() -> None:
    assert scalar("\ufeffa").column == 1
    assert decode(b"\xef\xbb\xbfa") == "a"


def test_aliases_are_their_anchors_node() -> None:
    node = read("- &a [1]\n- *a\n- &a 2\n- *a\n")
    assert isinstance(node, Items)
    assert node.items[1] is node.items[0]
    assert node.items[3] is node.items[2]


def test_foreign_tags_are_kept_for_the_message() -> None:
    assert scalar("!!python/name:os.system x").tag == "tag:yaml.org,2002:python/name:os.system"
    assert scalar("!!str x").tag == ""


@pytest.mark.parametrize("text", ["", "# only this", "---\n...\n# end"])
def test_a_text_without_content_has_no_node_or_an_empty_one(text: str) -> None:
    node = read(text)
    assert node is None or (isinstance(node, Scalar) and node.kind == "null")


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_the_deepest_nesting_is_a_limit_that_aliases_do_not_pass() -> None:
    assert isinstance(read(nested(DEEPEST)), Items)
    with pytest.raises(YamlError, match="nested deeper"):
        read(nested(DEEPEST + 1))
    half = DEEPEST // 2 + 1
    with pytest.raises(YamlError, match="nested deeper"):
        read(f"- &a {nested(half)}\n- {'[' * half}*a{']' * half}\n")


def test_the_depth_of_a_tree_is_bounded_whatever_aliases_do() -> None:
    lines = ["- &a0 [x]"] + [f"- &a{level} [*a{level - 1}]" for level in range(1, DEEPEST * 2)]
    with pytest.raises(YamlError, match="nested deeper"):
        read("\n".join(lines))


def test_a_long_text_that_aliases_multiply_counts_by_its_length() -> None:
    with pytest.raises(YamlError, match="aliases counted"):
        read(f"- &a '{'x' * 64_000}'\n" + "- *a\n" * 60)


def depth(node: Node) -> int:
    match node:
        case Items():
            return 1 + max(map(depth, node.items), default=0)
        case Table():
            return 1 + max((depth(entry.value) for entry in node.entries), default=0)
        case _:
            return 0


def test_a_chain_of_aliases_below_the_limit_is_read() -> None:
    lines = ["- &a0 [x]"] + [f"- &a{level} [*a{level - 1}]" for level in range(1, 30)]
    node = read("\n".join(lines))
    assert node is not None
    assert depth(node) == 31


@pytest.mark.parametrize(
    ("data", "line", "column"), [(b"a: \xff", 1, 4), (b"a: 1\nb: \xc3\xa4\xe9", 2, 5), (b"\xef\xbb\xbfa\xff", 1, 2)]
)
def test_a_wrong_byte_is_placed(data: bytes, line: int, column: int) -> None:
    with pytest.raises(YamlError, match="is not UTF-8") as caught:
        decode(data)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_forbidden_character_is_placed_and_escaped() -> None:
    with pytest.raises(YamlError, match=r"\\x07") as caught:
        read("a: 1\nb: x\x07")
    assert (caught.value.line, caught.value.column) == (2, 5)

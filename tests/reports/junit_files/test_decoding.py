"""Inputs as expat gets them, in pieces of any size."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.reports.junit_files import decoding
from async_test_runner.reports.junit_files.decoding import Decoding, UnusableError

OURS = b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>'


def decoded(path: Path, content: bytes, *, mends: bool = False) -> bytes:
    path.write_bytes(content)
    return b"".join(Decoding(path, mends=mends).chunks(lambda: False))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<a/>", OURS + b"<a/>"),
        (b"\xef\xbb\xbf<a/>", OURS + b"<a/>"),
        ("<?xml version='1.0' encoding='latin-1'?><é/>".encode("latin-1"), OURS + "<é/>".encode()),
        ("<é/>".encode("utf-16"), OURS + "<é/>".encode()),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("mends", [False, True])
def test_every_encoding_becomes_utf_8(tmp_path: Path, content: bytes, expected: bytes, mends: bool) -> None:
    assert decoded(tmp_path / "a.xml", content, mends=mends) == expected


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_mending_does_not_depend_on_the_size_of_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(decoding, "_CHUNK", size)
    monkeypatch.setattr(decoding, "_HEAD", size)
    text = b"&#x1b;&#27;&#9;&amp;&#;&#x;<![CDATA[&#27;]]]>&#27;<!-- &#27; -->&#1"
    mended = b"#x1B#x1B&#9;&amp;&#;&#x;<![CDATA[&#27;]]]>#x1B<!-- #x1B -->&#1"
    assert decoded(tmp_path / "a.xml", text, mends=True) == OURS + mended


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<?xml version="1.0" encoding="rot13"?><a/>', "its encoding is not supported: rot13"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_decoded_at_all_says_why(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.xml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableError, match=reason):
        list(Decoding(path).chunks(lambda: False))

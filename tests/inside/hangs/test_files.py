"""Files that may be something else by now are opened without waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from async_test_run_inside.hangs.files import opened

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")


def test_a_regular_file_is_made_and_read(tmp_path: Path) -> None:
    path = str(tmp_path / "facts")
    with open(path, "a", opener=opened) as file:
        file.write("said")
    with open(path, opener=opened) as file:
        assert file.read() == "said"


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT])
@pytest.mark.parametrize("has_reader", [False, True])
def test_a_fifo_is_refused_at_once(tmp_path: Path, flags: int, has_reader: bool) -> None:
    path = str(tmp_path / "facts")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if has_reader else None
    with pytest.raises(OSError, match=r"no regular file|No such device"):
        opened(path, flags)
    if reader is not None:
        os.close(reader)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "aim").write_text("")
    (tmp_path / "facts").symlink_to(tmp_path / "aim")
    with pytest.raises(OSError, match="symbolic links"):
        opened(str(tmp_path / "facts"), os.O_RDONLY)

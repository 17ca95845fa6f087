import os
import signal
from pathlib import Path


def test_passes() -> None:
    pass


def test_fails() -> None:
    assert {"tea": 1, "milk": 2} == {"tea": 1, "milk": 3}


def test_crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_passes_the_second_time(pytestconfig) -> None:
    seen = Path(pytestconfig.rootpath, "seen")
    first = not seen.exists()
    seen.touch()
    assert not first


def test_passes_at_last() -> None:
    pass

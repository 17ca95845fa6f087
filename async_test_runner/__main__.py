"""``python -m async_test_runner``."""

from .cli import main

main()

"""Names each conftest.py before it is imported: pytest has no hook for that, and the import may end the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Watch:
    """A finder that finds nothing, first on ``sys.meta_path``; ``tell`` gets the path of a conftest.py."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None) -> None:
        """Importing goes on as it would without us."""
        if name.rpartition(".")[2] == "conftest":
            spec: ModuleSpec | None = PathFinder.find_spec(name, path)
            if spec is not None and spec.origin:
                self._tell(spec.origin)

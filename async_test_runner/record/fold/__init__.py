"""The fold: events in, what the run has come to out. Each fact has a module of its own."""

from .run import Fold, fold

__all__ = ["Fold", "fold"]

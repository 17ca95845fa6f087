"""Vocabulary and frozen values: plan, inventory, result, and the tree of expected errors."""

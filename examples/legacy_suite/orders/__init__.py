"""The orders of a shop that has grown. Everything is in modules, as it was in the first week."""

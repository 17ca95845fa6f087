"""Databases for tests: a schema made once per run, and a copy of it for whoever wants one of its own."""

"""Decisions without I/O: one phase under supervision. `supervisor` puts the modules together; none waits or signals."""

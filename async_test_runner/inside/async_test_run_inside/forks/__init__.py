"""Processes without starting them: the host, its sessions, their workers."""

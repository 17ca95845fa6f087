"""A users API."""

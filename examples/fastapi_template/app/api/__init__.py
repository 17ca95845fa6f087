"""The HTTP interface, one package per version."""

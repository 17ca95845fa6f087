"""The run as a list of verbs."""

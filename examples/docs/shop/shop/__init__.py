"""A shop as small as can be: what the pages of docs/ run their commands on."""

"""Small languages and their words: durations, sizes, globs, templates, expressions, deaths."""

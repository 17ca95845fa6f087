"""``runner.yaml`` to `Plan`: every problem at once, each with its place."""

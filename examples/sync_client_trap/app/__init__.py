"""A shop whose orders are placed one after another."""

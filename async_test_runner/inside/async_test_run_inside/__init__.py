"""What runs inside pytest. Standard library and pytest only: the runner may live in another environment.

`plugin` is loaded with ``-p`` and picks its role: `collecting` for the inventory, `running` for a session of tests.
"""

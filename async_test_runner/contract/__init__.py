"""What the runner and pytest processes say to each other."""

"""What crosses between this process and the runner."""

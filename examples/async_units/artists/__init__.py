"""Artists: a repository, a service above it, and what they need of the world."""

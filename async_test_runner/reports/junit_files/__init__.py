"""JUnit XML of any producer: reading, merging, writing."""

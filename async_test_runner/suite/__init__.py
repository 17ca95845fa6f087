"""Which test is whose: criteria, assignment, units, workers, proposal. Pure functions of values."""

"""Is it luck: statistics that count every trial. Pure functions of arrays."""

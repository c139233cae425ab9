"""The space that is searched: parameters, their bounds and constraints."""

"""The space that is searched: parameters and constraints, grids as lattices, neighbours, points drawn."""

"""Results: named by what was asked for, stored whole, read as arrays and tables."""

from admf_ray.results.tables import equity_table, trades_table, write_table

__all__ = ["equity_table", "trades_table", "write_table"]

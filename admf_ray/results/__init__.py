"""Results as tables: built, written, read."""

from admf_ray.results.tables import equity_table, points_table, trades_table, write_table

__all__ = ["equity_table", "points_table", "trades_table", "write_table"]

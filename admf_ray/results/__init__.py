"""Results as tables: built, written, read."""

from admf_ray.results.tables import equity_table, joined, points_table, rows_table, trades_table, write_table

__all__ = ["equity_table", "joined", "points_table", "rows_table", "trades_table", "write_table"]

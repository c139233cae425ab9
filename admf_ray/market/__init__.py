"""Market data: bars, where they come from, what is wrong with them, and windows over them."""

"""Phase 2: what worked, why, and whether it was luck; on training data alone."""

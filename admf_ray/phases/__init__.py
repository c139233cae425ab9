"""What is done with a pipeline: single backtests, mining, analysis, validation."""

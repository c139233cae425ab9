"""Compiled rules: the one meaning of indicators, fills, sizing, accounting and metrics."""

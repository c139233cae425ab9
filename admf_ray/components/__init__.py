"""Components: strategies, filters, risk, broker and portfolio; each owns compiled rules."""

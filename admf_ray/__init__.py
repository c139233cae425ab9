"""Mine, analyse and validate trading strategies; every trial isolated, replayable and counted."""

__version__ = "0.1.0"

"""The parts of the causality probe; `engine.causality` puts them together."""

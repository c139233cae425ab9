"""Phase 3: finalists, ordered beforehand, judged once on data never seen."""

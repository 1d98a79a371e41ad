"""Sweeps measured: searchers replayed over real learning curves, overheads, and one real sweep against random search."""

"""Real sweeps, small enough for a CPU, each against random search of the same space for as long."""

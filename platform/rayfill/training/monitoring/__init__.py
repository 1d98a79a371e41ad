"""What tells a person how a run is doing: its progress file, times, and what each worker is at."""

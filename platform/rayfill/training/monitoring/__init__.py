"""Monitoring of a run: its progress file, times, and the state of each worker."""

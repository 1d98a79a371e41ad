"""Measurements side by side with what a user would take instead. Each prints a ratio from one run."""

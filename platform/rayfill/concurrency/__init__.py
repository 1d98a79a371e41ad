"""Threads: work done once, and in the background."""

"""Inspect and verify datasets."""

"""Ingest: make a dataset from a source of photographs."""

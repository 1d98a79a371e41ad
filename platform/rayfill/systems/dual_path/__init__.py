"""Pluralistic inpainting by two paths."""

"""Inpaint pictures with a loaded model."""

"""Inpainting with a predicted mask and edges."""

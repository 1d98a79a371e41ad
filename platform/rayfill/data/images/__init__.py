"""Bytes of photographs to pixels and back."""

"""From a source of photographs to a dataset."""

"""Number formats, measured rates, and the precision that all workers agree on."""

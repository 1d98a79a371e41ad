"""GDN and its two ablations."""

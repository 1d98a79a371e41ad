"""Read a spec from YAML: inheritance, overrides, and one sentence for what is wrong."""

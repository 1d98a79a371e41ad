"""What a machine computes with: number formats, measured rates, and the one precision that all workers agree on."""

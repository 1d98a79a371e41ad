"""WebDataset shards: index, writer, reader, and copies on a node's disk."""

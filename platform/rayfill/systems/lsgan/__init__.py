"""LSGAN, its auto-encoder and the search for a latent."""

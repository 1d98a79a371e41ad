"""rayfill trains, tunes, promotes and serves image-inpainting models on a Ray cluster."""

__version__ = "0.1.0"

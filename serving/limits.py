"""Limits of uploads."""

MAX_FILE_BYTES = 32 * 2**20
"""Of the picture and of the mask each: a phone's photograph has 3 to 12 MiB."""

MAX_BODY_BYTES = 2 * MAX_FILE_BYTES + 2**16
"""Of a whole request: both files and what multipart puts around them."""

MAX_PIXELS = 50_000_000
"""Of a picture: the largest that phones take. 150 MB once decoded."""

"""Hole-ratio buckets, left-open and right-closed as in the tables of PConv and GDN."""

BUCKETS: tuple[tuple[float, float], ...] = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


def bucket_name(bucket: tuple[float, float]) -> str:
    """``(0.1,0.2]`` for ``(0.1, 0.2)``: the name under which scorecards and mask sets list a bucket."""
    return f"({bucket[0]:g},{bucket[1]:g}]"


def bucket_of(ratio: float) -> tuple[float, float] | None:
    """The bucket that a hole ratio in [0, 1] falls in, or None outside (0.01, 0.6]."""
    return next((b for b in BUCKETS if b[0] < ratio <= b[1]), None)

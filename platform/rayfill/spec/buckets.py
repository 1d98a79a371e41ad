"""Hole-ratio buckets, left-open and right-closed as in the tables of PConv and GDN."""

from rayfill.spec.errors import nearest

BUCKETS: tuple[tuple[float, float], ...] = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


def bucket_name(bucket: tuple[float, float]) -> str:
    """``(0.1,0.2]`` for ``(0.1, 0.2)``: the name under which scorecards and mask sets list a bucket."""
    return f"({bucket[0]:g},{bucket[1]:g}]"


def bucket_of(ratio: float) -> tuple[float, float] | None:
    """The bucket that a hole ratio in [0, 1] falls in, or None outside (0.01, 0.6]."""
    return next((b for b in BUCKETS if b[0] < ratio <= b[1]), None)


def check_buckets(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of buckets in their order, each once; ValueError names one that is none."""
    known = [bucket_name(b) for b in BUCKETS]
    for name in names:
        if name not in known:
            raise ValueError(f"unknown bucket '{name}'{nearest(name, known)}")
    if not names:
        raise ValueError(f"no bucket is named; allowed: {', '.join(known)}")
    return tuple(name for name in known if name in names)

"""Scorecards to hold against each other, and a registry to hold them in."""

from collections.abc import Callable

import pytest

from rayfill.evaluation.metrics import METRICS
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.scorecard import MODEL, Row, Scorecard, Subject
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.release import ALL, Release

NAMES = (*(bucket_name(b) for b in BUCKETS), ALL)


@pytest.fixture
def release() -> Release:
    """PSNR may not fall at all over all buckets, and by half a decibel in the smallest one."""
    return Release(
        metric="psnr", area="whole", form="composited", max_regression={ALL: 0.0, NAMES[0]: 0.5}, baseline="mean_fill"
    )


@pytest.fixture
def make_scorecard() -> Callable[..., Scorecard]:
    """`make_scorecard(psnr, mean_fill=, dataset=, bucket={name: psnr})`: a card with one PSNR everywhere but in `bucket`."""

    def make(
        psnr: float, mean_fill: float = 20.0, dataset: str = "1" * 64, bucket: dict[str, float] | None = None
    ) -> Scorecard:
        values = dict.fromkeys(NAMES, psnr) | (bucket or {})
        rows = [row(MODEL, name, "psnr", value) for name, value in values.items()]
        rows += [row(MODEL, ALL, "ssim", 0.9), row(MODEL, ALL, "mse", 10 ** (-psnr / 10))]
        rows += [row("mean_fill", ALL, "psnr", mean_fill)]
        protocol = Protocol(
            version="rayfill-protocol-1",
            dataset_digest=dataset,
            split="val",
            images=4,
            size=32,
            mask_set="standard-32",
            mask_set_digest="2" * 64,
            buckets=NAMES[:-1],
            metrics=METRICS,
            baselines={"mean_fill": "the mean colour"},
        )
        subject = Subject(name="tiny", run="tiny-1", step=1, weights_sha256="3" * 64)
        return Scorecard(format="rayfill-scorecard-1", protocol=protocol, model=subject, rows=tuple(rows))

    def row(method: str, bucket: str, metric: str, mean: float) -> Row:
        return Row(method=method, bucket=bucket, area="whole", form="composited", metric=metric, mean=mean, n=4, capped=0)

    return make

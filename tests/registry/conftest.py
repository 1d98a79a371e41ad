"""Scorecards to hold against each other, and a registry to hold them in."""

from collections.abc import Callable

import numpy as np
import pytest

from rayfill.evaluation.measured import MODEL, PAIR, Measured
from rayfill.evaluation.measurements import collect
from rayfill.evaluation.metrics import METRICS, Area, Values
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.scorecard import Scorecard, Subject, summarise
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.release import ALL, Release

NAMES = (*(bucket_name(b) for b in BUCKETS), ALL)


@pytest.fixture
def release() -> Release:
    """PSNR may not fall at all over all buckets, and by half a decibel in the smallest one."""
    return Release(
        metric="psnr", area="whole", form="composited", max_regression={ALL: 0.0, NAMES[0]: 0.5}, baseline="mean_fill"
    )


PHOTOGRAPHS = 24


@pytest.fixture
def make_evaluation() -> Callable[..., Evaluation]:
    """`make_evaluation(psnr, ...)`: 24 photographs with this mean PSNR everywhere but in the buckets of `bucket`.

    `noise` is how far a photograph's PSNR strays from that, in dB, by `seed`; it leaves the mean as it is. `more` are values of
    further metrics, `(name, area)`, the same everywhere.
    """

    def make(
        psnr: float,
        mean_fill: float = 20.0,
        dataset: str = "1" * 64,
        bucket: dict[str, float] | None = None,
        noise: float = 0.0,
        seed: int = 0,
        more: dict[tuple[str, Area], float] | None = None,
        texture: list[float] | None = None,
        strays: dict[int, float] | None = None,
    ) -> Evaluation:
        rng = np.random.default_rng(seed)
        spread = np.linspace(-1, 1, PHOTOGRAPHS)  # photographs differ, whoever fills them
        measured = []
        for name in NAMES[:-1]:
            own = rng.normal(0, 1, PHOTOGRAPHS)
            own = (own - own.mean()) / own.std() * noise
            for i in range(PHOTOGRAPHS):
                value = (bucket or {}).get(name, psnr) + spread[i] + own[i] + (strays or {}).get(i, 0.0)
                rest: Values = {("ssim", "whole"): 0.9, ("mse", "whole"): 10 ** (-value / 10), **(more or {})}
                measured.append(Measured(i, name, MODEL, "composited", {("psnr", "whole"): value, **rest}))
                fill = mean_fill + spread[i]
                filled: Values = {("psnr", "whole"): fill, ("mse", "whole"): 10 ** (-fill / 10)}
                measured.append(Measured(i, name, "mean_fill", "composited", filled))
                attribute = texture[i] if texture else float(i)
                measured.append(Measured(i, name, PAIR, "raw", {("texture", "whole"): attribute}))
        protocol = Protocol(
            version="rayfill-protocol-2",
            dataset_digest=dataset,
            split="val",
            images=PHOTOGRAPHS,
            size=32,
            mask_set="standard-32",
            mask_set_digest="2" * 64,
            buckets=NAMES[:-1],
            metrics=METRICS,
            baselines={"mean_fill": "the mean colour"},
        )
        measurements = collect(measured, [f"photo-{i}" for i in range(PHOTOGRAPHS)], NAMES[:-1], {})
        card = Scorecard(
            format="rayfill-scorecard-1",
            protocol=protocol,
            model=Subject(name="tiny", run="tiny-1", step=1, weights_sha256="3" * 64),
            rows=summarise(measurements, (MODEL, "mean_fill")),
            measurements_sha256=measurements.digest(),
        )
        return Evaluation(card, measurements)

    return make

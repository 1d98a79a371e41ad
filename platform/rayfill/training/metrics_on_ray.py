"""A run's numbers among Ray's own metrics, from where Prometheus takes them."""

from collections.abc import Mapping

from ray.util.metrics import Gauge

from rayfill.training.monitoring.data_wait import DATA_WAIT
from rayfill.training.progress import GPU

PREFIX = "rayfill_train_"


class RunMetrics:
    """Gauges of one run, tagged with its name: step, workers, data wait and GPU utilization in [0,1], every loss by name."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}
        self._single = {
            "step": Gauge(f"{PREFIX}step", "finished steps", ("run",)),
            "workers": Gauge(f"{PREFIX}workers", "workers that train now", ("run",)),
            DATA_WAIT: Gauge(f"{PREFIX}{DATA_WAIT}", "share of the time that workers wait for batches", ("run",)),
            GPU: Gauge(f"{PREFIX}{GPU}", "share of the time that rank 0's GPU computes", ("run",)),
        }
        self._losses = Gauge(f"{PREFIX}metric", "latest row of metrics, by name", ("run", "name"))

    def set(self, step: int, workers: int, metrics: Mapping[str, float]) -> None:
        """Show a row of metrics of a step."""
        for name, value in {"step": step, "workers": workers, **metrics}.items():
            if name in self._single:
                self._single[name].set(value, self._tags)
            else:
                self._losses.set(value, {**self._tags, "name": name})

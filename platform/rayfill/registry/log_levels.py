"""Limit what MLflow prints on stderr: no progress bars for two small files, no hints about unused features."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR


@contextmanager
def mlflow_errors_only() -> Iterator[None]:
    """Let MLflow print errors only within the block. Sets process-wide state, so it belongs in the main thread."""
    logger = logging.getLogger("mlflow")
    level, bar = logger.level, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get_raw()
    logger.setLevel(logging.ERROR)
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    try:
        with warnings.catch_warnings(record=True):  # recorded and dropped: MLflow undoes a filter, but not this
            yield
    finally:
        logger.setLevel(level)
        if bar is None:
            MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.unset()
        else:
            MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(bar)

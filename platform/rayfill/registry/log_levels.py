"""MLflow says a lot on stderr that is not for our users: bars for two small files, hints about features we do without."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Within the block MLflow prints errors only. Sets process-wide state, so it belongs in the main thread."""
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

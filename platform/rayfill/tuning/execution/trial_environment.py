"""Keep credentials out of what Ray Tune writes about its trials."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.tune.execution import class_cache


@contextmanager
def no_secrets_in_trials() -> Iterator[None]:
    """Stop Tune from copying AWS credentials into its trials' runtime environments for the length of the block.

    Ray shows these to everyone who sees the dashboard, and writes them to a log that everyone on the machine can read. Trials
    do not need them: on this machine they inherit the environment of its Ray, on a cluster the nodes bring their own. Tune has
    no setting for it.
    """
    held = {name for name in class_cache.ENV_VARS_TO_PROPAGATE if name.startswith("AWS_")}
    class_cache.ENV_VARS_TO_PROPAGATE -= held
    try:
        yield
    finally:
        class_cache.ENV_VARS_TO_PROPAGATE |= held

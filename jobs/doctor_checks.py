"""What `rayfill doctor` looks at on one machine: each check returns what it found, or raises a sentence about what is wrong."""

import os
import shutil
import sys
import uuid
from importlib import metadata
from pathlib import Path

from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations

PYTHONS = ((3, 11), (3, 12))
PACKAGES = ("ray", "torch", "torchvision", "mlflow", "optuna", "webdataset", "boto3", "safetensors", "simplejpeg", "fastapi")
LEAST_FREE_GIB = 5.0
RECIPE = Path(__file__).parent / "recipes" / "gdn.yaml"


def check_python() -> str:
    """Check that the Python version is a tested one."""
    if sys.version_info[:2] not in PYTHONS:
        raise Failed(f"Python {sys.version_info.major}.{sys.version_info.minor}; tested are 3.11 and 3.12")
    return f"{sys.version.split()[0]} at {sys.executable}"


def check_packages() -> str:
    """Check that every package is installed and that torchvision fits torch."""
    try:
        versions = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    except metadata.PackageNotFoundError as error:
        raise Failed(f"package {error.name} is missing; run make setup") from None
    try:
        import torchvision.ops  # noqa: F401  # fails where a CPU-only torch stands beside an ordinary torchvision
    except RuntimeError as error:
        raise Failed(f"torchvision does not fit torch ({error}); run make setup, which installs both through uv") from None
    return ", ".join(versions)


def check_disk() -> str:
    """Check the free disk space for checkpoints and caches."""
    free = shutil.disk_usage(".").free / 2**30
    if free < LEAST_FREE_GIB:
        raise Failed(f"{free:.1f} GiB free here; {LEAST_FREE_GIB:g} are wanted")
    return f"{free:.0f} GiB free here"


def check_cache() -> str:
    """Check that the shard cache of this machine's node.yaml can be written."""
    from rayfill.data.shards.cache import ShardCache
    from rayfill.spec.node import this_node

    cache = ShardCache()
    free = shutil.disk_usage(cache.prepare()).free / 2**30
    most = "half of the disk" if cache.limit is None else f"{cache.limit / 2**30:g} GiB"
    return f"{cache.folder} takes copies of shards, at most {most} of them, {free:.0f} GiB free ({this_node()[1]})"


def check_devices() -> str:
    """Report the CPUs and GPUs that training would use."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"{os.cpu_count()} CPUs, {', '.join(gpus) or 'no GPU'}"


def check_precision() -> str:
    """Report what `precision: auto` resolves to, the rate of both number formats, and a step's time of the shipped recipe."""
    import torch

    from rayfill.hardware.arithmetic_rate import convolution_rate
    from rayfill.hardware.precision import native_precision
    from rayfill.spec.loading.document import load_spec
    from rayfill.spec.recipe import Recipe
    from rayfill.training.optimization.step_cost import step_gflop

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = native_precision(device)
    rates = {"fp32": convolution_rate(device, "fp32"), "bf16": convolution_rate(device, "bf16")}
    recipe = load_spec(RECIPE, Recipe)
    seconds = step_gflop(recipe) * recipe.training.batch_size / rates[precision]
    return (
        f"auto is {precision}: a convolution runs at {rates['fp32']:.0f} GFLOP/s in fp32, {rates['bf16']:.0f} in bf16"
        f"{'' if precision == 'bf16' else ', which this device emulates'}; at that rate a training step of {RECIPE.name} "
        f"takes {seconds:.2g} s"
    )


def check_store(locations: Locations) -> str:
    """Check that the root can be written, read and cleaned."""
    from rayfill.storage.open_store import open_store

    store = open_store(locations.root)
    key, content = f"doctor/{uuid.uuid4().hex}", b"rayfill doctor"
    store.write(key, content)
    if store.read(key) != content:
        raise Failed(f"{store.url_of(key)}: the bytes read differ from the bytes written")
    store.delete(key)
    return f"{locations.root} can be written and read"


def check_mlflow(locations: Locations) -> str:
    """MLflow answers."""
    from rayfill.registry.mlflow_place import client, mlflow_place

    place = mlflow_place(locations)
    client(place).search_experiments(max_results=1)
    return f"{place.shown} answers"

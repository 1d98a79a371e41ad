"""`model.json`, the card beside a model's weights: enough to use and trace them without their run."""

from typing import Any, Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.spec.dataset import Sha256
from rayfill.spec.recipe import ModelName, SystemChoice
from rayfill.spec.run import TrialOf


class Lineage(Spec):
    """Lineage of a model: run, recipe, data, code and seed."""

    run: str = Field(description="name of the training run")
    step: int = Field(ge=0)
    recipe: dict[str, Any] = Field(description="the full resolved recipe")
    recipe_digest: Sha256
    dataset: str = Field(description="URL of the dataset that it was trained on")
    dataset_digest: Sha256
    code_version: str = Field(description="rayfill's version and, where there is one, the git commit")
    seed: int
    workers: int = Field(ge=1)
    # Left out where there is none, so that models of before sweeps keep their digests.
    trial: TrialOf | None = Field(None, exclude_if=lambda value: value is None)
    packages_sha256: Sha256 | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="of name and version of every package where it was trained",
    )


class ModelCard(Spec):
    """Everything about a model but its weights."""

    format: Literal["rayfill-model-1"]
    name: ModelName
    system: SystemChoice
    contract: ImageContract
    train_size: int = Field(ge=1, description="height and width of the images it was trained on, in pixels")
    weights_sha256: Sha256
    parameters: int = Field(ge=1, description="number of weights of all networks in the file")
    lineage: Lineage

"""JSON schemas of the server's answers."""

from typing import Literal

from pydantic import BaseModel, Field


class ServedModel(BaseModel):
    """A model that answers."""

    name: str
    version: str = Field(description="its number in the registry, or 'unregistered'")
    run: str = Field(description="the training run that it comes from")
    system: str
    digest: str = Field(description="SHA-256 of its weights")
    parameters: int
    train_size: int = Field(description="height and width of the pictures it was trained on, in pixels")
    blind: bool = Field(description="whether it finds the damage itself where no mask is sent")


class Models(BaseModel):
    """Answer of `GET /v1/models`."""

    models: list[ServedModel]


class Health(BaseModel):
    """Answer of `GET /healthz`."""

    status: Literal["ok", "unavailable"]
    model: ServedModel | None
    last_error: str | None = Field(description="why the last attempt to load another model failed; the old one goes on")


class Problem(BaseModel):
    """Every error."""

    detail: str

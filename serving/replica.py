"""Ray Serve deployment of the model: batches requests, and loads another model without failing."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import serve

from rayfill.inference.model_card import load_card
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import AskedPrecision
from serving.backend import Answer, ModelInfo, NoModel, Status, UInt8

if TYPE_CHECKING:  # imports torch, which the driver, which imports this file, does not need
    from rayfill.inference.model_folder import Model

MAX_BATCH = 8
BATCH_WAIT_S = 0.02
"""How long the first of a batch waits for others; a hundredth of what a picture takes on a CPU."""


class Replica:
    """A Ray Serve deployment. Its user config is `{"model": ref, "root": url, "precision": auto, fp32 or bf16}`.

    With `"copy": {"folder": path, "digest": of the card, "version": number or null}` a replica on a machine that has this copy
    takes it, and asks no registry.
    """

    def __init__(self) -> None:
        self._now: tuple[Model, ModelInfo] | None = None
        self._error: str | None = None

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Load the configured model, then put it in the old one's place.

        Never raises: Serve would kill the replica, and with it the model that works. The error is in `status`.
        """
        try:
            self._now = await asyncio.to_thread(load, **config)
            self._error = None
        except (InputError, Failed) as error:
            self._error = str(error)
        except Exception as error:
            self._error = f"model '{config.get('model')}' could not be loaded: {type(error).__name__}: {error}"

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=BATCH_WAIT_S)  # type: ignore[untyped-decorator]  # Ray's is
    async def inpaint(self, pictures: list[UInt8], masks: list[UInt8 | None]) -> list[Answer]:
        """Called with one picture and one mask or None; Serve gathers those that wait."""
        return await self.fill(pictures, masks)

    async def fill(self, pictures: list[UInt8], masks: list[UInt8 | None]) -> list[Answer]:
        """Fill pictures of any sizes; each gets its own answer back. NoModel if none is loaded."""
        if self._now is None:
            raise NoModel
        from rayfill.inference.inpaint import inpaint  # with torch, which `load` has imported

        model, info = self._now  # held for the batch, for a reconfigure may come in between
        begin = time.perf_counter()
        filled = await asyncio.to_thread(inpaint, model, pictures, masks)
        seconds = time.perf_counter() - begin
        return [Answer(one.composited, one.mask, one.scale, info, seconds) for one in filled]

    async def status(self) -> Status:
        """The model now, and why the last attempt to load another failed."""
        return Status(None if self._now is None else self._now[1], self._error)


def load(model: str, root: str, precision: AskedPrecision, copy: dict[str, Any] | None = None) -> "tuple[Model, ModelInfo]":
    """A model by its name, on this process's GPU if it was given one. Arguments as in a replica's user config."""
    import torch

    from rayfill.inference.model_folder import load_model

    folder, version = _on_this_machine(copy) or _from_registry(model, root, copy)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return describe(load_model(folder, device, precision), version)


def _on_this_machine(copy: dict[str, Any] | None) -> tuple[Path, int | None] | None:
    """The copy that the driver has, where it is the same here; its weights are compared with its card when they are loaded."""
    if copy is None:
        return None
    folder = Path(copy["folder"])
    try:
        same = load_card(folder).digest() == copy["digest"]
    except InputError:
        return None
    return (folder, copy["version"]) if same else None


def _from_registry(model: str, root: str, copy: dict[str, Any] | None) -> tuple[Path, int | None]:
    """Where the registry has it. Failed if that is no longer what the other replicas serve: a folder can have been replaced."""
    from rayfill.registry.resolve import resolve_model  # imports MLflow, which takes seconds

    resolved = resolve_model(model, Locations(root))
    if copy is not None and load_card(resolved.folder).digest() != copy["digest"]:
        raise Failed(f"model '{model}': {resolved.folder} was replaced after serving started; start rayfill serve again")
    return resolved.folder, resolved.version


def describe(model: "Model", version: int | None) -> "tuple[Model, ModelInfo]":
    """The model and its description for clients."""
    card = model.card
    return model, ModelInfo(
        name=card.name,
        version=version,
        run=card.lineage.run,
        system=card.system.kind,
        digest=card.weights_sha256,
        parameters=card.parameters,
        train_size=card.train_size,
        blind=card.contract.mask == "optional",
    )

"""The systems that can be trained. A new one is one line in `SYSTEMS`.

Importing this package imports no network: a system's module is imported when a recipe or a model asks for its kind.
"""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.recipe import SystemChoice

if TYPE_CHECKING:
    from rayfill.spec.base import Spec
    from rayfill.systems.base import System

SYSTEMS = {
    "gdn": "gdn.gdn:GDN",
    "weighted": "gdn.weighted:Weighted",
    "adversarial": "gdn.adversarial:Adversarial",
    "dual_path": "dual_path.system:DualPath",
    "lama": "lama:Lama",
    "gated": "gated:Gated",
    "pconv": "partial_conv:PartialConvolution",
    "residual_gan": "residual_gan:ResidualGAN",
    "lsgan": "lsgan.system:LSGAN",
    "lsgan_ae": "lsgan.autoencoder:LSGANAutoEncoder",
    "context_encoder": "context_encoder:ContextEncoder",
    "informed_mask": "informed_mask.system:InformedMask",
    "restore": "restore:Restore",
}
"""Where each kind's class lies: a module of this package, and the class in it."""


def load_class(kind: str) -> "type[System]":
    """Import and return the class of a kind in `SYSTEMS`."""
    module, _, name = SYSTEMS[kind].partition(":")
    return cast("type[System]", getattr(import_module(f"{__name__}.{module}"), name))


def system_class(choice: SystemChoice) -> "type[System]":
    """The class of a choice; InputError with the nearest name if there is none."""
    if choice.kind not in SYSTEMS:
        raise InputError(f"system.kind: unknown system '{choice.kind}'{nearest(choice.kind, SYSTEMS)}")
    return load_class(choice.kind)


def system_options(choice: SystemChoice) -> "Spec":
    """The options of a choice, checked. InputError names the key."""
    cls = system_class(choice)
    try:
        return cls.Options.model_validate(choice.options)
    except ValidationError as error:
        raise InputError(f"system.options.{first_problem(error, cls.Options)}") from None


def build_system(choice: SystemChoice) -> "System":
    """The system with fresh weights, drawn from torch's current random state."""
    return system_class(choice)(system_options(choice))

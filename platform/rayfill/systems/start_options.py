"""How a system fills holes before its networks see them: recipe keys that all systems share."""

from typing import Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.contract import Start


class StartOptions(Spec):
    """Base of every system's options. By default a system does what its paper does."""

    start: Start = Field(
        "constant",
        description="what stands in holes at the input: constant (the paper's colour), mean (of the known pixels) or harmonic",
    )
    start_on: Literal["device", "loader"] = Field(
        "device", description="where training computes the start: with the networks, or on the loader's threads"
    )

"""Draw one mask of a mix from a key: a pure function, equal on any worker and in any order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rayfill.masks.centre import draw_centre
from rayfill.masks.date import draw_date
from rayfill.masks.free_form import draw_free_form
from rayfill.masks.gray import draw_gray
from rayfill.masks.half import draw_half
from rayfill.masks.irregular import draw_irregular
from rayfill.masks.objects import draw_objects
from rayfill.masks.painted import draw_painted
from rayfill.masks.random_key import Key, generator
from rayfill.masks.rectangle import draw_rectangle
from rayfill.masks.scattered import draw_scattered
from rayfill.masks.scratches import draw_scratches
from rayfill.masks.stroke_bank import draw_from_bank
from rayfill.masks.text import draw_text
from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError
from rayfill.spec.masks import (
    Centre,
    Date,
    FreeForm,
    Gray,
    Half,
    Irregular,
    MaskFamily,
    MaskMix,
    Objects,
    Painted,
    Rectangle,
    Scattered,
    Scratches,
    Text,
)

UInt8 = npt.NDArray[np.uint8]


def _irregular(spec: Irregular, height: int, width: int, rng: np.random.Generator) -> UInt8:
    if spec.drawing == "pen":
        return draw_irregular(spec, height, width, rng)
    return draw_from_bank(spec.buckets[int(rng.integers(len(spec.buckets)))], height, width, rng)


FAMILIES: dict[type[Spec], Callable[[Any, int, int, np.random.Generator], UInt8]] = {
    Rectangle: draw_rectangle,
    Centre: draw_centre,
    FreeForm: draw_free_form,
    Irregular: _irregular,
    Half: draw_half,
    Scattered: draw_scattered,
    Scratches: draw_scratches,
    Text: draw_text,
    Painted: draw_painted,
    Date: draw_date,
    Objects: draw_objects,
}
"""The function that draws each family's masks. A new family is a spec class, a file, and a line here.

The one continuous family, `Gray`, is not among them: its masks have values that {0,1} cannot hold, see `draw_levels`.
"""

_ATTEMPTS = 8


def draw_mask(mix: MaskMix, height: int, width: int, key: Key) -> UInt8:
    """A mask of one family of the mix, each chosen as often as its weight says.

    Args:
        mix: the families.
        height, width: size in pixels, at least 16.
        key: what the mask is drawn for, such as (seed, epoch, sample id). Another key is another mask, also where only
            the type differs: 1 is not "1".

    Returns:
        (height, width) uint8, 1 = hole, 0 = known. Never without a hole and never all hole.

    Raises:
        InputError: the family drawn is a continuous one.
    """
    rng = generator(key)
    return draw_family(_chosen(mix, rng), height, width, rng)


def draw_levels(mix: MaskMix, height: int, width: int, key: Key) -> UInt8:
    """As `draw_mask`, from 0 = known to 255 = hole: the same masks, and those of continuous families with values between."""
    rng = generator(key)
    family = _chosen(mix, rng)
    if isinstance(family, Gray):
        return draw_gray(family, height, width, rng)
    return draw_family(family, height, width, rng) * np.uint8(255)


def draw_family(family: MaskFamily, height: int, width: int, rng: np.random.Generator) -> UInt8:
    """A mask of one family, (height, width) uint8, 1 = hole; never without a hole and never all hole.

    Raises:
        InputError: the family is a continuous one, whose masks are more than holes and known pixels.
    """
    if family.continuous:
        raise InputError(f"masks: family '{family.kind}' has values between hole and known, and only holes can be used here")
    draw = FAMILIES[type(family)]
    for _ in range(_ATTEMPTS):
        mask = draw(family, height, width, rng)
        if 0 < np.count_nonzero(mask) < mask.size:
            return mask
    # Options can ask for it, such as a free-form box of 0.99 with 16 strokes: open the mask in one corner.
    mask[: max(1, height // 8), : max(1, width // 8)] = 0
    return mask


def _chosen(mix: MaskMix, rng: np.random.Generator) -> MaskFamily:
    weights = np.cumsum([family.weight for family in mix.families])
    return mix.families[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]

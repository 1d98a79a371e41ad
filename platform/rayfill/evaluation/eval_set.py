"""Evaluation set: photographs, masks, and the protocol that names both."""

from dataclasses import dataclass

from rayfill.data.dataset import open_dataset
from rayfill.evaluation.default_mask_set import default_mask_set
from rayfill.evaluation.photographs import Photographs
from rayfill.evaluation.protocol import Protocol, make_protocol
from rayfill.masks.mask_set import MaskSet
from rayfill.masks.mask_set_store import open_or_make_mask_set
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.masks import MaskSetSpec
from rayfill.spec.protocol import Geometry, ProtocolSpec


@dataclass(frozen=True)
class EvalSet:
    """Opened and verified. Photograph i is evaluated with mask i, modulo the set's length, of every bucket."""

    dataset_url: str
    photographs: Photographs
    masks: MaskSet
    protocol: Protocol

    def labels(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Words by which photographs and masks can be sliced: (buckets, photographs) by name.

        `mask_family` where the set has several, and what stands beside the photographs in shards that others wrote.
        """
        numbers, buckets = range(len(self.photographs)), self.protocol.buckets
        found: dict[str, tuple[tuple[str, ...], ...]] = {}
        if self.masks.spec.also:
            families = tuple(self.masks.spec.family_of(number).kind for number in numbers)
            found["mask_family"] = (families,) * len(buckets)
        metadata = [self.photographs.metadata(number) for number in numbers]
        for key in sorted({key for one in metadata for key in one}):
            found[key] = (tuple(one.get(key, "") for one in metadata),) * len(buckets)
        return found


def prepare_eval_set(
    train_size: int,
    dataset_url: str,
    locations: Locations,
    images: int | None = None,
    mask_set: MaskSetSpec | None = None,
    protocol: ProtocolSpec | None = None,
) -> EvalSet:
    """Open what is needed, making the mask set where it does not exist yet.

    Args:
        train_size: the model's, in pixels; it decides the size of the default mask set.
        dataset_url: where the dataset lies; its val split is used.
        locations: where mask sets are kept.
        images: at most so many photographs, the first ones; None takes all.
        mask_set: another mask set than the default one; its size becomes the protocol's.
        protocol: another protocol than rayfill's own; it names its mask set itself.

    Raises:
        InputError: the dataset has no photographs to evaluate on, or a mask set or dataset is damaged.
    """
    dataset = open_dataset(dataset_url)
    geometry: Geometry = "squash"
    if protocol is None:
        spec = mask_set or default_mask_set(train_size)
    else:
        spec, geometry = protocol.mask_set(protocol.size or train_size), protocol.geometry
    photographs = Photographs(dataset, "val", spec.size, images, geometry)
    masks = open_or_make_mask_set(spec, locations.mask_set(spec.name))
    url = at_version(dataset.store.url, dataset.digest)  # a worker that opens it later gets this version
    made = make_protocol(masks, dataset.digest, len(photographs), geometry)
    return EvalSet(url, photographs, masks, made)

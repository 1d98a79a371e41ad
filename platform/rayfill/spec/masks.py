"""Specs of masks: mask families, weighted mixes of them, and named mask sets for evaluation."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from rayfill.spec.base import Spec
from rayfill.spec.buckets import BUCKETS, bucket_name, check_buckets
from rayfill.spec.dataset import Sha256

Weight = Annotated[float, Field(gt=0, description="share of this family in the mix, relative to the others")]


class Family(Spec):
    """What all mask families share."""

    continuous: ClassVar[bool] = False
    """Whether its masks have values between hole and known."""


class Rectangle(Family):
    """One random rectangle of up to `max_area` of the image (unet-resnet-gan, section 5: a quarter)."""

    kind: Literal["rectangle"]
    weight: Weight = 1.0
    max_area: float = Field(0.25, gt=0, lt=1, description="largest area as a share of the image; area is uniform up to it")


class Centre(Family):
    """A centred square whose side is `side` of the image's (lsgan-ae and dual-path: 0.5, a quarter of the area)."""

    kind: Literal["centre"]
    weight: Weight = 1.0
    side: float = Field(0.5, gt=0, lt=1, description="side of the hole as a share of the image's sides")


class FreeForm(Family):
    """Union of one random box and 1-3 brush strokes, DeepFill v2's training masks (informed-mask, section 1.4)."""

    kind: Literal["free_form"]
    weight: Weight = 1.0
    box: float = Field(0.5, ge=0, lt=1, description="largest side of the box as a share of the image's; 0 draws none")
    # Left out where it says what was done before it was there, so that older recipes and mask sets keep their digests.
    box_chance: float = Field(
        1.0,
        ge=0,
        le=1,
        exclude_if=lambda value: value == 1,
        description="chance of a mask to have the box; below 1 shows thin damage",
    )
    max_strokes: int = Field(3, ge=1, le=16)


class Irregular(Family):
    """Hand-drawn strokes, rotated, scaled, eroded and cropped as GDN's training masks, in chosen hole-ratio buckets.

    GDN cuts 180,000 masks from the Quick, Draw! irregular set, 30,000 a bucket, so buckets are equally likely here.
    """

    kind: Literal["irregular"]
    weight: Weight = 1.0
    buckets: tuple[str, ...] = Field(tuple(bucket_name(b) for b in BUCKETS), min_length=1)
    # Left out where it says what was done before it was there, so that older recipes and mask sets keep their digests.
    drawing: Literal["pen", "bank"] = Field(
        "pen",
        exclude_if=lambda value: value == "pen",
        description="pen: each mask drawn anew; bank: one of thousands drawn by the pen, turned or mirrored, many times faster",
    )

    @model_validator(mode="after")
    def _known_buckets(self) -> "Irregular":
        allowed = [bucket_name(b) for b in BUCKETS]
        wrong = [b for b in self.buckets if b not in allowed]
        if wrong:
            raise ValueError(f"unknown bucket {wrong[0]!r}; allowed: {', '.join(allowed)}")
        return self


class Half(Family):
    """Half of the image, at one side (lsgan-ae's line of public code completes from each of the four)."""

    kind: Literal["half"]
    weight: Weight = 1.0
    side: Literal["random", "left", "right", "top", "bottom"] = Field("random", description="which half is hole")


class Scattered(Family):
    """Single pixels all over the image (lsgan-ae's line of public code: 20 % and 80 % of them)."""

    kind: Literal["scattered"]
    weight: Weight = 1.0
    share: float = Field(0.8, gt=0, lt=1, description="chance of every pixel to be hole")


class Scratches(Family):
    """Thin curved lines over the picture, as on old prints. Widths are pixels of the picture, whatever its size."""

    kind: Literal["scratches"]
    weight: Weight = 1.0
    max_count: int = Field(6, ge=1, le=64, description="most scratches of a mask; one at least")
    min_width: int = Field(1, ge=1, le=64, description="thinnest scratch in pixels")
    max_width: int = Field(5, ge=1, le=64, description="thickest scratch in pixels")

    @model_validator(mode="after")
    def _ordered(self) -> "Scratches":
        if self.min_width > self.max_width:
            raise ValueError(f"min_width {self.min_width} is above max_width {self.max_width}")
        return self


class Text(Family):
    """Lines of letters and digits, as captions, dates and watermarks leave them."""

    kind: Literal["text"]
    weight: Weight = 1.0
    max_lines: int = Field(3, ge=1, le=16, description="most lines of a mask; one at least")
    min_height: float = Field(0.08, gt=0, le=1, description="least height of a letter as a share of the shorter side")
    max_height: float = Field(0.3, gt=0, le=1, description="largest height of a letter as a share of the shorter side")

    @model_validator(mode="after")
    def _ordered(self) -> "Text":
        if self.min_height > self.max_height:
            raise ValueError(f"min_height {self.min_height} is above max_height {self.max_height}")
        return self


class Date(Family):
    """A date in a corner, as cameras print it into the picture."""

    kind: Literal["date"]
    weight: Weight = 1.0
    min_height: float = Field(0.03, gt=0, le=1, description="least height of a digit as a share of the shorter side")
    max_height: float = Field(0.07, gt=0, le=1, description="largest height of a digit as a share of the shorter side")

    @model_validator(mode="after")
    def _ordered(self) -> "Date":
        if self.min_height > self.max_height:
            raise ValueError(f"min_height {self.min_height} is above max_height {self.max_height}")
        return self


class Objects(Family):
    """Closed smooth outlines, as of people and things that are taken out of a picture."""

    kind: Literal["objects"]
    weight: Weight = 1.0
    max_count: int = Field(2, ge=1, le=64, description="most objects of a mask; one at least")
    min_area: float = Field(0.01, gt=0, lt=1, description="least area of an object as a share of the image")
    max_area: float = Field(0.25, gt=0, lt=1, description="largest area of an object as a share of the image")

    @model_validator(mode="after")
    def _ordered(self) -> "Objects":
        if self.min_area > self.max_area:
            raise ValueError(f"min_area {self.min_area} is above max_area {self.max_area}")
        return self


class Painted(Family):
    """Masks of yours: pictures in one .tar, white = hole, each as likely as the others (a published set, or your own damage).

    A mask is turned by quarters and mirrored by chance, cut to the shape of the picture and brought to its size.
    """

    kind: Literal["painted"]
    weight: Weight = 1.0
    tar: str = Field(description="full path or s3:// URL of the file")
    turn: bool = Field(True, description="turn by quarters and mirror; false where up and down matter")
    sha256: Sha256 | None = Field(
        None, description="the file's digest; a run writes it down, so a file that changed is refused"
    )

    @field_validator("tar")
    @classmethod
    def _found_from_every_node(cls, tar: str) -> str:
        if not re.fullmatch(r"(s3://[^/]+/|file:///|/).*[^/]\.tar", tar):
            raise ValueError("must be the full path or s3:// URL of a .tar file, by which every node finds it")
        return tar


class Gray(Family):
    """How much of each pixel is destroyed, smoothly over the image: damage for denoising (informed-mask, section 3.1)."""

    continuous: ClassVar[bool] = True

    kind: Literal["gray"]
    weight: Weight = 1.0
    cells: int = Field(8, ge=2, le=4096, description="random values along each side; from the image's size on, pixel by pixel")
    low: float = Field(0.2, ge=0, lt=1, description="least damage of a pixel that is damaged")
    high: float = Field(0.9, gt=0, le=1, description="most damage of a pixel; 1 destroys it")
    intact: float = Field(0.25, ge=0, lt=1, description="share of the image that is not damaged at all")

    @model_validator(mode="after")
    def _ordered(self) -> "Gray":
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


MaskFamily = Annotated[
    Rectangle | Centre | FreeForm | Irregular | Half | Scattered | Scratches | Text | Painted | Date | Objects | Gray,
    Field(discriminator="kind"),
]


class MaskMix(Spec):
    """A weighted mix of mask families; every sample draws one family, then one mask of it."""

    families: tuple[MaskFamily, ...] = Field(min_length=1)


ALL_BUCKETS = tuple(bucket_name(b) for b in BUCKETS)


class MaskSetSpec(Spec):
    """A named, reproducible set of masks to evaluate on: `per_bucket` masks in each of its buckets, by default all six.

    The digest of this spec and of the masks' bytes names the set in every scorecard.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    family: MaskFamily
    seed: int = Field(ge=0)
    size: int = Field(ge=16, le=4096, description="height and width in pixels")
    per_bucket: int = Field(ge=1, le=100_000)
    # The two below are left out where they say nothing new, so that sets of before keep their digests.
    also: tuple[MaskFamily, ...] = Field(
        (), exclude_if=lambda value: not value, description="further families: mask i is of family i modulo their number"
    )
    buckets: tuple[str, ...] = Field(ALL_BUCKETS, exclude_if=lambda value: value == ALL_BUCKETS)

    _known = field_validator("buckets")(check_buckets)

    def family_of(self, number: int) -> MaskFamily:
        """The family of mask `number` of every bucket."""
        families = (self.family, *self.also)
        return families[number % self.per_bucket % len(families)]

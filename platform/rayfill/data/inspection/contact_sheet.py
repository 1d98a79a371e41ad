"""Draw a contact sheet: some photographs of each split in one picture."""

import io
import warnings
from typing import get_args

from PIL import Image, ImageDraw, ImageFont

from rayfill.data.dataset import Dataset
from rayfill.data.images.color import to_rgb8
from rayfill.data.images.untrusted import FORMATS
from rayfill.data.inspection.summary import SEED, peek_all
from rayfill.data.sampler import permutation
from rayfill.spec.dataset import Split

COLUMNS, ROWS = 8, 4
"""Tiles of a split at most."""

TILE, GAP, HEAD = 144, 8, 40
"""Side of a tile, space between tiles, and height of a split's heading, in pixels."""

PAPER, INK, FRAME, BROKEN = (250, 250, 248), (40, 40, 40), (232, 232, 228), (170, 40, 40)


def contact_sheet(dataset: Dataset) -> Image.Image:
    """RGB picture. The photographs of a split are drawn at random with a fixed seed; a red tile could not be decoded."""
    bands = [_band(dataset, split) for split in get_args(Split) if dataset.len_of(split)]
    width = COLUMNS * (TILE + GAP) + GAP
    canvas = Image.new("RGB", (width, sum(band.height for band in bands) + GAP), PAPER)
    top = 0
    for band in bands:
        canvas.paste(band, (0, top))
        top += band.height
    return canvas


def _band(dataset: Dataset, split: Split) -> Image.Image:
    """Heading and tiles of one split."""
    count = dataset.len_of(split)
    chosen = permutation(count, SEED)[: COLUMNS * ROWS].tolist()
    rows = -(-len(chosen) // COLUMNS)
    band = Image.new("RGB", (COLUMNS * (TILE + GAP) + GAP, HEAD + rows * (TILE + GAP)), PAPER)
    heading = f"{split}: {'all' if len(chosen) == count else f'{len(chosen)} of'} {count:,} photographs"
    ImageDraw.Draw(band).text((GAP, HEAD / 2), heading, fill=INK, font=ImageFont.load_default(18), anchor="lm")
    for at, data in enumerate(peek_all(dataset, [(split, number) for number in chosen])):
        row, column = divmod(at, COLUMNS)
        band.paste(_tile(data), (GAP + column * (TILE + GAP), HEAD + row * (TILE + GAP)))
    return band


def _tile(data: bytes) -> Image.Image:
    """The whole photograph, shrunk into a square frame; small ones are not grown."""
    tile = Image.new("RGB", (TILE, TILE), FRAME)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            image.draft("RGB", (TILE, TILE))  # JPEG decodes to an eighth in a fraction of the time
            picture = to_rgb8(image)[0]
    except Exception:
        # Pillow's parsers raise whatever a malformed file makes them stumble over
        return Image.new("RGB", (TILE, TILE), BROKEN)
    picture.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    tile.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    return tile

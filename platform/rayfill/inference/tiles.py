"""Fill the holes of a large picture tile by tile at its own scale, with blended seams.

Only tiles with holes in their middle are filled. A tile overlaps its neighbours by a margin, which gives the network context;
in it the answers of two tiles fade into each other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.inference.composite import UInt8

Fill = Callable[[Sequence[UInt8], Sequence[UInt8]], Sequence[UInt8]]
"""Raw answers (h,w,3) for pictures (h,w,3) and masks (h,w; 1 = hole) of one size."""

FULL = 16
"""The weight of a tile in its middle; it falls to 0 within half of the margin around it."""

UInt16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a picture is cut.

    Attributes:
        side: height and width of a tile in pixels; a smaller picture is one tile.
        margin: pixels of a tile around its middle, at each side.
        pixels: most pixels that are filled at once.
    """

    side: int
    margin: int
    pixels: int

    @property
    def middle(self) -> int:
        """Side of a tile's middle."""
        return self.side - 2 * self.margin


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile (`top`, `left`, `height`, `width`) and the first row and column of its middle, in the picture's coordinates."""

    top: int
    left: int
    height: int
    width: int
    middle_top: int
    middle_left: int

    def cut(self, picture: UInt8) -> UInt8:
        """The tile of a picture."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


def fill_in_tiles(picture: UInt8, hole: UInt8, tiling: Tiling, fill: Fill) -> UInt8:
    """The picture with its holes filled; known pixels come back bit for bit.

    Args:
        picture: (H,W,3) uint8.
        hole: (H,W) uint8, 1 = hole.
        tiling: sides, margins and memory.
        fill: of one batch of tiles.
    """
    result = picture.copy()
    for top, left, cluster in _clusters(hole, tiling.middle):
        tiles = list(_cover(top, left, cluster, hole.shape, tiling))
        height, width = cluster.shape
        total = np.zeros((height, width, 3), np.uint16)
        weights = np.zeros((height, width), np.uint16)
        for batch in _batches(tiles, tiling.pixels):
            answers = fill([tile.cut(picture) for tile in batch], [tile.cut(hole) for tile in batch])
            for tile, answer in zip(batch, answers, strict=True):
                _add(tile, answer, total, weights, top, left, tiling)
        part = result[top : top + height, left : left + width]
        holes = cluster > 0
        weight = weights[holes][:, None]
        part[holes] = (total[holes] + weight // 2) // weight
    return result


def _clusters(hole: UInt8, cell: int) -> Iterator[tuple[int, int, UInt8]]:
    """Groups of holes that are too close to be filled apart: the top left corner of each, and its own holes in their bounds."""
    height, width = hole.shape
    rows, columns = -(-height // cell), -(-width // cell)
    grid = np.zeros((rows, columns), np.uint8)
    for row in range(rows):
        band = hole[row * cell : (row + 1) * cell].any(axis=0)
        grid[row] = np.logical_or.reduceat(band, np.arange(0, width, cell))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grid, connectivity=8)
    for label in range(1, count):
        column, row, across, down, _ = stats[label]
        top, left = row * cell, column * cell
        box = hole[top : top + down * cell, left : left + across * cell]
        own = np.kron(labels[row : row + down, column : column + across] == label, np.ones((cell, cell), np.uint8))
        mine = box * own[: box.shape[0], : box.shape[1]]
        y, x = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
        yield int(top + y[0]), int(left + x[0]), mine[y[0] : y[-1] + 1, x[0] : x[-1] + 1].astype(np.uint8)


def _cover(top: int, left: int, cluster: UInt8, shape: tuple[int, ...], tiling: Tiling) -> Iterator[Tile]:
    """Tiles whose middles cover the holes of a cluster; one in the middle of which all lie, where that can be."""
    height, width = cluster.shape
    middle = tiling.middle
    starts = [_starts(extent, middle) for extent in (height, width)]
    for y in starts[0]:
        for x in starts[1]:
            if not cluster[max(0, y) : y + middle, max(0, x) : x + middle].any():
                continue
            begins, sides = [], []
            for first, length in ((top + y, shape[0]), (left + x, shape[1])):
                begins.append(min(max(0, first - tiling.margin), max(0, length - tiling.side)))
                sides.append(min(tiling.side, length))
            yield Tile(begins[0], begins[1], sides[0], sides[1], top + y, left + x)


def _starts(extent: int, middle: int) -> range:
    """Where middles begin that cover an extent, which lies in the middle of them all."""
    count = -(-extent // middle)
    first = -((count * middle - extent) // 2)
    return range(first, first + count * middle, middle)


def _batches(tiles: Sequence[Tile], pixels: int) -> Iterator[list[Tile]]:
    """Tiles of one size together, at most so many pixels at once."""
    sizes = sorted({(tile.height, tile.width) for tile in tiles})
    for size in sizes:
        members = [tile for tile in tiles if (tile.height, tile.width) == size]
        most = max(1, pixels // (size[0] * size[1]))
        for first in range(0, len(members), most):
            yield members[first : first + most]


def _add(tile: Tile, answer: UInt8, total: UInt16, weights: UInt16, top: int, left: int, tiling: Tiling) -> None:
    """Add a tile's answer to its cluster's sums, which begin at (top, left) of the picture."""
    y0, y1 = max(tile.top, top), min(tile.top + tile.height, top + total.shape[0])
    x0, x1 = max(tile.left, left), min(tile.left + tile.width, left + total.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    rows, columns = _fade(y0, y1, tile.middle_top, tiling), _fade(x0, x1, tile.middle_left, tiling)
    weight = np.rint(FULL * rows[:, None] * columns[None, :]).astype(np.uint16)
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    weights[inside] += weight
    total[inside] += weight[..., None] * answer[y0 - tile.top : y1 - tile.top, x0 - tile.left : x1 - tile.left]


def _fade(first: int, end: int, middle: int, tiling: Tiling) -> npt.NDArray[np.float64]:
    """Weights of the pixels from `first` to `end`: 1 in the middle that begins at `middle`, 0 from half of the margin on."""
    at = np.arange(first, end)
    outside = np.maximum(np.maximum(middle - at, at - (middle + tiling.middle - 1)), 0)
    return np.clip(1 - outside / (tiling.margin // 2 + 1), 0, 1)

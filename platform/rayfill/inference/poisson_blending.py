"""Poisson blending: holes are filled by the raw answer's gradients, so that no seam is left (Perez et al. 2003).

Where raw and picture disagree along the hole's edge, the disagreement is spread over the hole as smoothly as can be: the
answer is raw + d, where d solves Laplace's equation in the hole with d = picture - raw on the known pixels around it. This is
Poisson's equation with raw's gradients as guidance. At the picture's border, beyond which nothing is known, d is level.
"""

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import cg, splu

UInt8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DIRECT = 2**20
"""Largest hole, in pixels, that is solved exactly; memory and time grow faster than the hole. A larger one is solved at half
the size, and what is missing there, the detail along the edge, is brought in by a few sweeps at the full one."""

SWEEPS = 50


def blend(picture: UInt8, raw: UInt8, mask: UInt8) -> UInt8:
    """The picture with its holes filled by the gradients of `raw`; known pixels come back bit for bit.

    Args:
        picture, raw: (H,W,3) uint8.
        mask: (H,W) uint8, non-zero = hole. Any number of holes of any shape, also at the border; where all is hole there is
            nothing to blend with, and raw is the answer.
    """
    hole = mask > 0
    if hole.all():
        return raw.copy()
    if not hole.any():
        return picture.copy()
    spread = _spread(picture.astype(np.float64) - raw, hole)
    blended = np.rint(np.clip(raw + spread, 0, 255)).astype(np.uint8)
    return np.where(hole[..., None], blended, picture)


def _spread(difference: Floats, hole: Bools) -> Floats:
    """(H,W,3): `difference` where known, harmonic in the hole, which is somewhere but not everywhere."""
    spread = difference.copy()
    matrix, right = _equations(difference, hole)
    if len(right) <= DIRECT:
        # What SuperLU's guide recommends for a symmetric matrix; its defaults take several times the memory.
        options = {"SymmetricMode": True}
        spread[hole] = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve(right)
        return spread
    guess = _guess(difference, hole)
    for channel in range(right.shape[1]):
        solved, _ = cg(matrix, right[:, channel], x0=guess[hole, channel], rtol=0.0, maxiter=SWEEPS)
        spread[hole, channel] = solved
    return spread


def _guess(difference: Floats, hole: Bools) -> Floats:
    """(H,W,3) from half the size, where a pixel is hole if all that it covers is."""
    height, width = hole.shape
    size = ((width + 1) // 2, (height + 1) // 2)
    known = cv2.resize((~hole).astype(np.float64), size, interpolation=cv2.INTER_AREA)
    small_hole = known <= 0
    summed = cv2.resize(np.where(hole[..., None], 0, difference), size, interpolation=cv2.INTER_AREA)
    small = summed / np.where(small_hole, 1, known)[..., None]
    if small_hole.any():
        small = _spread(small, small_hole)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _equations(values: Floats, hole: Bools) -> tuple[csr_array, Floats]:
    """One for every hole pixel: its value times its neighbours' number, less those in the hole, is the sum of the known."""
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(np.count_nonzero(hole))
    degree = np.zeros(len(number[hole]))
    right = np.zeros((len(degree), values.shape[2]))
    pairs = []
    for here, there in _NEIGHBOURS:
        inside = hole[here]
        row, column = number[here][inside], number[there][inside]
        degree[row] += 1
        known = column < 0
        right[row[known]] += values[there][inside][known]
        pairs.append((row[~known], column[~known]))
    rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
    links = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(degree), len(degree)))
    return csr_array(diags_array(degree) - links), right


_ALL, _HEAD, _TAIL = slice(None), slice(None, -1), slice(1, None)
_NEIGHBOURS = (
    ((_HEAD, _ALL), (_TAIL, _ALL)),
    ((_TAIL, _ALL), (_HEAD, _ALL)),
    ((_ALL, _HEAD), (_ALL, _TAIL)),
    ((_ALL, _TAIL), (_ALL, _HEAD)),
)
"""Pixels, and their neighbours below, above, right and left."""

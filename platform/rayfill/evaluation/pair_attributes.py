"""What describes a photograph and its hole, whatever fills it: by these the photographs are sliced."""

import cv2
import numpy as np

from rayfill.evaluation.metrics import Scene, Values


def pair_attributes(scene: Scene, side: int) -> Values:
    """Numbers that slices are cut by.

    Args:
        scene: the photograph with its hole.
        side: the shorter side of the photograph itself, in pixels.

    Returns:
        hole_ratio: share of hole pixels, in (0,1].
        hole_width: width in pixels of the widest part of the hole.
        border_distance: mean distance of hole pixels from the picture's border, as a share of half its shorter side, in [0,1].
        texture: root of the photograph's gradient energy within the hole, range 1.0; left out where it has none.
        photograph_side: `side`.
    """
    hole = scene.hole
    height, width = hole.shape
    rows, columns = np.nonzero(hole)
    from_border = np.minimum.reduce([rows, height - 1 - rows, columns, width - 1 - columns])
    inside = cv2.distanceTransform(np.pad(hole.astype(np.uint8), 1), cv2.DIST_L2, 3)
    values: Values = {
        ("hole_ratio", "whole"): float(hole.mean()),
        ("hole_width", "whole"): 2.0 * float(inside.max()) - 1.0,
        ("border_distance", "whole"): float(from_border.mean()) / max(1.0, (min(height, width) - 1) / 2),
        ("photograph_side", "whole"): float(side),
    }
    if scene.truth_energy is not None:
        values["texture", "whole"] = scene.truth_energy**0.5
    return values

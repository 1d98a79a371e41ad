"""Time the edge detector of a training step: milliseconds a picture on one core of the CPU, with and without a mask.

    python -m benchmarks.canny [--json]

A round of informed-mask's looks for edges once a picture, and twice where both the original's and the damaged one's are needed.
"""

import argparse
import json
import statistics
import time

import skimage.data
import torch
from torch.nn import functional

from rayfill.systems.informed_mask.edges import edge_maps, luminance

SIGMA = 2.0
SIDES = (128, 256, 512)
ROUNDS = 30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    rows = [measure(side) for side in SIDES]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if args.json:
        print(json.dumps({"benchmark": "canny", "rows": rows}))


def measure(side: int) -> dict[str, float]:
    """Medians over `ROUNDS` for a photograph of side x side pixels whose middle is a hole."""
    photograph = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1)[None].float() / 255
    gray = luminance(functional.interpolate(photograph, (side, side), mode="bilinear", antialias=True))
    known = torch.ones(1, 1, side, side, dtype=torch.bool)
    known[..., side // 4 : -side // 4, side // 4 : -side // 4] = False
    return {"side": side, "whole ms": _median_ms(gray, None), "with a hole ms": _median_ms(gray, known)}


def _median_ms(gray: torch.Tensor, known: torch.Tensor | None) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        edge_maps(gray, SIGMA, known)
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 2)


if __name__ == "__main__":
    main()

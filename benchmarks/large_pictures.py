"""Large photographs with thin and wide holes: filled in tiles at their own scale, beside the whole picture shrunk to 1 MP.

    python -m benchmarks.large_pictures --model RUN_OR_FOLDER --photographs FOLDER
    python -m benchmarks.large_pictures --model small --photographs ~/Pictures --megapixels 1 4 12 --crops crops.png

Photographs smaller than asked are enlarged by mirroring, which keeps their detail. For each size and kind of hole: PSNR in the
hole in dB; sharpness, the gradient energy in the hole over the true picture's (1 = as sharp as the truth); seam, the mean step
across the hole's border over the true picture's (1 = invisible); seconds; and memory in MiB above the picture's own.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.peak_memory import PeakMemory
from rayfill.inference.composite import UInt8, composite
from rayfill.inference.inpaint import WORK_PIXELS, inpaint
from rayfill.inference.model_folder import Model, load_model
from rayfill.inference.one_pass import inpaint_in_one_pass
from rayfill.registry.resolve import resolve_model
from rayfill.spec.locations import Locations

HOLES = ("scratches 2 px", "scratches 6 px", "scratches 12 px", "hole 100 px", "hole 600 px")
CROP = 192


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a run, name@alias, name/version or a model folder")
    parser.add_argument("--root", default="./.rayfill")
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of JPEGs")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1.0, 4.0, 12.0])
    parser.add_argument("--pictures", type=int, default=2, help="photographs of each size (default: %(default)s)")
    parser.add_argument("--crops", type=Path, help="write crops at 100 %% there, a .png: damaged, shrunk, tiles, truth")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(resolve_model(args.model, Locations(args.root)).folder, device, "auto")
    files = sorted(args.photographs.rglob("*.jpg"))[: args.pictures]
    ways: dict[str, Callable[[UInt8, UInt8], UInt8]] = {
        "shrunk": lambda picture, mask: shrunk(model, picture, mask),
        "tiles": lambda picture, mask: inpaint(model, [picture], [mask])[0].composited,
    }
    PeakMemory(device)
    rows, crops = [], []
    print(f"{'':26}{'way':8}{'PSNR dB':>9}{'sharpness':>11}{'seam':>7}{'seconds':>9}{'MiB':>7}")
    for megapixels in args.megapixels:
        truths = [enlarged(path, megapixels) for path in files]
        for kind in HOLES:
            mask = holes(truths[0].shape[0], truths[0].shape[1], kind)
            answers = {}
            for way, fill in ways.items():
                memory, began = PeakMemory(device), time.perf_counter()
                found = [fill(damaged(truth, mask), mask) for truth in truths]
                seconds, mib = (time.perf_counter() - began) / len(truths), memory.mib()
                scores = np.mean([score(truth, answer, mask) for truth, answer in zip(truths, found, strict=True)], axis=0)
                answers[way] = found[0]
                row = {"megapixels": megapixels, "holes": kind, "way": way, "psnr": scores[0], "sharpness": scores[1]}
                rows.append({**row, "seam": scores[2], "seconds": seconds, "mib": mib})
                label = f"{megapixels:g} MP, {kind}"
                shown = f"{scores[0]:9.2f}{scores[1]:11.2f}{scores[2]:7.2f}{seconds:9.2f}{mib or 0:7.0f}"
                print(f"{label:26}{way:8}{shown}", flush=True)
            if megapixels == max(args.megapixels):
                crops.append(crop_row(truths[0], mask, answers))
    if args.crops:
        cv2.imwrite(str(args.crops), cv2.cvtColor(np.concatenate(crops), cv2.COLOR_RGB2BGR))
        print(f"crops at 100 % in {args.crops}: damaged, shrunk, tiles, truth")
    if args.json:
        print(json.dumps({"benchmark": "large_pictures", "rows": rows}))


def enlarged(path: Path, megapixels: float) -> UInt8:
    """A photograph (H,W,3) of about so many megapixels and 4:3, mirrored over its edges as often as needed."""
    picture = np.asarray(Image.open(path).convert("RGB"))
    height, width = round((megapixels * 1e6 * 3 / 4) ** 0.5), round((megapixels * 1e6 * 4 / 3) ** 0.5)
    rows = np.pad(np.arange(picture.shape[0]), (0, max(0, height - picture.shape[0])), mode="symmetric")[:height]
    columns = np.pad(np.arange(picture.shape[1]), (0, max(0, width - picture.shape[1])), mode="symmetric")[:width]
    return np.ascontiguousarray(picture[rows][:, columns])


def holes(height: int, width: int, kind: str) -> UInt8:
    """(H,W) uint8, 1 = hole: ten long scratches of a thickness, or one round hole of a diameter in the middle."""
    mask = np.zeros((height, width), np.uint8)
    name, size = kind.split()[0], int(kind.split()[1])
    if name == "hole":
        cv2.circle(mask, (width // 2, height // 2), min(size, min(height, width) * 2 // 3) // 2, 1, -1)
        return mask
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, y = rng.uniform(0, width, 2), rng.uniform(0, height, 2)
        cv2.line(mask, (int(x[0]), int(y[0])), (int(x[1]), int(y[1])), 1, size)
    return mask


def damaged(truth: UInt8, mask: UInt8) -> UInt8:
    """The photograph with white where the mask is."""
    return np.where(mask[..., None] > 0, np.uint8(255), truth)


def shrunk(model: Model, picture: UInt8, mask: UInt8) -> UInt8:
    """The whole picture filled at no more than a megapixel, its holes enlarged again: what rayfill did before tiles."""
    scale = min(1.0, (WORK_PIXELS / mask.size) ** 0.5)
    size = tuple(max(1, round(side * scale)) for side in mask.shape[::-1])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    hole = (cv2.resize((mask > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    filled = inpaint_in_one_pass(model, [small], [hole], None, False)[0].raw
    raw = cv2.resize(filled, mask.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return composite(picture, raw, mask.astype(np.float32), model.card.contract)


def score(truth: UInt8, answer: UInt8, mask: UInt8) -> tuple[float, float, float]:
    """PSNR in the hole in dB, and the answer's gradient energy in the hole and step across its border over the truth's."""
    hole = mask > 0
    error = np.mean((truth[hole].astype(np.float64) - answer[hole]) ** 2)
    psnr = float(10 * np.log10(255**2 / (float(error) + 1e-9)))
    return psnr, _energy(answer, hole) / _energy(truth, hole), _step(answer, hole) / _step(truth, hole)


def _energy(picture: UInt8, hole: np.ndarray) -> float:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    return float((across**2 + down**2)[hole].mean())


def _step(picture: UInt8, hole: np.ndarray) -> float:
    """Mean difference in levels between a hole pixel and its known neighbour, over both directions."""
    values = picture.astype(np.int16)
    total, count = 0.0, 0
    for axis in (0, 1):
        edge = np.diff(hole.astype(np.int8), axis=axis) != 0
        total += float(np.abs(np.diff(values, axis=axis))[edge].sum()) / 3
        count += int(edge.sum())
    return total / max(count, 1)


def crop_row(truth: UInt8, mask: UInt8, answers: dict[str, UInt8]) -> UInt8:
    """Crops at 100 % around the hole pixel that is nearest to the middle: damaged, each answer, the truth, side by side."""
    y, x = np.nonzero(mask)
    at = int(np.argmin((y - mask.shape[0] // 2) ** 2 + (x - mask.shape[1] // 2) ** 2))
    # The border of a wide hole says more than its inside.
    edge = x[y == y[at]].max() if mask[y[at], x[at]] and (y == y[at]).sum() > CROP else x[at]
    top = int(np.clip(y[at] - CROP // 2, 0, mask.shape[0] - CROP))
    left = int(np.clip(edge - CROP // 2, 0, mask.shape[1] - CROP))
    pictures = [damaged(truth, mask), *answers.values(), truth]
    return np.concatenate([picture[top : top + CROP, left : left + CROP] for picture in pictures], axis=1)


if __name__ == "__main__":
    main()

"""GDN's training step at full width against the plain eager fp32 NCHW step of the same networks, in one run.

    python -m benchmarks.train_step            on a CPU: batch 2, three rounds
    python -m benchmarks.train_step --batch 8 32 --json

Ours is the step that `rayfill train` runs (in the precision that suits the device, both players on one forward pass); the
reference is what one would write first: fp32, loss.backward() for each network, its own forward pass of the detector. The two
alternate, so a machine whose speed drifts slows both. The limit is the machine's own matrix product, measured between them in
the precision that ours uses.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from rayfill.data.batch import Batch
from rayfill.hardware.precision import resolve_precision
from rayfill.losses.detection import detection_loss
from rayfill.losses.reconstruction import weighted_l1
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Precision, Recipe
from rayfill.systems.gdn.gdn import GDN
from rayfill.training.optimization.step import play_step
from rayfill.training.optimization.step_cost import step_gflop
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState

RECIPE = Path(__file__).parent.parent / "jobs" / "recipes" / "gdn.yaml"
MATMUL_SIDE = 4096


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 32] if on_gpu else [2], help="batch sizes")
    parser.add_argument("--rounds", type=int, default=20 if on_gpu else 5, help="pairs of steps (default: %(default)s)")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of ours (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    device = torch.device("cuda" if on_gpu else "cpu")
    precision = resolve_precision(args.precision, device)
    rows = [measure(batch, args.rounds, device, precision) for batch in args.batch]
    for row in rows:
        print("\n".join(f"{name:28} {value}" for name, value in row.items()), end="\n\n")
    if args.json:
        print(json.dumps({"benchmark": "train_step", "device": device_name(device), "torch": torch.__version__, "rows": rows}))


def measure(size: int, rounds: int, device: torch.device, precision: Precision) -> dict[str, float | int | str]:
    """One row: medians over `rounds` alternating steps at 256 px and batch `size`."""
    overrides = [f"training.batch_size={size}", f"training.channels_last={str(device.type == 'cuda').lower()}"]
    recipe = with_precision(load_spec(RECIPE, Recipe, overrides), precision)
    batch = random_batch(size, recipe.images.size, device)
    ours, reference = our_step(recipe, batch, device), eager_step(recipe, batch, device)
    for step in (ours, reference):
        step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times: dict[str, list[float]] = {"ours": [], "eager": [], "matmul": []}
    for _ in range(rounds):
        times["ours"].append(timed(ours, device))
        times["eager"].append(timed(reference, device))
        times["matmul"].append(matmul_time(device, precision))
    ours_s, eager_s, matmul_s = (statistics.median(times[name]) for name in ("ours", "eager", "matmul"))
    gflop = step_gflop(recipe)
    peak = 2 * MATMUL_SIDE**3 / matmul_s / 1e9
    row: dict[str, float | int | str] = {
        "batch": size,
        "precision": precision,
        "ours images/s": round(size / ours_s, 3),
        "eager fp32 images/s": round(size / eager_s, 3),
        "ratio": round(eager_s / ours_s, 3),
        "ratio, worst pair": round(min(e / o for e, o in zip(times["eager"], times["ours"], strict=True)), 3),
        "GFLOP an image": round(gflop, 1),
        "ours GFLOP/s": round(gflop * size / ours_s, 1),
        f"{precision} matmul GFLOP/s": round(peak, 1),
        "share of matmul peak": round(gflop * size / ours_s / peak, 3),
    }
    if device.type == "cuda":
        row["peak memory GiB"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return row


def our_step(recipe: Recipe, batch: Batch, device: torch.device) -> Callable[[], object]:
    """The step of the training loop."""
    state = TrainState(recipe, device)
    return lambda: play_step(state.system, state.players, state.phase(), batch, recipe.training, 0)


def eager_step(recipe: Recipe, batch: Batch, device: torch.device) -> Callable[[], object]:
    """The step as one would write it first: fp32, NCHW, two backward passes, Adam."""
    options = GDN.Options.model_validate(recipe.system.options)
    system = GDN(options).to(device)
    adam = [
        torch.optim.Adam(system.generator.parameters(), lr=1e-4, betas=(0.0, 0.9)),
        torch.optim.Adam(system.detector.parameters(), lr=1e-5, betas=(0.0, 0.9)),
    ]
    image, mask = batch.image.contiguous(), batch.mask.contiguous()

    def step() -> None:
        output = system.generator(torch.cat([image * (1 - mask) + mask, mask], dim=1))
        valuation = system.detector(output).softmax(dim=1)[:, 1:]
        system.generator.zero_grad()
        weighted_l1(output, image, options.weight_map(valuation)).backward()
        adam[0].step()
        system.detector.zero_grad()
        detection_loss(system.detector(output.detach()), mask, options.detection_loss, options.focusing).backward()
        adam[1].step()

    return step


def random_batch(size: int, side: int, device: torch.device) -> Batch:
    """Noise with a square hole: the time does not depend on the picture."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (size, 3, side, side), dtype=torch.uint8, generator=generator)
    mask = torch.zeros(size, 1, side, side, dtype=torch.uint8)
    mask[..., side // 4 : side // 2, side // 4 : side // 2] = 255
    return Batch(image, mask, tuple(str(i) for i in range(size))).to(device, channels_last=device.type == "cuda")


def matmul_time(device: torch.device, precision: Precision) -> float:
    """Seconds of one product of two square matrices: what the machine can do at best in that precision."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.randn(MATMUL_SIDE, MATMUL_SIDE, dtype=dtype, device=device)
    return timed(lambda: a @ a, device)


def timed(step: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call, the device's queue drained before and after."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def device_name(device: torch.device) -> str:
    """The GPU's name, or the number of CPU threads."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()

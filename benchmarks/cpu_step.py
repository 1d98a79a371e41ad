"""Compare ways to speed up GDN's training step on a CPU: layout, compilation, flushed denormals, threads; each alone.

    python -m benchmarks.cpu_step                                              this machine
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python -m benchmarks.cpu_step    the same, playing one without native bf16

The ways alternate, so a machine whose speed drifts slows all of them. Compiling is timed apart: its seconds have to be won back
before the run ends.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks.train_step import matmul_time, random_batch, timed
from rayfill.hardware.precision import resolve_precision
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Precision, Recipe
from rayfill.training.optimization.step import play_step
from rayfill.training.optimization.step_cost import step_gflop
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState

RECIPE = Path(__file__).parent.parent / "jobs" / "recipes" / "gdn.yaml"
CPU = torch.device("cpu")
MATMUL_SIDE = 4096


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128, help="pixels (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="images a step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each way (default: %(default)s)")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="default: %(default)s")
    args = parser.parse_args()
    precision = resolve_precision(args.precision, CPU)
    threads = torch.get_num_threads()
    gflop = step_gflop(recipe_of(args.size, args.batch, precision, channels_last=False)) * args.batch
    ways, compile_s = build_ways(args.size, args.batch, precision)
    times = measure(ways, args.rounds)
    peak = 2 * MATMUL_SIDE**3 / statistics.median(matmul_time(CPU, precision) for _ in range(3)) / 1e9
    usual = statistics.median(times["NCHW, eager"])
    print(
        f"{precision}, {threads} threads, batch {args.batch} at {args.size} px; {precision} matrix product {peak:.0f} GFLOP/s"
    )
    print(f"{'way':32}{'images/s':>10}{'ratio':>8}{'GFLOP/s':>10}{'of peak':>9}{'compile s':>11}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        rate = gflop / median
        won = f"{compile_s[name]:.0f}" if name in compile_s else ""
        print(f"{name:32}{args.batch / median:10.2f}{usual / median:8.2f}{rate:10.0f}{rate / peak:9.2f}{won:>11}")
    halves = args.batch / processes_time(threads, args.size, args.batch // threads, precision, args.rounds)
    name = f"{threads} processes of 1 thread"
    print(f"{name:32}{halves:10.2f}{halves * usual / args.batch:8.2f}{gflop / args.batch * halves:10.0f}")


def recipe_of(size: int, batch: int, precision: Precision, *, channels_last: bool) -> Recipe:
    """GDN's recipe at full width."""
    words = [f"images.size={size}", f"training.batch_size={batch}", f"training.channels_last={str(channels_last).lower()}"]
    return with_precision(load_spec(RECIPE, Recipe, words), precision)


def build_ways(size: int, batch: int, precision: Precision) -> tuple[dict[str, Callable[[], object]], dict[str, float]]:
    """Every way's step, ready to be timed, and the seconds that compiling took."""
    ways: dict[str, Callable[[], object]] = {}
    compile_s: dict[str, float] = {}
    for layout, channels_last in (("NCHW", False), ("channels_last", True)):
        recipe = recipe_of(size, batch, precision, channels_last=channels_last)
        ways[f"{layout}, eager"] = step_of(recipe, compiled=False)
        ways[f"{layout}, torch.compile"] = compiled = step_of(recipe, compiled=True)
        began = time.perf_counter()
        compiled()
        compile_s[f"{layout}, torch.compile"] = time.perf_counter() - began
    ways["NCHW, eager, denormals flushed"] = flushed(ways["NCHW, eager"])
    return ways, compile_s


def step_of(recipe: Recipe, *, compiled: bool) -> Callable[[], object]:
    """The training loop's step on noise."""
    state = TrainState(recipe, CPU)
    if compiled:
        # Two players are differentiated on one forward pass, so a backward pass may not reuse the memory of the first.
        torch._functorch.config.donated_buffer = False
        for network in state.system.children():
            network.compile()
    batch = random_batch(recipe.training.batch_size, recipe.images.size, CPU)
    if recipe.training.channels_last:
        batch = batch.to(CPU, channels_last=True)
    return lambda: play_step(state.system, state.players, state.phase(), batch, recipe.training, 0)


def flushed(step: Callable[[], object]) -> Callable[[], object]:
    """The step with numbers below 1e-38 taken as zero."""

    def run() -> None:
        torch.set_flush_denormal(True)
        step()
        torch.set_flush_denormal(False)

    return run


def measure(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each step, the ways in turn, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for at in range(rounds + 1):
        for name, step in ways.items():
            seconds = timed(step, CPU)
            if at:
                times[name].append(seconds)
    return times


def processes_time(processes: int, size: int, batch: int, precision: Precision, rounds: int) -> float:
    """Seconds of a step of as many processes as there are threads, at the same time, each with its part of the batch."""
    with get_context("spawn").Pool(processes) as pool:
        jobs = [pool.apply_async(_one_process, (size, batch, precision, rounds)) for _ in range(processes)]
        return max(job.get() for job in jobs)


def _one_process(size: int, batch: int, precision: Precision, rounds: int) -> float:
    torch.set_num_threads(1)
    step = step_of(recipe_of(size, batch, precision, channels_last=False), compiled=False)
    return statistics.median(measure({"": step}, rounds)[""])


if __name__ == "__main__":
    main()

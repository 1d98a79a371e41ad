"""The process of a disturbed run: `python -m tests.chaos.driver SCENARIO.json`."""

import os
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import ray
import ray.train

from rayfill.cluster.local import local_ray
from rayfill.cluster.placement import Share
from rayfill.cluster.ray_environment import set_ray_environment
from rayfill.cluster.stop_signal import stop_like_ctrl_c
from rayfill.spec.errors import Failed
from rayfill.training import loop, on_ray
from rayfill.training.worker_on_ray import worker_main
from tests.chaos.scenario import Fault, Scenario


def sabotaged(config: dict[str, Any], *, scenario: str) -> dict[str, Any]:
    """What a worker runs: the real thing, with steps that are written down, and with the scenario's faults."""
    given = Scenario.model_validate_json(scenario)
    context = ray.train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    play = loop.play_step

    def disturbed(*args: Any) -> Any:
        step = args[5] + 1
        if rank == 0:
            with Path(given.folder, "steps").open("a") as file:
                file.write(f"{time.time()} {step} {world}\n")
        for number, fault in enumerate(given.faults):
            if (fault.rank, fault.step) == (rank, step) and (not fault.one_time or _first_time(given.folder, number)):
                _happen(fault)
        time.sleep(given.pace_s)
        return play(*args)

    loop.play_step = disturbed
    try:
        return worker_main(config)
    finally:
        loop.play_step = play


def _first_time(folder: str, number: int) -> bool:
    try:
        Path(folder, f"fault-{number}").open("x").close()
    except FileExistsError:
        return False
    return True


def _happen(fault: Fault) -> None:
    if fault.what == "raise":
        raise RuntimeError("sabotage")
    if fault.what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10_000)


def _connected(scenario: Scenario) -> AbstractContextManager[None]:
    if scenario.address is None:
        return local_ray(dashboard=True)
    ray.init(address=scenario.address, runtime_env={"env_vars": {"RAY_ADDRESS": scenario.address}})
    stop_like_ctrl_c()
    return nullcontext()


def main(file: str) -> int:
    """Train, and say how it ended."""
    scenario = Scenario.model_validate_json(Path(file).read_text())
    set_ray_environment()
    stop_like_ctrl_c()
    vars(on_ray)["worker_main"] = partial(sabotaged, scenario=scenario.model_dump_json())
    try:
        with _connected(scenario):
            on_ray.train_on_ray(scenario.run, Share(1, gpus=0), scenario.wait_s, scenario.grace_s)
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

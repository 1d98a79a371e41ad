"""`--dry-run` of a command for a cluster: what would be submitted, how much would travel, how long it would take."""

from rayfill.cluster.client import Cluster
from rayfill.cluster.cluster_jobs import list_jobs
from rayfill.cluster.code_delivery import Code
from rayfill.cluster.job_command import JobCommand
from rayfill.cluster.preflight import cluster_nodes
from rayfill.cluster.runtime_environment import runtime_environment
from rayfill.cluster.submit import same_job
from rayfill.spec.duration import format_duration
from rayfill.spec.rates import Rates
from rayfill.training.estimate import Estimate

LARGEST = 3
"""Files of the code that are listed."""


def show_plan(
    cluster: Cluster, command: JobCommand, code: Code, estimate: Estimate | None, rates: Rates | None
) -> dict[str, object]:
    """Print the plan; nothing is sent. Time and price are printed where `estimate` and `rates` tell them."""
    found = same_job(list_jobs(cluster), command)
    environment = runtime_environment([])
    needs = command.needs
    workers = (
        f"{needs.workers} worker{'s' * (needs.workers > 1)} of {needs.cpus:g} CPU and {needs.gpus:g} GPU where there are any"
    )
    print(f"job          {f'{found.id}, which is there already' if found else command.name} on {cluster.address}")
    print(f"entrypoint   {command.entrypoint}")
    print(f"resources    {workers if needs.workers else 'what there is'}")
    print(f"environment  {', '.join(f'{key}={value}' for key, value in environment['env_vars'].items())}")
    print(f"code         {code.describe()}, version {command.code_version}")
    for name, size in code.largest()[:LARGEST]:
        print(f"             {size / 2**10:8.1f} KiB  {name}")
    for path in code.untracked:
        print(f"             not sent, because git does not track it: {path}")
    price = None
    if estimate is not None:
        hours = estimate.seconds / 3600 * needs.workers
        gpus = needs.gpus if any(node.gpus for node in cluster_nodes(cluster)) else 0.0
        print(
            f"time         about {format_duration(estimate.seconds)}, at {estimate.images_per_s:.1f} images/s as run "
            f"{estimate.run} with {estimate.run_workers} worker{'s' * (estimate.run_workers > 1)}"
        )
        price = rates.price(hours * needs.cpus, hours * gpus) if rates else None
        print(f"price        {f'about {price}' if price else 'unknown; --rates names a file of what machines cost'}")
    else:
        print("time         unknown: no run like this one is recorded under the root")
    return {
        "job": found.id if found else command.name,
        "joined": found is not None,
        "entrypoint": command.entrypoint,
        "workers": needs.workers,
        "seconds": estimate.seconds if estimate else None,
        "price": price,
        "environment": environment["env_vars"],
        "code": {"kind": code.kind, "files": len(code.files), "bytes": code.bytes, "untracked": list(code.untracked)},
    }

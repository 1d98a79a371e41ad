"""`rayfill inpaint --address`: pictures travel to the root, machines of the cluster fill them, the answers come back."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.inpaint_plan import Task
from jobs.submission import job_command, run_there
from jobs.transfers import delete_below, download_files, exchange_url, model_there, upload_files
from rayfill.cluster.job_command import Needs
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.registry.resolve import ResolvedModel

IMAGES, MASKS, ANSWERS = "images", "masks", "answers"
"""Folders of one command's files below the root."""
AT_A_TIME = 8
"""Pictures of one task; its worker process keeps the model for the next."""


def inpaint_there(
    args: argparse.Namespace, address: str, outputs: Mapping[Task, Sequence[Path]], seeds: range | None
) -> dict[str, object]:
    """Fill pictures of this machine as a job; the answers lie where they would without `--address`.

    Args:
        args: of the command line.
        address: of the cluster.
        outputs: each picture's files.
        seeds: of the samples; None for one answer each.
    """
    locations = Locations(args.root)
    stamps = [(str(t.image.resolve()), t.image.stat().st_mtime_ns, t.mask and t.mask.stat().st_mtime_ns) for t in outputs]
    url = exchange_url(locations, "inpaint", (stamps, args.model, seeds, args.precision))
    if not args.dry_run:
        for name, files in (("images", [t.image for t in outputs]), ("masks", [t.mask for t in outputs])):
            upload_files(f"{url}/{name}", {_key(i, path.suffix): path for i, path in enumerate(files) if path is not None})
    suffix = next(iter(outputs)).out.suffix
    words = [f"{url}/{IMAGES}", "--out", f"{url}/{ANSWERS}", "--out-suffix", suffix, "--precision", args.precision]
    words += ["--mask", f"{url}/{MASKS}"] if next(iter(outputs)).mask is not None else []
    words += ["--model", model_there(args.model, locations)] if args.model else []
    words += ["--samples", str(args.samples)] if args.samples else []
    words += ["--seed", str(args.seed)] if args.seed is not None else []
    result = run_there(args, address, job_command(args, args.model or "champion", words, Needs(1)))
    if args.dry_run or args.detach:
        return result
    wanted: dict[str, Path] = {}
    for i, (task, paths) in enumerate(outputs.items()):
        wanted |= dict(zip(answer_keys(i, suffix, seeds), paths, strict=True))
        wanted |= {_key(i, f"-mask{suffix}"): task.found_mask} if task.mask is None else {}
    download_files(f"{url}/{ANSWERS}", wanted)
    delete_below(url)
    return {"model": result["model"], "version": result["version"]}


def answer_keys(number: int, suffix: str, seeds: range | None) -> list[str]:
    """Keys of the answers to one picture, in the order of the seeds."""
    return [_key(number, suffix)] if seeds is None else [_key(number, f"-{n}{suffix}") for n in range(1, 1 + len(seeds))]


def inpaint_in_job(args: argparse.Namespace, seeds: range | None) -> dict[str, object]:
    """Inside the job: fill what lies below the URL of IMAGE, on all machines, and put the answers below that of `--out`."""
    from rayfill.cluster.local import local_ray
    from rayfill.registry.resolve import only_champion, resolve_model
    from rayfill.storage.open_store import open_store

    locations = Locations(args.root)
    resolved = resolve_model(args.model or only_champion(locations), locations)
    pictures = [entry.key for entry in open_store(args.image).list()]
    if not pictures:
        raise InputError(f"IMAGE {args.image}: there is nothing")
    masks = {entry.key.split(".")[0]: entry.key for entry in open_store(args.mask).list()} if args.mask else {}
    with local_ray(dashboard=False):
        done = 0
        for count in _on_ray(args, resolved, pictures, masks, seeds):
            done += count
            print(f"inpainting: {done} of {len(pictures)} pictures", file=sys.stderr, flush=True)
    return {"model": resolved.name, "version": resolved.version, "pictures": len(pictures), "answers": args.out}


def _on_ray(
    args: argparse.Namespace,
    resolved: "ResolvedModel",
    pictures: Sequence[str],
    masks: Mapping[str, str],
    seeds: range | None,
) -> Iterator[int]:
    """How many pictures each task has filled, as they end."""
    import ray
    from ray.exceptions import RayTaskError

    from rayfill.inference.model_card import CARD, WEIGHTS

    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    files = ray.put({name: (resolved.folder / name).read_bytes() for name in (CARD, WEIGHTS)})
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=3)(_fill_some)
    words = {"image": args.image, "mask": args.mask, "out": args.out, "suffix": args.out_suffix, "precision": args.precision}
    parcels = [pictures[i : i + AT_A_TIME] for i in range(0, len(pictures), AT_A_TIME)]
    running = [task.remote(files, words, {key: masks.get(key.split(".")[0]) for key in some}, seeds) for some in parcels]
    try:
        while running:
            finished, running = ray.wait(running)
            yield ray.get(finished[0])
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, InputError | Failed) else error from None
    finally:
        for left in running:
            ray.cancel(left)


def _fill_some(
    files: Mapping[str, bytes], words: Mapping[str, Any], pictures: Mapping[str, str | None], seeds: range | None
) -> int:
    """A task: fetch some pictures, fill them, send the answers. Done again it gives the same."""
    import torch

    from jobs.inpaint import check_model, fill
    from rayfill.inference.model_folder import load_model

    torch.set_num_threads(1)  # the task has one CPU
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory(prefix="rayfill-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        download_files(words["image"], {key: folder / IMAGES / key for key in pictures})
        if words["mask"]:
            download_files(words["mask"], {key: folder / MASKS / key for key in pictures.values() if key})
        model = load_model(folder, device, words["precision"])
        answers = folder / ANSWERS
        tasks = [
            Task(
                folder / IMAGES / key,
                folder / MASKS / mask if mask else None,
                answers / f"{key.split('.')[0]}{words['suffix']}",
            )
            for key, mask in pictures.items()
        ]
        check_model(model, tasks, seeds)
        for task in tasks:
            keys = answer_keys(int(task.image.name.split(".")[0]), words["suffix"], seeds)
            fill(model, task, [answers / key for key in keys], seeds)
        upload_files(words["out"], {path.name: path for path in sorted(answers.iterdir())})
    return len(tasks)


def _key(number: int, ending: str) -> str:
    """Pictures are numbered on the way: their names may be anything."""
    return f"{number:06d}{ending}"

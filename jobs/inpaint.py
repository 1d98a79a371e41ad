"""`rayfill inpaint`: fill the holes of one picture, or of a folder of them, here and without Ray or on a cluster."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jobs.arguments import Parser, add_precision, natural, positive, verb
from jobs.inpaint_plan import Task, plan_file, plan_folder, plan_outputs
from jobs.submission import JOB_NAME, add_cluster_options, cluster_address
from jobs.transfers import place
from rayfill.cluster.inside_job import inside_job
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.inference.model_folder import Model

T = TypeVar("T")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill inpaint photo.jpg --mask hole.png -o filled.png --model gdn@champion"
    parser = verb(commands, "inpaint", example)
    parser.add_argument("image", metavar="IMAGE", type=place, help="JPEG, PNG, WebP or TIFF, or a folder of them")
    parser.add_argument(
        "--mask",
        type=place,
        metavar="MASK",
        help="of the same size, white = hole; for a folder, a folder with the same names; without it, a model that can "
        "finds the damage itself and writes OUT-mask.png, too",
    )
    parser.add_argument("-o", "--out", type=place, required=True, metavar="OUT", help="a .png or .tif file, or a folder")
    parser.add_argument("--model", metavar="MODEL", help="name@alias, name/version, a run or a folder (default: the champion)")
    parser.add_argument(
        "--samples", type=positive, metavar="N", help="write N different answers, OUT-1.png to OUT-N.png, if the model has many"
    )
    add_precision(parser)
    parser.add_argument("--seed", type=natural, metavar="S", help="of the first sample; the next is of S+1 (default: 0)")
    parser.add_argument("--out-suffix", help=argparse.SUPPRESS)  # of the answers in a job, whose pictures are numbered
    add_cluster_options(parser, name=JOB_NAME)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Check all inputs, then inpaint one picture after another."""
    if args.seed is not None and args.samples is None:
        raise InputError("--seed: chooses among samples; set their number with --samples")
    seeds = None if args.samples is None else range(args.seed or 0, (args.seed or 0) + args.samples)
    if inside_job():
        from jobs.inpaint_there import inpaint_in_job

        return inpaint_in_job(args, seeds)
    for option, given in (("IMAGE", args.image), ("--mask", args.mask), ("--out", args.out)):
        if isinstance(given, str):
            raise InputError(f"{option} {given}: a URL; name a file or a folder of this machine")
    tasks = (
        plan_folder(args.image, args.mask, args.out) if args.image.is_dir() else [plan_file(args.image, args.mask, args.out)]
    )
    outputs = plan_outputs(tasks, seeds)
    if (address := cluster_address(args)) is not None:
        from jobs.inpaint_there import inpaint_there

        result = inpaint_there(args, address, outputs, seeds)
        return result if args.dry_run or args.detach else result | _show(tasks, outputs, seeds, str(result["model"]), args.out)

    from rayfill.registry.resolve import only_champion, resolve_model

    locations = Locations(args.root)
    resolved = resolve_model(args.model or only_champion(locations), locations)
    import torch  # importing takes seconds: only after the arguments are checked
    from tqdm import tqdm

    from rayfill.inference.model_folder import load_model

    model = load_model(resolved.folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"), args.precision)
    check_model(model, tasks, seeds)
    for task in tqdm(tasks, desc="inpainting", unit="picture", disable=None if len(tasks) > 1 else True):
        fill(model, task, outputs[task], seeds)
    result = {"model": resolved.name, "version": resolved.version}
    return result | _show(tasks, outputs, seeds, resolved.name, args.out)


def check_model(model: "Model", tasks: Sequence[Task], seeds: range | None) -> None:
    """InputError if the model has to be told where the holes are and is not, or cannot give several answers."""
    from rayfill.inference.sampling import check_samples

    if model.card.contract.mask == "required" and any(task.mask is None for task in tasks):
        raise InputError(f"--mask: missing; model '{model.card.name}' needs a mask of the holes")
    if seeds is not None:
        check_samples(model, model.card.name)


def _show(
    tasks: Sequence[Task], outputs: Mapping[Task, Sequence[Path]], seeds: range | None, model: str, out: Path
) -> dict[str, object]:
    """Print where the answers are, and return it."""
    written = [path for task in tasks for path in outputs[task]]
    shown = out if len(tasks) > 1 else " to ".join(str(path) for path in dict.fromkeys((written[0], written[-1])))
    times = "" if seeds is None else f" {len(seeds)} time{'s' * (len(seeds) > 1)}"
    print(f"{len(tasks)} picture{'s' * (len(tasks) > 1)} filled{times} by {model}: {shown}")
    found = [task.found_mask for task in tasks if task.mask is None]
    if found:
        print(f"where it found damage: {found[0] if len(found) == 1 else 'the files that end in -mask.png'}")
    result: dict[str, object] = {"outputs": [str(path) for path in written]}
    return result | ({"masks": [str(path) for path in found]} if found else {})


def fill(model: "Model", task: Task, outputs: Sequence[Path], seeds: range | None) -> None:
    """Read a picture and its mask, fill it once for each seed, and write the answers."""
    from rayfill.data.images.encode import encode_image, not_encoded
    from rayfill.data.images.source_image import fill_samples, read_source_image
    from rayfill.data.images.untrusted import read_mask
    from rayfill.inference.inpaint import inpaint

    source = _read(task.image, read_source_image)
    picture = source.picture
    mask = None if task.mask is None else _read(task.mask, read_mask)
    if mask is not None and picture.shape[:2] != mask.shape:
        sizes = [f"{pixels.shape[1]}x{pixels.shape[0]}" for pixels in (mask, picture)]
        raise InputError(f"{task.mask}: the mask is {sizes[0]}, and {task.image} is {sizes[1]}; both must have the same size")
    if mask is not None and mask.all():
        raise InputError(f"{task.mask}: the mask covers the whole picture; leave some pixels known")
    answers = [inpaint(model, [picture], [mask], seed=seed)[0] for seed in ([None] if seeds is None else seeds)]
    task.out.parent.mkdir(parents=True, exist_ok=True)
    for answer, path in zip(answers, outputs, strict=True):
        path.write_bytes(encode_image(fill_samples(source, answer.composited, answer.mask), source, path.suffix.lower()))
    if mask is None:
        task.found_mask.write_bytes(encode_image(answers[0].mask, None, task.found_mask.suffix.lower()))
    for clause in (*source.not_kept, *not_encoded(source, task.out.suffix.lower())):
        print(f"{task.image}: {clause}", file=sys.stderr)


def _read(path: Path, read: Callable[[bytes, int], T]) -> T:
    from rayfill.data.images.convert import MAX_PIXELS
    from rayfill.data.images.untrusted import InvalidImage

    try:
        return read(path.read_bytes(), MAX_PIXELS)
    except InvalidImage as error:
        raise InputError(f"{path}: the file {error}") from None
    except PermissionError:
        raise InputError(f"{path}: the file cannot be read; its permissions do not allow it") from None

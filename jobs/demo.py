"""`rayfill demo`: the whole life of a model in about five minutes, each step a command that you could type yourself."""

import argparse
import io
import shlex
import socket
import sys
import time
from pathlib import Path

from jobs import evaluate, ingest, models, promote, train
from jobs.arguments import Parser, build_parser, verb
from jobs.demo_photographs import photographs, write_tiles
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

STEPS = (ingest, train, evaluate, promote, models)
RECIPE = Path(__file__).parent / "recipes" / "demo.yaml"
SHOWN = "chelsea.png"
SHRINK = 3
"""The photograph that is sent is this much smaller, so that its holes are as wide as those of 64-pixel training images."""
GAP = 4
"""Pixels of white between the three pictures."""
HOLE_RATIO_BUCKET = "(0.1,0.2]"


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    verb(commands, "demo", "carry photographs through the whole life of a model: ingest, train, promote, serve", "rayfill demo")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Ingest, train, evaluate, promote, serve, ask; then say where everything is."""
    locations = Locations(args.root)
    if not locations.root.startswith("file://"):
        raise InputError(f"--root {args.root}: the demo works in a local folder")
    from rayfill.cluster.local import local_ray

    began = time.monotonic()
    folder = Path(locations.root.removeprefix("file://")) / "demo"
    print(f"{write_tiles(folder / 'tiles')} tiles of {len(photographs())} photographs", file=sys.stderr)
    with local_ray():
        _type(["ingest", str(folder / "tiles"), "demo", "--val-share", "0.15", "--shard-mib", "1"], args.root)
        trained = _type(["train", str(RECIPE), "--data", "demo", "--workers", "2"], args.root)
        model = f"{trained['model']}/{trained['version']}"
        _type(["evaluate", model, "--data", "demo", "--report", str(folder / "report")], args.root)
        _type(["promote", model, "--why", "the demo"], args.root)
        _type(["models"], args.root)
        url, picture = serve_and_ask(f"{trained['model']}@champion", args.root, folder)
    minutes = (time.monotonic() - began) / 60
    report = folder / "report" / "index.html"
    print(f"\nasked     {url}/v1/inpaint\nlook at   {picture}\nreport    {report}\ntook      {minutes:.1f} min")
    print(f"and now   rayfill serve --model {trained['model']}@champion   (a page to paint holes on)")
    return {
        "model": model,
        "url": url,
        "picture": str(picture),
        "report": str(report),
        "minutes": minutes,
    }


def serve_and_ask(model: str, root: str, folder: Path) -> tuple[str, Path]:
    """Serve a model, send it a photograph with holes, and write the before/after picture."""
    import numpy as np
    import requests
    from PIL import Image

    from rayfill.masks.draw import draw_mask
    from rayfill.spec.masks import Irregular, MaskMix
    from serving.start import start_serving

    photograph = next(path for path in photographs() if path.name == SHOWN)
    image = Image.open(photograph).convert("RGB").reduce(SHRINK)
    mix = MaskMix(families=(Irregular(kind="irregular", buckets=(HOLE_RATIO_BUCKET,)),))
    mask = draw_mask(mix, image.height, image.width, ("demo",))
    port = _free_port()
    print(f"\n$ rayfill serve --model {model} --port {port}", file=sys.stderr, flush=True)
    serving = start_serving(model, root, "127.0.0.1", port, 1)
    try:
        files = {"image": ("photograph.png", _png(np.asarray(image))), "mask": ("mask.png", _png(mask * 255))}
        answer = requests.post(f"{serving.url}/v1/inpaint", files=files, timeout=120)
        answer.raise_for_status()
    finally:
        serving.stop()
    restored = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
    known = mask == 0
    if not np.array_equal(restored[known], np.asarray(image)[known]):
        raise AssertionError("the server changed known pixels")
    broken = np.where(mask[..., None] > 0, np.uint8(255), np.asarray(image))
    gap = np.full((image.height, GAP, 3), 255, np.uint8)
    row = Image.fromarray(np.concatenate([broken, gap, restored, gap, np.asarray(image)], axis=1))
    picture = folder / "before-after.png"
    row.resize((row.width * SHRINK, row.height * SHRINK), Image.Resampling.NEAREST).save(picture)
    return serving.url, picture


def _type(words: list[str], root: str) -> dict[str, object]:
    """Run a command as if it had been typed, and show it."""
    print(f"\n$ rayfill {shlex.join(words)}", file=sys.stderr, flush=True)
    args = build_parser(STEPS).parse_args([*words, "--root", root])
    result: dict[str, object] = args.run(args)
    return result


def _free_port() -> int:
    """A port that nobody listens on: a demo must not fail in its last minute because 8000 is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _png(pixels: object) -> bytes:
    import numpy as np
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()

"""The demo's photographs: the colour ones that come inside scikit-image and scikit-learn, cut into tiles.

Seven photographs are too few to hold a whole one out, so tiles of one photograph can be in train and in val. They do not
overlap, but they are similar: the demo's numbers show that everything works, not how good the model is.
"""

import importlib.util
from pathlib import Path

from PIL import Image

FROM_SKIMAGE = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
FROM_SKLEARN = ("china.jpg", "flower.jpg")
TILE = 128
"""Side of a tile in pixels."""


def photographs() -> list[Path]:
    """Paths of the photographs in the installed packages."""
    folders = ((_package("skimage") / "data", FROM_SKIMAGE), (_package("sklearn") / "datasets" / "images", FROM_SKLEARN))
    return [folder / name for folder, names in folders for name in names]


def write_tiles(folder: Path) -> int:
    """Cut every photograph into whole tiles without overlap, as PNG files; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in photographs():
        picture = Image.open(path).convert("RGB")
        for top in range(0, picture.height - TILE + 1, TILE):
            for left in range(0, picture.width - TILE + 1, TILE):
                tile = picture.crop((left, top, left + TILE, top + TILE))
                tile.save(folder / f"{path.stem}-{top:04d}-{left:04d}.png")
                count += 1
    return count


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"package {name} is missing; run make setup")
    return Path(found.origin).parent

"""Convert pixels of any Pillow mode to 8-bit RGB, and report what was changed."""

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile


def is_deep(image: ImageFile) -> bool:
    """Whether an image has more than 8 bits a channel. Ask before it is loaded, for Pillow cuts 16-bit colour as it loads."""
    return image.mode.startswith("I") or any(";16" in str(tile[3]) for tile in image.tile)


def to_rgb8(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """An RGB image with 8 bits a channel, and the reasons why it was not one: 'cmyk', 'grayscale', 'palette', 'alpha', ...

    Transparent pixels are laid over white. ValueError for pixels without a known range (floating point).
    """
    image.load()
    reasons: list[str] = []
    if image.mode == "F" or image.mode.startswith("I"):
        image = _gray8(image)
    if image.mode == "CMYK":
        return image.convert("RGB"), ["cmyk"]
    if image.mode in ("P", "PA"):
        reasons.append("palette")
    elif image.mode in ("1", "L", "LA", "La"):
        reasons.append("grayscale")
    elif image.mode not in ("RGB", "RGBA", "RGBa"):
        reasons.append("colour-space")
    if image.has_transparency_data:
        flat = Image.new("RGBA", image.size, "white")
        flat.alpha_composite(image.convert("RGBA"))
        image = flat
        reasons.append("alpha")
    return image.convert("RGB"), reasons


def _gray8(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65_535:
        raise ValueError("pixels without a known range")
    return Image.fromarray(((values.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8))

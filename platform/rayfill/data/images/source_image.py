"""Read a photograph with its mode, depth, alpha, colour profile, EXIF and resolution, so that an answer keeps them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile

from rayfill.data.images.color import is_deep, to_rgb8
from rayfill.data.images.untrusted import TRANSPOSED, UInt8, orientation, read_untrusted, upright

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_LUMA = np.array([19595, 38470, 7471]) / 65536
"""Gray of red, green and blue: ITU-R 601, as Pillow converts."""


@dataclass(frozen=True)
class SourceImage:
    """Upright.

    Attributes:
        picture: (H,W,3) uint8 RGB, transparent pixels over white: what networks see.
        samples: (H,W,C) uint8 or uint16 in the photograph's own mode: gray, gray and alpha, RGB, or RGBA by C from 1 to 4.
        icc: its colour profile.
        exif: a TIFF structure without a preview of the picture; orientation is 1.
        dpi: dots an inch, horizontally and vertically.
        not_kept: clauses that say what an answer cannot give back; empty for most.
    """

    picture: UInt8
    samples: Samples
    icc: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    not_kept: tuple[str, ...]


def read_source_image(data: bytes, max_pixels: int) -> SourceImage:
    """The whole photograph; InvalidImage, never another exception, if there is none in the bytes."""
    return read_untrusted(data, max_pixels, lambda image: _read(image, data))


def fill_samples(source: SourceImage, picture: UInt8, mask: UInt8) -> Samples:
    """(H,W,C): where the mask is 0 the source's own samples, bit for bit; elsewhere the filled picture's colour.

    In a hole transparency goes on as it is around it (Navier-Stokes inpainting of the alpha channel), and the colour is the one
    that gives the filled picture over white.

    Args:
        source: the photograph that was sent.
        picture: (H,W,3) uint8, its filled `picture`.
        mask: (H,W) uint8, 0 = known.
    """
    hole = mask > 0
    samples = source.samples.copy()
    if not hole.any():
        return samples
    top = np.iinfo(samples.dtype).max
    has_alpha = samples.shape[2] in (2, 4)
    color = picture[hole].astype(np.float64)
    if has_alpha:
        samples[..., -1] = _continued(samples[..., -1], hole)
        alpha = samples[..., -1][hole, None] / top
        color = np.where(alpha > 0, (color - 255 * (1 - alpha)) / np.maximum(alpha, 1 / top), color).clip(0, 255)
    if samples.shape[2] <= 2:
        color = (color @ _LUMA)[:, None]
    samples[hole, : color.shape[1]] = np.rint(color * (top / 255))
    return samples


def _continued(alpha: npt.NDArray[Any], hole: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    known = alpha[~hole]
    if not known.size or (known == known[0]).all():
        return np.full_like(alpha, known[0] if known.size else np.iinfo(alpha.dtype).max)
    import cv2  # a fifth of a second that most pictures do not need

    return cv2.inpaint(np.ascontiguousarray(alpha), hole.astype(np.uint8), 3, cv2.INPAINT_NS)


def _read(image: ImageFile, data: bytes) -> SourceImage:
    deep = is_deep(image)  # first: Pillow forgets it when it loads, and PNG's EXIF makes it load
    gray_and_alpha = any("LA;16" in str(tile[3]) for tile in image.tile)  # OpenCV gives it as RGB and alpha
    declared = orientation(image)
    not_kept = [f"only the first of its {'pages' if image.format == 'TIFF' else 'frames'}"] if _has_more(image) else []
    exif = _exif(image)
    image.load()
    turn = orientation(image)  # of a TIFF it is 1 now: Pillow and OpenCV turn those themselves
    samples = _deep_samples(data, image.size) if deep else None
    if samples is None and deep:
        not_kept.append("8 bits a channel of its 16")
    elif gray_and_alpha:
        not_kept.append("RGB and alpha in place of gray and alpha")
    elif image.mode == "1":
        not_kept.append("gray in place of black and white")
    picture = np.asarray(to_rgb8(image)[0])
    icc = image.info.get("icc_profile") or None
    if samples is None:
        if image.mode in ("P", "PA"):
            not_kept.append("full colour in place of its palette")
        elif image.mode not in ("1", "L", "LA", "La", "RGB", "RGBA", "RGBa") and not image.mode.startswith("I"):
            not_kept.append(f"RGB in place of {image.mode}, without its colour profile")
            icc = None  # it describes the other colour space
        samples = _own_samples(image)
    return SourceImage(
        np.ascontiguousarray(upright(picture, turn)),
        np.ascontiguousarray(upright(samples, turn)),
        icc if isinstance(icc, bytes) else None,
        exif,
        _dpi(image) if declared < TRANSPOSED else _turned(_dpi(image)),
        tuple(f"{clause} come{'s' * (not clause.startswith('8'))} back" for clause in not_kept),
    )


def _own_samples(image: ImageFile) -> Samples:
    gray = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")
    alpha = image.has_transparency_data
    plain = to_rgb8(image)[0].convert("L") if image.mode.startswith("I") else image
    array = np.asarray(plain.convert(("LA" if alpha else "L") if gray else ("RGBA" if alpha else "RGB")))
    return array[..., None] if array.ndim == 2 else array


def _deep_samples(data: bytes, size: tuple[int, int]) -> Samples | None:
    """16-bit samples, which Pillow cuts to 8 where there is colour."""
    import cv2

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    found: npt.NDArray[Any] | None = decoded
    if found is None or found.dtype != np.uint16 or found.shape[1::-1] != size:
        return None
    if found.ndim == 2:
        return found[..., None]
    return found[..., [2, 1, 0, 3][: found.shape[2]]] if found.shape[2] in (3, 4) else None


def _has_more(image: ImageFile) -> bool:
    """Whether there is a second page or frame. Asked without `n_frames`, which reads through all pages of a hostile TIFF."""
    if image.format != "TIFF":
        return bool(getattr(image, "is_animated", False))
    try:
        image.seek(1)
    except EOFError:
        return False
    finally:
        image.seek(0)
    return True


def _exif(image: ImageFile) -> bytes | None:
    try:
        found = image.getexif()
        exif = Image.Exif()
        for tag, value in found.items():
            if tag in _ABOUT_PEOPLE_AND_PLACES:
                exif[tag] = value
        for folder in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if entries := found.get_ifd(folder):
                exif.get_ifd(folder).update(entries)
        if not len(exif) and not any(exif.get_ifd(folder) for folder in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)):
            return None
        return exif.tobytes().removeprefix(b"Exif\0\0")
    except Exception:
        return None  # senseless metadata around sound pixels


def _turned(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if dpi is None else (dpi[1], dpi[0])


def _dpi(image: ImageFile) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


_ABOUT_PEOPLE_AND_PLACES = frozenset(
    getattr(ExifTags.Base, name).value
    for name in ("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright", "HostComputer")
)
"""Tags of EXIF's first directory that outlive the file's own layout; the rest of a TIFF's says where its strips are."""

"""Encode pixels, colour profile, EXIF and resolution as PNG or TIFF."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from rayfill.data.images.source_image import Samples, SourceImage

_INCHES_A_METRE = 1 / 0.0254
_SIGNATURE_AND_IHDR = 33  # bytes; colour chunks stand behind them and before the pixels


def encode_image(samples: Samples, source: SourceImage | None, suffix: str) -> bytes:
    """Encode losslessly.

    Args:
        samples: (H,W) or (H,W,C) uint8 or uint16, C from 1 to 4: gray, gray and alpha, RGB, RGBA.
        source: whose colour profile, EXIF and resolution are written; None for none.
        suffix: `.png`, `.tif` or `.tiff`. EXIF of 16-bit colour is not written into a TIFF: `not_encoded` says so.
    """
    samples = samples[..., None] if samples.ndim == 2 else samples
    if suffix == ".png":
        return _png(samples, source)
    if samples.dtype == np.uint16 and samples.shape[2] > 1:
        return _deep_tiff(samples, source)
    return _saved(samples, "TIFF", **_metadata(source))  # not compressed: through libtiff Pillow writes no EXIF


def not_encoded(source: SourceImage, suffix: str) -> tuple[str, ...]:
    """Clauses that say what of a photograph a file of this kind lacks beside its `not_kept`."""
    deep_color = source.samples.dtype == np.uint16 and source.samples.shape[2] > 1
    return ("EXIF does not come back in a TIFF of 16-bit colour",) if source.exif and deep_color and suffix != ".png" else ()


def _deep_tiff(samples: Samples, source: SourceImage | None) -> bytes:
    """Pillow has no 16-bit colour, and OpenCV writes no profile."""
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(
        file,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] if samples.shape[2] == 4 else None,
        compression="zlib",
        predictor=True,
        metadata=None,
        software=False,
        iccprofile=None if source is None else source.icc,
        resolution=None if source is None else source.dpi,
        resolutionunit=None if source is None or source.dpi is None else "inch",
    )
    return file.getvalue()


def _metadata(source: SourceImage | None) -> dict[str, object]:
    metadata = {} if source is None else {"icc_profile": source.icc, "exif": source.exif, "dpi": source.dpi}
    return {key: value for key, value in metadata.items() if value is not None}


def _saved(samples: Samples, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(file, kind, **options)
    return file.getvalue()


def _png(samples: Samples, source: SourceImage | None) -> bytes:
    if samples.shape[2] == 2:
        return _saved(samples, "PNG", **_metadata(source))
    import cv2

    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[2]]
    _, encoded = cv2.imencode(".png", samples[..., order])
    png = encoded.tobytes()
    return png if source is None else png[:_SIGNATURE_AND_IHDR] + _chunks(source) + png[_SIGNATURE_AND_IHDR:]


def _chunks(source: SourceImage) -> bytes:
    """PNG's iCCP, pHYs and eXIf (PNG specification, third edition, 11.3). Pillow writes them, but no 16-bit colour."""
    chunks = b""
    if source.icc is not None:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(source.icc))
    if source.dpi is not None:
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *(round(value * _INCHES_A_METRE) for value in source.dpi), 1))
    if source.exif is not None:
        chunks += _chunk(b"eXIf", source.exif)
    return chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

"""Decode an untrusted upload to a picture and a mask, or refuse it with a status code and one sentence."""

from dataclasses import dataclass

from fastapi import UploadFile

from rayfill.data.images.source_image import SourceImage, read_source_image
from rayfill.data.images.untrusted import InvalidImage, read_mask
from serving.backend import UInt8
from serving.limits import MAX_FILE_BYTES, MAX_PIXELS

_STATUS = {"format": 415, "pixels": 413, "damaged": 422}


class Refused(Exception):
    """The request is answered with this status and this sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Upload:
    """A photograph and, if one was sent, its mask (H,W) uint8, 255 = hole."""

    source: SourceImage
    mask: UInt8 | None


async def read_part(name: str, part: UploadFile) -> bytes:
    """The bytes of one file of a multipart request; Refused if it is empty or too large."""
    data = await part.read(MAX_FILE_BYTES + 1)
    if not data:
        raise Refused(422, f"{name}: the file is empty")
    if len(data) > MAX_FILE_BYTES:
        raise Refused(413, f"{name}: the file is larger than the allowed {MAX_FILE_BYTES // 2**20} MiB")
    return data


def decode(image: bytes, mask: bytes | None) -> Upload:
    """Both files as pixels. Refused if one is no image or too large, if their sizes differ, or if nothing is known."""
    try:
        upload = Upload(read_source_image(image, MAX_PIXELS), None if mask is None else _mask(mask))
    except InvalidImage as error:
        raise Refused(_STATUS[error.reason], f"image: the file {error}") from None
    if upload.mask is None:
        return upload
    (height, width), (mask_height, mask_width) = upload.source.picture.shape[:2], upload.mask.shape
    if (height, width) != (mask_height, mask_width):
        raise Refused(
            422, f"mask: it is {mask_width}x{mask_height}, and the image is {width}x{height}; both must have the same size"
        )
    if upload.mask.all():
        raise Refused(422, "mask: it covers the whole image; leave some of it black (known)")
    return upload


def _mask(data: bytes) -> UInt8:
    try:
        return read_mask(data, MAX_PIXELS)
    except InvalidImage as error:
        raise Refused(_STATUS[error.reason], f"mask: the file {error}") from None

"""Masks from a file of one's own: what is drawn from it, and which files are refused before anything starts."""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from rayfill.masks.draw import draw_mask
from rayfill.masks.mask_set import generate_mask_set
from rayfill.masks.painted import pinned
from rayfill.masks.resize import bucket_of_mask, hole_ratio
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import InputError
from rayfill.spec.masks import MaskMix, MaskSetSpec, Painted

UInt8 = npt.NDArray[np.uint8]


def band(share: float, side: int = 96) -> UInt8:
    """A hole over the upper `share` of the picture."""
    mask = np.zeros((side, side), np.uint8)
    mask[: round(share * side)] = 255
    return mask


def png(mask: UInt8) -> bytes:
    return cv2.imencode(".png", mask)[1].tobytes()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Painted]:
    """`written({"a.png": bytes}, turn=False)`: the family of a new file with these."""

    def write(files: Mapping[str, bytes], **options: bool) -> Painted:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
        path.write_bytes(tar_of(files))
        return Painted(kind="painted", tar=str(path), **options)

    return write


def drawn(family: Painted, height: int, width: int, count: int) -> list[UInt8]:
    return [draw_mask(MaskMix(families=(family,)), height, width, ("painted", i)) for i in range(count)]


@pytest.mark.parametrize("size", [(64, 64), (96, 160), (160, 96), (16, 16)])
def test_masks_are_zeros_and_ones_of_the_size_asked_for_and_never_without_a_hole(
    written: Callable[..., Painted], size: tuple[int, int]
) -> None:
    dot = np.zeros((200, 200), np.uint8)
    dot[3, 5] = 255
    for mask in drawn(written({"dot.png": png(dot), "band.png": png(band(0.4))}), *size, 60):
        assert mask.shape == size
        assert set(np.unique(mask)) == {0, 1}


def test_every_picture_of_the_file_is_drawn_and_turned_eight_ways(written: Callable[..., Painted]) -> None:
    corner = np.zeros((32, 32), np.uint8)
    corner[:16, :8] = 255
    family = written({"sub/corner.png": png(corner), "thin.png": png(band(0.1)), "notes.txt": b"of 2026", ".hidden.png": b"x"})
    masks = drawn(family, 32, 32, 400)
    corners = [mask for mask in masks if mask.sum() == 16 * 8]
    assert 130 < len(corners) < 270
    assert len({mask.tobytes() for mask in corners}) == 8


def test_masks_that_are_not_turned_stay_as_they_were_painted(written: Callable[..., Painted]) -> None:
    for mask in drawn(written({"a.png": png(band(0.25))}, turn=False), 96, 96, 20):
        np.testing.assert_array_equal(mask, band(0.25) // 255)


def test_a_mask_of_another_shape_is_cut_not_squeezed(written: Callable[..., Painted]) -> None:
    square = np.zeros((64, 256), np.uint8)
    square[16:48, 112:144] = 255
    for mask in drawn(written({"a.png": png(square)}, turn=False), 64, 64, 40):
        _, _, width, height = cv2.boundingRect(mask)
        assert height == 32 or hole_ratio(mask) < 0.1, "as high as it was, or the whole mask where the cut missed the hole"
        assert width <= 32


def test_the_same_key_gives_the_same_mask(written: Callable[..., Painted]) -> None:
    family = written({f"{i}.png": png(band(i / 20)) for i in range(1, 15)})
    for first, again in zip(drawn(family, 48, 64, 10), drawn(family, 48, 64, 10), strict=True):
        np.testing.assert_array_equal(first, again)


def test_a_mask_set_is_made_from_a_file(written: Callable[..., Painted]) -> None:
    family = written({f"{i}.png": png(band(i / 100 + 0.005, 200)) for i in range(1, 62, 3)})
    made = generate_mask_set(MaskSetSpec(name="ours", family=family, seed=1, size=64, per_bucket=2))
    assert all(bucket_of_mask(made.mask(bucket_name(bucket), 1)) == bucket for bucket in BUCKETS)


def test_a_file_in_a_bucket_is_read_from_there(s3_url: str) -> None:
    bucket, _, prefix = s3_url.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/ours.tar", Body=tar_of({"a.png": png(band(0.5))}))
    family = Painted(kind="painted", tar=f"{s3_url}/ours.tar")
    assert {hole_ratio(mask) for mask in drawn(family, 64, 64, 5)} == {0.5}


def test_a_run_writes_the_files_digest_down_and_another_file_is_refused(written: Callable[..., Painted]) -> None:
    mix = pinned(MaskMix(families=(written({"a.png": png(band(0.25))}),)))
    (family,) = mix.families
    assert isinstance(family, Painted)
    assert family.sha256
    assert pinned(mix) == mix
    other = tar_of({"a.png": png(band(0.5))})
    Path(family.tar).with_name("other.tar").write_bytes(other)
    moved = family.model_copy(update={"tar": family.tar.replace(Path(family.tar).name, "other.tar")})
    with pytest.raises(InputError, match=rf"other\.tar: its sha256 is \w+\.\.\., not {family.sha256[:12]}\.\.\. as given"):
        draw_mask(MaskMix(families=(moved,)), 32, 32, (0,))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"holds no pictures; \.png, .* are taken"),
        ({"a.txt": b"mask"}, "holds no pictures"),
        ({"a.png": b"no picture"}, r"\.tar: a\.png: cannot be decoded"),
        (
            {"good.png": png(band(0.5)), "zero.png": png(band(0.0))},
            r"zero\.png: is without a hole; white = hole, black = known",
        ),
        ({"good.png": png(band(0.5)), "full.png": png(band(1.0))}, r"full\.png: is nothing but hole"),
    ],
)
def test_files_without_good_masks_are_refused_before_a_run_starts(
    written: Callable[..., Painted], files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        pinned(MaskMix(families=(written(files),)))


def test_painted_masks_name_a_missing_or_broken_tar(tmp_path: Path) -> None:
    (tmp_path / "cut.tar").write_bytes(tar_of({"a.png": png(band(0.5)) * 9})[:700])
    with pytest.raises(InputError, match=r"cut\.tar: not a complete tar file"):
        pinned(MaskMix(families=(Painted(kind="painted", tar=f"{tmp_path}/cut.tar"),)))
    with pytest.raises(InputError, match=r"gone\.tar: there is no such file"):
        pinned(MaskMix(families=(Painted(kind="painted", tar=f"{tmp_path}/gone.tar"),)))


@pytest.mark.parametrize("tar", ["masks.tar", "./masks.tar", "/team/masks.zip", "s3://team.tar", "https://team/masks.tar"])
def test_only_full_paths_and_urls_of_tars_are_taken(tar: str) -> None:
    with pytest.raises(ValidationError, match="must be the full path or s3:// URL of a .tar file"):
        Painted(kind="painted", tar=tar)

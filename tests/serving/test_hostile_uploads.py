"""Every upload that cannot be answered gets a status and one sentence; every odd one that can gets its picture."""

import io
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import requests
from PIL import Image, ImageCms

from rayfill.data.images.encode import encode_image
from rayfill.data.images.source_image import read_source_image
from serving import body_limit
from serving.limits import MAX_BODY_BYTES, MAX_FILE_BYTES

Pixels = npt.NDArray[np.uint8]
Encode = Callable[..., bytes]


def post(server: str, **files: bytes) -> requests.Response:
    return requests.post(f"{server}/v1/inpaint", files=files, timeout=60)


def sentence(answer: requests.Response, status: int) -> str:
    assert answer.status_code == status, answer.text[:200]
    assert list(answer.json()) == ["detail"]
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    return detail


def pixels_of(answer: requests.Response) -> Pixels:
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["Content-Type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_missing_part_is_named(local_server: str, photograph: Pixels, encode: Encode) -> None:
    assert sentence(post(local_server, image=encode(photograph)), 422).startswith("mask: missing; send multipart/form-data")
    assert sentence(post(local_server, mask=encode(photograph)), 422).startswith("image: missing;")
    as_text = requests.post(f"{local_server}/v1/inpaint", data={"image": "cat", "mask": "dog"}, timeout=60)
    assert sentence(as_text, 422).startswith("image: not a file;")
    no_form = requests.post(f"{local_server}/v1/inpaint", data=b"cat", timeout=60)
    assert sentence(no_form, 422).startswith("image: missing;")


def test_a_broken_form_is_a_bad_request(local_server: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = requests.post(f"{local_server}/v1/inpaint", data=b"cat", headers=headers, timeout=60)
    assert sentence(broken, 400)


def test_upload_that_is_no_image_answers_415(local_server: str, photograph: Pixels, hole: Pixels, encode: Encode) -> None:
    expected = "the file is not a JPEG, PNG, WebP or TIFF image"
    assert sentence(post(local_server, image=b"%PDF-1.4", mask=encode(hole)), 415) == f"image: {expected}"
    assert sentence(post(local_server, image=encode(photograph), mask=b"<svg/>"), 415) == f"mask: {expected}"
    assert sentence(post(local_server, image=encode(photograph, "GIF"), mask=encode(hole)), 415) == f"image: {expected}"


def test_an_empty_file_is_named(local_server: str, hole: Pixels, encode: Encode) -> None:
    assert sentence(post(local_server, image=b"", mask=encode(hole)), 422) == "image: the file is empty"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_file_is_told(local_server: str, photograph: Pixels, hole: Pixels, encode: Encode, kind: str) -> None:
    whole = encode(photograph, kind)
    answer = post(local_server, image=whole[: len(whole) // 2], mask=encode(hole))
    assert sentence(answer, 422) == "image: the file is damaged or cut short"


def test_a_decompression_bomb_is_refused_by_what_it_claims(local_server: str, hole: Pixels, encode: Encode) -> None:
    message = sentence(post(local_server, image=bomb(9000, 9000), mask=encode(hole)), 413)
    assert message == "image: the file has 9000x9000 = 81000000 pixels; allowed are 50000000"
    assert "pixels" in sentence(post(local_server, image=bomb(2**30, 2**30), mask=encode(hole)), 413)
    assert "pixels" in sentence(post(local_server, image=encode(hole), mask=bomb(60000, 60000)), 413)


def test_files_and_requests_that_are_too_long_are_refused(local_server: str, hole: Pixels, encode: Encode) -> None:
    message = sentence(post(local_server, image=bytes(MAX_FILE_BYTES + 1), mask=encode(hole)), 413)
    assert message == "image: the file is larger than the allowed 32 MiB"
    message = sentence(post(local_server, image=bytes(MAX_BODY_BYTES), mask=encode(hole)), 413)
    assert message == "the request is longer than the allowed 64 MiB"


def test_a_mask_of_another_size_is_told_with_both_sizes(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    message = sentence(post(local_server, image=encode(photograph), mask=encode(hole[:-1])), 422)
    assert message == "mask: it is 371x254, and the image is 371x255; both must have the same size"


def test_a_full_mask_is_refused_and_an_empty_one_changes_nothing(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    full = sentence(post(local_server, image=encode(photograph), mask=encode(np.full_like(hole, 255))), 422)
    assert full.startswith("mask: it covers the whole image")
    empty = post(local_server, image=encode(photograph), mask=encode(np.zeros_like(hole)))
    np.testing.assert_array_equal(pixels_of(empty), photograph)


def test_unknown_places_answer_with_a_sentence_too(local_server: str) -> None:
    assert sentence(requests.get(f"{local_server}/v1/nothing", timeout=60), 404) == "Not Found"
    assert sentence(requests.get(f"{local_server}/v1/inpaint", timeout=60), 405) == "Method Not Allowed"


def test_gray_values_of_a_mask_count_from_the_middle(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    gray = np.where(hole > 0, np.uint8(128), np.uint8(127))
    sharp = post(local_server, image=encode(photograph), mask=encode(hole))
    np.testing.assert_array_equal(pixels_of(post(local_server, image=encode(photograph), mask=encode(gray))), pixels_of(sharp))
    blurred = pixels_of(post(local_server, image=encode(photograph), mask=encode(hole, "JPEG", quality=50)))
    outside = np.ones_like(hole, bool)
    outside[52:148, 92:228] = False  # JPEG blurs by up to a block
    np.testing.assert_array_equal(blurred[outside], photograph[outside])
    assert (blurred[80:120, 120:200] != photograph[80:120, 120:200]).any()


def test_an_answer_has_the_photograph_s_alpha_and_says_what_it_lacks(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    alpha = np.arange(photograph[..., 0].size).reshape(photograph.shape[:2]).astype(np.uint8)
    layer = np.dstack([photograph, alpha])
    answer = post(local_server, image=encode(layer), mask=encode(hole))
    filled = pixels_of(answer)
    np.testing.assert_array_equal(filled[hole == 0], layer[hole == 0])
    assert "X-Rayfill-Not-Kept" not in answer.headers
    file = io.BytesIO()
    Image.fromarray(photograph).convert("P").save(file, "PNG")
    assert "palette" in post(local_server, image=file.getvalue(), mask=encode(hole)).headers["X-Rayfill-Not-Kept"]


@pytest.mark.parametrize("query", ["", "?format=tiff"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["gray", "16-bit gray", "16-bit colour"])
def test_an_answer_keeps_mode_depth_profile_and_resolution_as_png_and_tiff(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode, mode: str, kind: str, query: str
) -> None:
    pixels = photograph if "colour" in mode else photograph[..., 0]
    deep = pixels.astype(np.uint16) * 257 if "16" in mode else pixels
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB" if "colour" in mode else "LAB")).tobytes()
    source = replace(read_source_image(encode(photograph), 10**6), samples=np.atleast_3d(deep), icc=profile, dpi=(300.0, 300.0))
    image = encode_image(source.samples, source, {"PNG": ".png", "TIFF": ".tif"}[kind])
    answer = requests.post(f"{local_server}/v1/inpaint{query}", files={"image": image, "mask": encode(hole)}, timeout=60)
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["Content-Type"] == ("image/tiff" if query else "image/png")
    assert "X-Rayfill-Not-Kept" not in answer.headers
    back = read_source_image(answer.content, 10**6)
    assert back.samples.dtype == deep.dtype
    np.testing.assert_array_equal(back.samples[hole == 0], source.samples[hole == 0])
    assert back.icc == profile
    assert back.dpi == pytest.approx((300, 300), rel=1e-3)


def test_an_answer_keeps_the_photograph_s_exif(local_server: str, photograph: Pixels, hole: Pixels, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    answer = post(local_server, image=encode(photograph, exif=exif), mask=encode(hole))
    assert Image.open(io.BytesIO(answer.content)).getexif()[0x013B] == "Ada"


def test_a_damaged_form_prints_no_line(local_server: str, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n1\r\n--y" + b"-" * 100
    with caplog.at_level("WARNING"):
        assert requests.post(f"{local_server}/v1/inpaint", data=body, headers=headers, timeout=60).status_code >= 400
    assert [record.getMessage() for record in caplog.records if "multipart" in record.name] == []


def test_transparent_parts_of_a_mask_are_known(local_server: str, photograph: Pixels, hole: Pixels, encode: Encode) -> None:
    painted = np.dstack([np.full((*hole.shape, 3), 255, np.uint8), hole])  # white strokes on a transparent layer
    expected = pixels_of(post(local_server, image=encode(photograph), mask=encode(hole)))
    np.testing.assert_array_equal(pixels_of(post(local_server, image=encode(photograph), mask=encode(painted))), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (17, 5), (640, 20)])
def test_every_size_and_aspect_ratio_is_answered_in_kind(local_server: str, encode: Encode, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*size, 3), np.uint8)
    mask = (rng.random(size) < 0.4).astype(np.uint8) * 255
    mask.flat[0] = 0
    answer = pixels_of(post(local_server, image=encode(picture), mask=encode(mask)))
    assert answer.shape == picture.shape
    np.testing.assert_array_equal(answer[mask == 0], picture[mask == 0])


def test_a_wide_hole_of_a_large_picture_is_filled_coarse_to_fine(local_server: str, encode: Encode) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1400, 1800, 3), np.uint8)
    mask = np.zeros((1400, 1800), np.uint8)
    mask[300:500, 300:700] = 255
    answer = post(local_server, image=encode(picture), mask=encode(mask))
    filled = pixels_of(answer)
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])
    assert (filled[mask > 0] != picture[mask > 0]).mean() > 0.5
    assert float(answer.headers["X-Rayfill-Scale"]) == 1 / 16, "trained at 32 px it sees 8 px deep, and the hole is 100 px deep"


def test_a_rotated_photograph_comes_back_upright(local_server: str, photograph: Pixels, hole: Pixels, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the stored picture has to be turned clockwise
    stored = np.rot90(photograph)
    answer = post(local_server, image=encode(np.ascontiguousarray(stored), exif=exif), mask=encode(hole))
    np.testing.assert_array_equal(pixels_of(answer)[hole == 0], photograph[hole == 0])


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(local_server: str) -> None:
    host, port = local_server.removeprefix("http://").split(":")
    head = f"POST /v1/inpaint HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 413")


def test_a_body_that_stops_coming_is_given_up(local_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "SILENT_S", 0.3)
    host, port = local_server.removeprefix("http://").split(":")
    head = f"POST /v1/inpaint HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n--x".encode())
        assert b" 408 " in connection.recv(200)


def test_an_unknown_query_key_is_refused_with_the_nearest_one(
    local_server: str, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    files = {"image": encode(photograph), "mask": encode(hole)}
    answer = requests.post(f"{local_server}/v1/inpaint?answr=mask", files=files, timeout=60)
    assert sentence(answer, 422) == "answr: unknown query key (did you mean 'answer'?)"

"""A picture without a mask: refused by a model that needs one, answered by a model that predicts it."""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import requests
from PIL import Image

Pixels = npt.NDArray[np.uint8]
ServerOf = Callable[[str], str]
Encode = Callable[..., bytes]


def post(url: str, answer: str = "picture", **files: bytes) -> requests.Response:
    return requests.post(f"{url}/v1/inpaint", files=files, params={"answer": answer}, timeout=60)


def pixels_of(answer: requests.Response) -> Pixels:
    assert answer.status_code == 200, answer.text[:200]
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.fixture
def picture() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


def test_a_blind_model_answers_without_a_mask_and_tells_where_it_found_damage(
    server_of: ServerOf, picture: Pixels, encode: Encode
) -> None:
    url = server_of("informed-mask")
    assert requests.get(f"{url}/v1/models", timeout=60).json()["models"][0]["blind"] is True
    filled, mask = (pixels_of(post(url, what, image=encode(picture))) for what in ("picture", "mask"))
    assert filled.shape == picture.shape
    assert mask.shape == picture.shape[:2]
    assert mask.any()
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])


def test_blind_model_accepts_a_given_mask(server_of: ServerOf, picture: Pixels, encode: Encode) -> None:
    url = server_of("informed-mask")
    hole = np.zeros(picture.shape[:2], np.uint8)
    hole[10:20, 20:40] = 255
    filled, mask = (pixels_of(post(url, what, image=encode(picture), mask=encode(hole))) for what in ("picture", "mask"))
    np.testing.assert_array_equal(filled[hole == 0], picture[hole == 0])
    np.testing.assert_array_equal(mask, hole)


def test_a_model_that_has_to_be_told_refuses_with_its_name(server_of: ServerOf, picture: Pixels, encode: Encode) -> None:
    answer = post(server_of("gdn"), image=encode(picture))
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "mask: missing; send multipart/form-data with two files, image and mask: gdn cannot find holes itself"
    )


def test_an_unknown_kind_of_answer_is_refused(server_of: ServerOf, picture: Pixels, encode: Encode) -> None:
    answer = post(server_of("gdn"), "both", image=encode(picture))
    assert answer.status_code == 422
    assert answer.json()["detail"] == "answer: input should be 'picture' or 'mask'"

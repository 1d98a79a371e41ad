"""Edge maps: scikit-image's, with holes that leave no trace."""

import cv2
import numpy as np
import skimage.color
import skimage.data
import skimage.feature
import torch

from rayfill.systems.informed_mask.edges import edge_maps, luminance

CAT = cv2.resize(skimage.data.chelsea(), (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
IMAGE = torch.from_numpy(CAT).permute(2, 0, 1)[None]


def test_luminance_is_scikit_image_s() -> None:
    np.testing.assert_allclose(luminance(IMAGE)[0, 0].numpy(), skimage.color.rgb2gray(CAT), atol=1e-6)


def test_every_picture_of_a_batch_has_its_own_edges() -> None:
    gray = luminance(torch.cat([IMAGE, IMAGE.flip(3)]))
    found = edge_maps(gray, 1.0)
    assert found.shape == (2, 1, 64, 64)
    for picture, edges in zip(gray, found, strict=True):
        np.testing.assert_array_equal(edges[0].numpy() > 0, skimage.feature.canny(picture[0].numpy(), sigma=1.0))
    assert 0 < found.mean() < 0.5


def test_neither_a_hole_nor_its_border_has_edges() -> None:
    gray = torch.full((1, 1, 64, 64), 0.2)
    gray[..., 20:40, 20:40] = 1
    assert edge_maps(gray, 2.0).sum() > 0
    known = torch.ones(1, 1, 64, 64, dtype=torch.bool)
    known[..., 20:40, 20:40] = False
    assert edge_maps(gray, 2.0, known).sum() == 0


def test_edge_maps_ignore_hole_content() -> None:
    gray = luminance(IMAGE)
    known = torch.ones(1, 1, 64, 64, dtype=torch.bool)
    known[..., 20:40, 20:40] = False
    other = torch.where(known, gray, 1 - gray)
    assert torch.equal(edge_maps(gray, 1.0, known), edge_maps(other, 1.0, known))
    assert edge_maps(gray, 1.0, torch.zeros_like(known)).sum() == 0

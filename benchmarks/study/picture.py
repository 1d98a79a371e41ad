"""Answers of several models side by side, on photographs that come with scikit-image: none of the study's own is shown."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw, ImageFont

from rayfill.evaluation.baselines import telea
from rayfill.inference.composite import UInt8
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
from rayfill.masks.draw import draw_family
from rayfill.masks.random_key import generator
from rayfill.spec.masks import Irregular

SUBJECTS = ("astronaut", "coffee", "rocket", "chelsea")
BUCKETS = ("(0.1,0.2]", "(0.2,0.3]", "(0.3,0.4]", "(0.2,0.3]")
SHOWN = 128
"""Side in pixels that each picture is shown at."""
GAP, TITLE = 6, 18


def draw_picture(models: Mapping[str, Path], path: Path) -> None:
    """A PNG: a row a photograph, columns input, Telea, every model's composited answer, target."""
    opened = {name: load_model(folder, torch.device("cpu")) for name, folder in models.items()}
    side = max(model.card.train_size for model in opened.values())
    titles = ["input", "telea", *opened, "target"]
    canvas = Image.new("RGB", (len(titles) * (SHOWN + GAP) + GAP, TITLE + len(SUBJECTS) * (SHOWN + GAP)), "white")
    write = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(11)
    for column, title in enumerate(titles):
        write.text((GAP + column * (SHOWN + GAP), 3), title, fill="black", font=font)
    for row, (subject, bucket) in enumerate(zip(SUBJECTS, BUCKETS, strict=True)):
        target = _square(np.asarray(getattr(skimage.data, subject)()), side)
        mask = draw_family(Irregular(kind="irregular", buckets=(bucket,)), side, side, generator(("study", row)))
        pictures = [np.where(mask[..., None] > 0, np.uint8(255), target), telea(target, mask)]
        for model in opened.values():
            pictures.append(inpaint(model, [target], [mask])[0].composited)
        for column, picture in enumerate([*pictures, target]):
            large = cv2.resize(picture, (SHOWN, SHOWN), interpolation=cv2.INTER_NEAREST)
            canvas.paste(Image.fromarray(large), (GAP + column * (SHOWN + GAP), TITLE + row * (SHOWN + GAP)))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path, optimize=True)


def _square(picture: UInt8, side: int) -> UInt8:
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    cut = np.ascontiguousarray(picture[top : top + short, left : left + short, :3])
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA), np.uint8)

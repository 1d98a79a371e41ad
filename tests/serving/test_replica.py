"""A replica changes models, and never dies of a bad one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rayfill.inference.model_card import load_card
from rayfill.spec.model import ModelCard
from serving.backend import Answer, NoModel, Status
from serving.replica import Replica

MakeModel = Callable[..., ModelCard]


def config(model: Path | str, root: Path) -> dict[str, str]:
    return {"model": str(model), "root": str(root), "precision": "fp32"}


async def ask(replica: Replica) -> Answer:
    picture = np.full((24, 24, 3), 100, np.uint8)
    mask = np.zeros((24, 24), np.uint8)
    mask[8:16, 8:16] = 255
    (answer,) = await replica.fill([picture], [mask])
    return answer


def test_replica_changes_to_another_model(tmp_path: Path, make_model: MakeModel) -> None:
    cards = [make_model(tmp_path / str(seed), seed=seed) for seed in (1, 2)]

    async def story() -> list[str]:
        replica = Replica()
        digests = []
        for seed in (1, 2):
            await replica.reconfigure(config(tmp_path / str(seed), tmp_path))
            digests.append((await ask(replica)).model.digest)
        return digests

    assert asyncio.run(story()) == [card.weights_sha256 for card in cards]


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("missing", "not a model folder, it has no model.json"),
        ("altered", "its SHA-256 is not the one in model.json"),
        ("tiny/7", "no registered model 'tiny'"),
        (None, "could not be loaded: TypeError"),
    ],
)
def test_a_bad_model_leaves_the_old_one_in_place_and_is_told(
    tmp_path: Path, root: Path, make_model: MakeModel, broken: str | None, sentence: str
) -> None:
    good = make_model(tmp_path / "good")
    make_model(tmp_path / "altered", seed=1)
    weights = tmp_path / "altered" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    ref = tmp_path / broken if broken in ("missing", "altered") else broken

    async def story() -> tuple[Status, Answer, Status]:
        replica = Replica()
        await replica.reconfigure(config(tmp_path / "good", root))
        await replica.reconfigure({} if ref is None else config(ref, root))
        status = await replica.status()
        answer = await ask(replica)
        await replica.reconfigure(config(tmp_path / "good", root))
        return status, answer, await replica.status()

    failed, answer, mended = asyncio.run(story())
    assert failed.error is not None
    assert sentence in failed.error
    assert failed.model is not None
    assert answer.model.digest == good.weights_sha256
    assert mended.error is None


def test_a_folder_that_was_replaced_after_serving_started_is_not_loaded(tmp_path: Path, make_model: MakeModel) -> None:
    make_model(tmp_path / "model")
    copy = {"folder": str(tmp_path / "model"), "digest": load_card(tmp_path / "model").digest(), "version": None}
    make_model(tmp_path / "model", seed=1)

    async def story() -> Status:
        replica = Replica()
        await replica.reconfigure(config(tmp_path / "model", tmp_path) | {"copy": copy})
        return await replica.status()

    status = asyncio.run(story())
    assert status.model is None
    assert "model was replaced after serving started" in str(status.error)


def test_without_any_model_it_says_so(tmp_path: Path) -> None:
    async def story() -> Status:
        replica = Replica()
        await replica.reconfigure(config(tmp_path / "missing", tmp_path))
        with pytest.raises(NoModel):
            await ask(replica)
        return await replica.status()

    status = asyncio.run(story())
    assert status.model is None
    assert "not a model folder" in str(status.error)

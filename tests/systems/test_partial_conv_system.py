"""PConv's loss, its two phases, the network that judges, and that it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import vgg16

from rayfill.data.batch import Batch
from rayfill.spec.errors import InputError
from rayfill.spec.recipe import SystemChoice
from rayfill.systems import build_system
from rayfill.systems.base import Round
from rayfill.systems.partial_conv import PartialConvolution

INITIAL, FINETUNE = Round("initial", ("generator",)), Round("finetune", ("generator",))
CPU = torch.device("cpu")


def pconv(**features: Any) -> PartialConvolution:
    torch.manual_seed(0)
    options = {"generator": {"width": 8, "depth": 3}, "features": {"weights": "random", "width": 2} | features}
    system = build_system(SystemChoice(kind="pconv", options=options))
    assert isinstance(system, PartialConvolution)
    system.prepare_training(CPU)
    return system


def a_batch(size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    small = torch.rand(size, 3, 4, 4, generator=generator)
    mask = torch.zeros(size, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    mask[0, :, 24:, 24:] = 1
    return Batch(nn.functional.interpolate(small, (32, 32), mode="bilinear"), mask, tuple(map(str, range(size))))


def seen_by_vgg(system: PartialConvolution, image: torch.Tensor) -> list[torch.Tensor]:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    (vgg,) = system._frozen
    found: list[torch.Tensor] = vgg((image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))
    return found


def test_every_term_is_the_paper_s_sum() -> None:
    system, batch = pconv(), a_batch()
    shared = system.forward_shared(batch, INITIAL)
    terms = system.loss_terms("generator", batch, shared)
    image, mask, output = batch.image, batch.mask, shared["output"]
    composited = output * mask + image * (1 - mask)
    expected = {
        "valid": ((1 - mask) * (output - image)).abs().sum() / image.numel(),
        "hole": (mask * (output - image)).abs().sum() / image.numel(),
        "perceptual": torch.zeros(()),
        "style": torch.zeros(()),
    }
    layers = zip(*(seen_by_vgg(system, picture) for picture in (image, output, composited)), strict=True)
    for real, *others in layers:
        channels, places = real.shape[1], real[0, 0].numel()
        for fake in others:
            expected["perceptual"] += (fake - real).abs().sum() / real.numel()
            difference = torch.stack(
                [f.flatten(1) @ f.flatten(1).T - r.flatten(1) @ r.flatten(1).T for f, r in zip(fake, real, strict=True)]
            )
            expected["style"] += difference.abs().sum() / (channels * places) / channels**2 / len(batch)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-4, atol=1e-6)
    assert set(terms) == set(expected) | {"total_variation"}


def test_total_variation_looks_at_the_composited_picture() -> None:
    system, batch = pconv(), a_batch()
    shared = system.forward_shared(batch, INITIAL)
    (gradient,) = torch.autograd.grad(system.loss_terms("generator", batch, shared)["total_variation"], shared["output"])
    known = (batch.mask == 0).expand_as(gradient)
    assert (gradient[known] == 0).all()
    assert gradient[~known].abs().sum() > 0


def test_fine_tuning_leaves_the_encoder_s_running_statistics_alone_and_no_state_behind() -> None:
    system, batch = pconv(), a_batch()
    system.forward_shared(batch, INITIAL)
    before = {name: buffer.clone() for name, buffer in system.named_buffers()}
    system.forward_shared(batch, FINETUNE)
    changed = {name for name, buffer in system.named_buffers() if not torch.equal(buffer, before[name])}
    assert changed
    assert all(name.startswith("generator.decoder.") for name in changed)
    system.forward_shared(batch, INITIAL)
    assert any(not torch.equal(b, before[n]) for n, b in system.named_buffers() if n.startswith("generator.encoder."))


def test_the_judging_network_is_neither_saved_nor_learns() -> None:
    system, batch = pconv(), a_batch()
    assert {name.split(".")[0] for name in system.state_dict()} == {"generator"}
    assert not any(p.requires_grad for network in system._frozen for p in network.parameters())
    loss = system.loss_terms("generator", batch, system.forward_shared(batch, INITIAL))["style"]
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(loss, list(system.generator.parameters())))


def test_random_eyes_are_the_same_after_a_resume() -> None:
    first, second = pconv(), pconv()
    torch.manual_seed(7)
    second.prepare_training(CPU)
    image = a_batch().image
    pairs = zip(seen_by_vgg(first, image), seen_by_vgg(second, image), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_given_weights_are_taken_over(tmp_path: Path) -> None:
    whole = vgg16(weights=None).eval()
    path = tmp_path / "vgg16.safetensors"
    save_file({n: t for n, t in whole.state_dict().items() if n.startswith("features.")}, path)
    image = torch.rand(1, 3, 32, 32)
    pool3 = seen_by_vgg(pconv(weights=str(path), width=64), image)[2]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(pool3, whole.features[:17]((image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)))


@pytest.mark.parametrize("content", [None, b"no tensors", {"other": torch.zeros(1)}])
def test_weights_that_cannot_be_used_are_refused_with_the_key(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "vgg16.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        save_file(content, path)
    with pytest.raises(InputError, match="system.options.features.weights: .*vgg16.safetensors"):
        pconv(weights=str(path), width=64)


def test_given_weights_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="system.options.features.*width 8 goes with random weights only"):
        pconv(weights="vgg16.safetensors", width=8)


def test_pconv_learns_a_few_pictures_and_fine_tunes_further() -> None:
    system, batch = pconv(width=8), a_batch(4)
    optimizer = torch.optim.Adam(system.generator.parameters(), lr=5e-3)
    losses = []
    for step in range(70):
        if step == 60:
            optimizer.param_groups[0]["lr"] = 1e-3
        terms = system.loss_terms("generator", batch, system.forward_shared(batch, INITIAL if step < 60 else FINETUNE))
        optimizer.zero_grad()
        (terms["valid"] + 6 * terms["hole"] + 0.05 * terms["perceptual"] + 120 * terms["style"]).backward()
        optimizer.step()
        losses.append(terms["hole"].item())
    assert losses[59] < 0.3 * losses[0]
    assert losses[-1] < 1.3 * losses[59]

"""The residual GAN: what its networks see, what its terms are, given weights, its own metrics, and that it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights
from torchvision.transforms.functional import normalize

from rayfill.data.batch import Batch
from rayfill.models.residual_generator import ResidualGenerator
from rayfill.spec.errors import InputError
from rayfill.systems.base import Round
from rayfill.systems.imagenet_range import MEAN, STD, from_imagenet, to_imagenet
from rayfill.systems.residual_gan import ResidualGAN

TURN = Round("adversarial", ("generator", "critic"))
UNET = {"kind": "unet", "widths": [8, 12, 16, 20], "decoder": 12, "upsample": "nearest"}
RESNET = {
    "kind": "resnet", "width": 4, "blocks": [1, 1, 1, 1], "skips": True, "encoder_weights": None, "decoder": 6,
    "upsample": "nearest",
}  # fmt: skip


def residual_gan(generator: dict[str, Any] = UNET, reduction: str = "mean") -> ResidualGAN:
    torch.manual_seed(0)
    options = {"generator": generator, "critic": {"width": 4, "grid": 2}, "reduction": reduction}
    return ResidualGAN(ResidualGAN.Options.model_validate(options))


def a_batch(side: int = 64) -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = torch.zeros(2, 1, side, side)
    mask[0, :, 8:20, 4:28] = 1
    mask[1, :, 16:32, 10:20] = 1
    return Batch(torch.rand(2, 3, side, side, generator=generator), mask, ("a", "b"))


def silence(system: ResidualGAN) -> None:
    """The residual becomes 0 everywhere."""
    last = [m for m in system.generator.blocks[-1] if isinstance(m, torch.nn.Conv2d)][-1]
    for parameter in last.parameters():
        torch.nn.init.zeros_(parameter)


def test_the_colours_are_normalised_as_torchvision_s_weights_want_them() -> None:
    assert list(MEAN) == ResNet50_Weights.IMAGENET1K_V1.transforms().mean
    assert list(STD) == ResNet50_Weights.IMAGENET1K_V1.transforms().std
    image = a_batch().image
    torch.testing.assert_close(to_imagenet(image), normalize(image, list(MEAN), list(STD)))
    torch.testing.assert_close(from_imagenet(to_imagenet(image)), image)


def test_the_generator_sees_the_known_pixels_and_the_mean_colour_where_the_mask_is_one() -> None:
    system, batch = residual_gan(), a_batch()
    seen: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    system.forward_shared(batch, TURN)
    hole = batch.mask.expand(-1, 3, -1, -1) > 0
    assert (seen[0][hole] == 0).all()
    assert torch.equal(seen[0][~hole], to_imagenet(batch.image)[~hole])


@pytest.mark.parametrize("generator", [UNET, RESNET])
def test_without_a_residual_the_answer_is_the_broken_image(generator: dict[str, Any]) -> None:
    system, batch = residual_gan(generator).eval(), a_batch()
    silence(system)
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    torch.testing.assert_close(system.inpaint(batch.image, batch.mask).raw, torch.where(batch.mask > 0, mean, batch.image))


def test_the_terms_are_those_of_the_paper_from_the_completed_picture_and_its_crop() -> None:
    system, batch = residual_gan(reduction="sum"), a_batch()
    shared = system.forward_shared(batch, TURN)
    terms = system.loss_terms("generator", batch, shared)
    difference = (shared["output"] - to_imagenet(batch.image)).abs()
    torch.testing.assert_close(terms["whole"], difference.sum() / 2)
    torch.testing.assert_close(terms["hole"], (difference[0, :, 8:20, 4:28].sum() + difference[1, :, 16:32, 10:20].sum()) / 2)
    real = system.critic(to_imagenet(batch.image)).sigmoid()
    fake = shared["fake"].sigmoid()
    torch.testing.assert_close(terms["adversarial"], -fake.log().mean())
    critic = system.loss_terms("critic", batch, shared)["critic"]
    torch.testing.assert_close(critic, -(real.log().mean() + (1 - fake).log().mean()) / 2)


def test_the_contract_follows_the_encoder() -> None:
    for generator, multiple in ((UNET, 16), (RESNET, 32)):
        system = residual_gan(generator)
        contract = system.contract(system.options)
        assert (contract.value_range, contract.hole_fill, contract.multiple) == ("imagenet", 0.0, multiple)


def test_own_metrics_are_mean_squares_in_normalised_colors() -> None:
    system, batch = residual_gan().eval(), a_batch()
    silence(system)
    # A side that is no multiple of 16, as evaluation may bring it.
    image, mask = batch.image[..., :50, :41], batch.mask[..., :50, :41]
    with torch.no_grad():
        found = system.measure(image, mask)
    square = (to_imagenet(image) ** 2).mean(1, keepdim=True) * mask
    torch.testing.assert_close(found["mse_norm_hole"][0], square[0, 0, 8:20, 4:28].mean())
    torch.testing.assert_close(found["mse_norm_whole"], square.mean((1, 2, 3)))


def test_given_weights_are_taken_over_and_a_classifier_s_left_out(tmp_path: Path) -> None:
    torch.manual_seed(5)
    other = residual_gan(RESNET).generator.encoder
    given = {n: torch.rand_like(t) if t.is_floating_point() else t for n, t in other.state_dict().items()}
    save_file(given | {"fc.weight": torch.zeros(2, 2)}, tmp_path / "trunk.safetensors")
    system = residual_gan(RESNET | {"encoder_weights": str(tmp_path / "trunk.safetensors")})
    before = system.generator.encoder.state_dict()["conv1.weight"].clone()
    system.prepare_training(torch.device("cpu"))
    found = system.generator.encoder.state_dict()
    assert not torch.equal(found["conv1.weight"], before)
    assert all(torch.equal(found[name], tensor) for name, tensor in given.items())


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (None, "encoder_weights: there is no file"),
        ({"fc.weight": torch.zeros(1)}, "has no tensor 'conv1.weight'"),
        (
            {"conv1.weight": torch.zeros(64, 3, 7, 7)},
            r"'conv1.weight' has shape \(64, 3, 7, 7\), the encoder's is \(4, 3, 7, 7\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, tensors: dict[str, torch.Tensor] | None, sentence: str) -> None:
    path = tmp_path / "trunk.safetensors"
    if tensors is not None:
        save_file(tensors, path)
    system = residual_gan(RESNET | {"encoder_weights": str(path)})
    with pytest.raises(InputError, match=sentence):
        system.prepare_training(torch.device("cpu"))


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "resnet50.pth").write_bytes(b"PK\x03\x04 a pickle, surely")
    system = residual_gan(RESNET | {"encoder_weights": str(tmp_path / "resnet50.pth")})
    with pytest.raises(InputError, match="is not a safetensors file"):
        system.prepare_training(torch.device("cpu"))


@pytest.mark.parametrize("generator", [UNET, RESNET])
def test_a_few_steps_on_one_batch_bring_the_hole_nearer(generator: dict[str, Any]) -> None:
    system = residual_gan(generator)
    assert isinstance(system.generator, ResidualGenerator)
    batch = a_batch()
    batch = Batch(torch.full_like(batch.image, 0.9), batch.mask, batch.ids)
    optimiser = torch.optim.Adam(system.generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(30):
        terms = system.loss_terms("generator", batch, system.forward_shared(batch, TURN))
        losses.append(float(terms["hole"].detach()))
        optimiser.zero_grad()
        (terms["whole"] + terms["hole"]).backward()
        optimiser.step()
    assert losses[-1] < 0.6 * losses[0]

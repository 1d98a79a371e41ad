"""GDN's players: whose gradient goes where, what the switches do, and that it learns."""

from typing import Any

import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.systems.base import Round
from rayfill.systems.gdn.gdn import GDN

TURN = Round("adversarial", ("generator", "detector"))

OPTIONS: dict[str, Any] = {
    "generator": {"width": 4, "blocks": 1, "dilate": "first"},
    "detector": {"width": 2},
    "detection_loss": "focal",
    "focusing": 2.0,
    "weight_map": {"kind": "exponential", "base": 10.0},
    "detach_weight": False,
}


def gdn(**changes: Any) -> GDN:
    torch.manual_seed(0)
    return GDN(GDN.Options.model_validate(OPTIONS | changes))


def a_batch(size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = torch.zeros(size, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    mask[0, :, 24:, 24:] = 1
    return Batch(torch.rand(size, 3, 32, 32, generator=generator), mask, tuple(map(str, range(size))))


def test_the_detector_s_gradient_reaches_the_generator_through_the_weight_map() -> None:
    gradients = []
    for detach in (False, True):
        system, batch = gdn(detach_weight=detach), a_batch()
        shared = system.forward_shared(batch, TURN)
        loss = system.loss_terms("generator", batch, shared)["reconstruction"]
        gradients.append((loss, torch.autograd.grad(loss, list(system.generator.parameters()))))
    (flowing_loss, flowing), (detached_loss, detached) = gradients
    assert torch.equal(flowing_loss, detached_loss)
    assert not torch.allclose(flowing[0], detached[0])


def test_without_a_weight_gradient_the_weight_still_counts() -> None:
    system, batch = gdn(detach_weight=True), a_batch()
    shared = system.forward_shared(batch, TURN)
    plain = (shared["output"] - batch.image).abs().mean()
    assert system.loss_terms("generator", batch, shared)["reconstruction"] > plain


def test_each_player_computes_exactly_the_terms_of_its_role() -> None:
    system, batch = gdn(), a_batch()
    shared = system.forward_shared(batch, TURN)
    for player, role in GDN.roles.items():
        terms = system.loss_terms(player, batch, shared)
        assert tuple(terms) == role.terms
        assert all(t.dtype == torch.float32 and t.ndim == 0 for t in terms.values())


def test_the_players_own_all_parameters_and_share_none() -> None:
    system = gdn()
    owned = [set(system.parameters_of(player)) for player in GDN.roles]
    assert owned[0] & owned[1] == set()
    assert owned[0] | owned[1] == {name for name, _ in system.named_parameters()}


def test_gdn_ignores_hole_content() -> None:
    system, batch = gdn().eval(), a_batch()
    other = torch.where(batch.mask > 0, torch.rand_like(batch.image), batch.image)
    assert torch.equal(system.inpaint(batch.image, batch.mask).raw, system.inpaint(other, batch.mask).raw)


def test_the_generator_sees_white_holes_and_a_mask_with_one_for_hole() -> None:
    system, batch = gdn(), a_batch()
    seen: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    system.forward_shared(batch, TURN)
    assert (seen[0][:, :3][batch.mask.expand(-1, 3, -1, -1) > 0] == 1).all()
    assert torch.equal(seen[0][:, 3:], batch.mask)
    known = batch.mask.expand(-1, 3, -1, -1) == 0
    assert torch.equal(seen[0][:, :3][known], batch.image[known])


def test_the_heat_map_is_a_probability_map() -> None:
    system, batch = gdn().eval(), a_batch()
    filled = system.inpaint(batch.image, batch.mask)
    assert not filled.maps, "the detector is a quarter of the cost, and runs where its map is shown"
    heat = system.maps_of(filled.raw)["detector"]
    assert heat.shape == (2, 1, 32, 32)
    torch.testing.assert_close(heat, system.detector(filled.raw).softmax(dim=1)[:, 1:])
    assert heat.std() > 1e-4, "the same everywhere would pass"


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_an_empty_and_a_full_mask_give_finite_terms(ratio: float) -> None:
    system, batch = gdn(), a_batch()
    batch = Batch(batch.image, torch.full_like(batch.mask, ratio), batch.ids)
    shared = system.forward_shared(batch, TURN)
    for player in GDN.roles:
        assert all(t.isfinite() for t in system.loss_terms(player, batch, shared).values())

"""Informed masks: what each network sees, who is paid for what in which phase, and that holes are found."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from rayfill.data.batch import Batch
from rayfill.systems.base import Round, Shared
from rayfill.systems.informed_mask.corruption import corrupt
from rayfill.systems.informed_mask.edges import edge_maps, luminance
from rayfill.systems.informed_mask.system import InformedMask

OPTIONS: dict[str, Any] = {
    "mask_predictor": {"width": 8},
    "edge_predictor": {"width": 4, "blocks": 1, "dilate": "first"},
    "edge_critic": {"width": 2},
    "inpainter": {"width": 8},
    "inpaint_critic": {"width": 2},
    "damage": ["white"],
    "canny_sigma": 1.0,
    "known_edges": "original",
}


def informed_mask(**changes: Any) -> InformedMask:
    torch.manual_seed(0)
    return InformedMask(InformedMask.Options.model_validate(OPTIONS | changes))


def a_batch(size: int = 2, share: float = 1.0) -> Batch:
    generator = torch.Generator().manual_seed(1)
    image = functional.interpolate(torch.rand(size, 3, 6, 6, generator=generator), (32, 32), mode="nearest")
    mask = torch.zeros(size, 1, 32, 32)
    for i in range(size):
        mask[i, :, 4 + 3 * i : 16 + 3 * i, 8 : 22 - 2 * i] = share
    return Batch(image, mask, tuple(map(str, range(size))))


def played(system: InformedMask, phase: str, batch: Batch, *players: str) -> Shared:
    return system.forward_shared(batch, Round(phase, players or InformedMask.phases[phase]))


def seen_by(system: InformedMask, network: str, phase: str, batch: Batch) -> tuple[torch.Tensor, ...]:
    seen: list[tuple[torch.Tensor, ...]] = []
    system.get_submodule(network).register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    played(system, phase, batch)
    return seen[0]


def test_a_network_that_calls_everything_intact_predicts_no_hole() -> None:
    system = informed_mask().eval()
    with torch.no_grad():
        system.mask_predictor.last.weight.zero_()
        assert system.mask_predictor.last.bias is not None
        system.mask_predictor.last.bias.fill_(9)
    assert (system.predict_mask(a_batch().image) == 0).all()
    with torch.no_grad():
        system.mask_predictor.last.bias.fill_(-9)
    assert (system.predict_mask(a_batch().image) == 1).all()


def test_the_mask_network_sees_the_damaged_picture_and_nothing_else() -> None:
    batch = a_batch()
    (seen,) = seen_by(informed_mask(), "mask_predictor", "mask", batch)
    assert torch.equal(seen, torch.where(batch.mask > 0, 1.0, batch.image))


def test_the_edge_network_sees_white_holes_edges_outside_them_and_one_for_hole() -> None:
    batch = a_batch()
    (seen,) = seen_by(informed_mask(), "edge_predictor", "edge", batch)
    hole = batch.mask > 0
    assert (seen[:, :1][hole] == 1).all()
    torch.testing.assert_close(seen[:, :1][~hole], luminance(batch.image)[~hole])
    true = edge_maps(luminance(batch.image), 1.0)
    assert true[hole].sum() > 0
    assert torch.equal(seen[:, 1:2], torch.where(hole, 0.0, true))
    assert torch.equal(seen[:, 2:], batch.mask)


def test_the_inpainter_sees_completed_edges_and_the_true_mask_until_all_play_together() -> None:
    batch = a_batch()
    image, mask, start, edges = seen_by(informed_mask(), "inpainter", "inpaint", batch)
    hole = batch.mask > 0
    assert torch.equal(image, torch.where(hole, 1.0, batch.image * 2 - 1))
    assert torch.equal(mask, batch.mask)
    assert torch.equal(start, torch.where(hole, 0.0, batch.image * 2 - 1))
    assert torch.equal(edges[~hole], edge_maps(luminance(batch.image), 1.0)[~hole])
    assert 0 < edges[hole].min() <= edges[hole].max() < 1
    assert not torch.equal(seen_by(informed_mask(), "inpainter", "joint", batch)[1], batch.mask)


def test_known_edges_can_be_looked_for_in_the_damaged_picture() -> None:
    batch = a_batch(share=0.4)
    found = []
    for known_edges in ("original", "damaged"):
        system = informed_mask(known_edges=known_edges)
        torch.manual_seed(3)
        found.append(seen_by(system, "edge_predictor", "edge", batch)[0][:, 1:2])
    torch.manual_seed(3)
    damaged = corrupt(batch.image, batch.mask, ["white"])
    assert torch.equal(found[0], edge_maps(luminance(batch.image), 1.0) * (1 - batch.mask))
    assert torch.equal(found[1], edge_maps(luminance(damaged), 1.0, batch.mask < 0.5) * (1 - batch.mask))
    assert not torch.equal(*found)


@pytest.mark.parametrize(
    ("phase", "paid"),
    [
        ("mask", {"bce", "l1"}),
        ("edge_joint", {"bce", "l1", "edge_adversarial", "edge_feature_matching"}),
        ("joint", {"bce", "l1", "edge_adversarial", "edge_feature_matching", "inpaint_l1", "inpaint_adversarial"}),
    ],
)
def test_the_mask_network_is_paid_for_what_its_phase_has(phase: str, paid: set[str]) -> None:
    system, batch = informed_mask(), a_batch()
    assert set(system.loss_terms("mask", batch, played(system, phase, batch))) == paid


def test_the_other_players_are_paid_alike_in_every_phase_of_theirs() -> None:
    system, batch = informed_mask(), a_batch()
    for phase, players in InformedMask.phases.items():
        shared = played(system, phase, batch)
        for player in players:
            if player != "mask":
                assert tuple(system.loss_terms(player, batch, shared)) == InformedMask.roles[player].terms


@pytest.mark.parametrize("term", ["edge_adversarial", "edge_feature_matching", "inpaint_l1", "inpaint_adversarial"])
def test_the_networks_behind_the_mask_reach_it_with_their_gradient(term: str) -> None:
    system, batch = informed_mask(), a_batch()
    loss = system.loss_terms("mask", batch, played(system, "joint", batch))[term]
    gradient = torch.autograd.grad(loss, list(system.parameters_of("mask").values()))
    assert all(g.isfinite().all() for g in gradient)
    assert sum(float(g.abs().sum()) for g in gradient) > 0


@pytest.mark.parametrize(("phase", "player"), [("edge", "edge"), ("inpaint", "inpaint")])
def test_with_true_masks_no_gradient_leaves_the_network_that_learns(phase: str, player: str) -> None:
    system, batch = informed_mask(), a_batch()
    loss = torch.stack(list(system.loss_terms(player, batch, played(system, phase, batch)).values())).sum()
    earlier = [p for name in ("mask", "edge") if name != player for p in system.parameters_of(name).values()]
    assert all(g is None for g in torch.autograd.grad(loss, earlier, retain_graph=True, allow_unused=True))
    own = torch.autograd.grad(loss, list(system.parameters_of(player).values()))
    assert all(g.abs().sum() > 0 for g in own)


def test_a_sure_mask_is_passed_on_as_exactly_zero_or_one_and_still_learns() -> None:
    system, batch = informed_mask(), a_batch()
    with torch.no_grad():
        assert system.mask_predictor.last.bias is not None
        system.mask_predictor.last.bias.fill_(5)
    _, mask, _, _ = seen_by(system, "inpainter", "joint", batch)
    assert (mask == 0).all()
    (gradient,) = torch.autograd.grad(mask.sum(), [system.mask_predictor.last.bias])
    assert gradient.item() < 0  # more intact, less hole


def test_the_picture_s_critic_sees_the_same_mask_and_edges_beside_either_picture() -> None:
    system, batch = informed_mask(), a_batch()
    seen: list[torch.Tensor] = []
    system.inpaint_critic.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    shared = played(system, "inpaint", batch)
    real, fake = seen
    assert torch.equal(real[:, :3], batch.image * 2 - 1)
    assert torch.equal(real[:, 3:], fake[:, 3:])
    assert torch.equal(fake[:, 3:4], batch.mask)
    hole = batch.mask.expand(-1, 3, -1, -1) > 0
    assert torch.equal(fake[:, :3][hole], shared["refined"][hole])
    assert torch.equal(fake[:, :3][~hole], real[:, :3][~hole])


def test_a_round_of_critics_alone_builds_no_graph_through_the_others() -> None:
    system, batch = informed_mask(), a_batch()
    shared = played(system, "inpaint", batch, "inpaint_critic")
    assert not shared["refined"].requires_grad
    assert shared["fake_picture"].requires_grad
    assert played(system, "inpaint", batch, "inpaint")["refined"].requires_grad


def test_the_edge_map_is_canny_s_outside_holes_and_the_network_s_inside() -> None:
    system, batch = informed_mask().eval(), a_batch()
    edges = system.inpaint(batch.image, batch.mask).maps["edge"]
    known = batch.mask == 0
    assert torch.equal(edges[known], edge_maps(luminance(batch.image), 1.0, known)[known])
    assert 0 < edges[~known].min() <= edges[~known].max() < 1


def test_a_perfect_mask_makes_the_blind_answer_the_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    system, batch = informed_mask().eval(), a_batch()
    monkeypatch.setattr(system, "predict_mask", lambda image: (image.min(1, keepdim=True).values == 1).float())
    with torch.no_grad():
        values = system.measure(batch.image, batch.mask)
    assert values["mask_iou"].tolist() == [1, 1]
    assert values["mask_l1"].tolist() == [0, 0]
    for name in ("edge_psnr", "edge_ssim"):
        assert torch.equal(values[f"{name}_blind"], values[name])
    assert torch.equal(values["psnr_blind"], values["psnr_given"])


def test_the_mask_phase_teaches_it_to_find_holes() -> None:
    system, batch = informed_mask(), a_batch(4)
    before = system.measure(batch.image, batch.mask)["mask_iou"]
    optimizer = torch.optim.Adam(system.parameters_of("mask").values(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        terms = system.loss_terms("mask", batch, played(system, "mask", batch))
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
    after = system.measure(batch.image, batch.mask)["mask_iou"]
    assert after.min() > 0.9 > before.max()


@pytest.mark.parametrize(
    ("phase", "player", "falling"), [("edge", "edge", "feature_matching"), ("inpaint", "inpaint", "refined_l1")]
)
def test_the_edge_and_the_inpainting_network_learn_a_few_pictures(phase: str, player: str, falling: str) -> None:
    system, batch = informed_mask(), a_batch()
    optimizer = torch.optim.Adam(system.parameters_of(player).values(), 1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        terms = system.loss_terms(player, batch, played(system, phase, batch, player))
        torch.stack([value for name, value in terms.items() if name != "adversarial"]).sum().backward()
        optimizer.step()
        losses.append(terms[falling].item())
    assert losses[-1] < 0.85 * losses[0]

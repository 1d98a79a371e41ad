"""The dual path's two paths: who sees what, whose gradient goes where, what the switches do, and that it learns."""

from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from rayfill.data.batch import Batch
from rayfill.losses.gaussian_kl import hidden_std
from rayfill.systems.base import Round, Shared
from rayfill.systems.dual_path.system import DualPath

ALL_PLAYERS = Round("adversarial", ("generator", "critic_reconstruction", "critic_generation"))
PATCH = {"kind": "patch", "width": 2, "spectral_norm": False}
RESIDUAL = {"kind": "residual", "width": 2, "deepest": 4, "levels": 3, "spectral_norm": True}
OPTIONS: dict[str, Any] = {
    "networks": {
        "width": 4, "deepest": 8, "levels": 3, "latent": 4, "prior_blocks": 1, "scales": 3, "spectral_norm": True,
    },
    "critic": PATCH,
    "shared_weights": True,
    "reconstruction_adversary": "value",
    "judged": "fused",
    "evaluate_samples": 3,
}  # fmt: skip


def options(**changes: Any) -> Any:
    return DualPath.Options.model_validate(OPTIONS | changes)


def dual_path(**changes: Any) -> DualPath:
    torch.manual_seed(0)
    return DualPath(options(**changes))


def a_batch() -> Batch:
    """Holes whose borders are borders of the coarsest scale's pixels, too."""
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, 8:24, 8:24] = 1
    mask[1, :, :, 16:] = 1
    return Batch(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)), mask, ("a", "b"))


def played(system: DualPath, batch: Batch, round_: Round = ALL_PLAYERS) -> Shared:
    torch.manual_seed(2)
    return system.forward_shared(batch, round_)


def reached(system: DualPath, player: str, term: str, changed: str = "generator") -> set[str]:
    """Networks that a term of `player` has a gradient for."""
    batch = a_batch()
    loss = system.loss_terms(player, batch, played(system, batch))[term]
    owned = system.parameters_of(changed)
    found = torch.autograd.grad(loss, list(owned.values()), allow_unused=True)
    return {name.split(".")[0] for name, g in zip(owned, found, strict=True) if g is not None and g.abs().max() > 0}


def test_one_path_sees_what_is_known_and_the_other_what_is_hidden_around_zero() -> None:
    system, batch = dual_path(), a_batch()
    seen: list[torch.Tensor] = []
    system.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    played(system, batch)
    known, hidden = seen
    hole = batch.mask.expand(-1, 3, -1, -1) > 0
    assert not known[hole].any()
    assert not hidden[~hole].any()
    torch.testing.assert_close(known + hidden, 2 * batch.image - 1)


def test_inpainting_sees_what_is_known_alone() -> None:
    system, batch = dual_path().eval(), a_batch()
    seen: list[torch.Tensor] = []
    system.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    system.inpaint(batch.image, batch.mask)
    assert len(seen) == 1
    assert not seen[0][batch.mask.expand(-1, 3, -1, -1) > 0].any()


@pytest.mark.parametrize("judged", ["fused", "raw"])
def test_the_generation_path_is_judged_filled_into_the_original_unless_raw_is_asked_for(judged: str) -> None:
    system, batch = dual_path(judged=judged), a_batch()
    seen: list[torch.Tensor] = []
    system.critic_generation.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    raw = played(system, batch)["generation.2"]
    hole, original = batch.mask.expand(-1, 3, -1, -1) > 0, 2 * batch.image - 1
    assert torch.equal(seen[0][hole], raw[hole])
    torch.testing.assert_close(seen[0][~hole], (original if judged == "fused" else raw)[~hole])


def test_known_pixels_alone_count_in_the_generation_path_s_l1_and_all_in_the_other_s() -> None:
    system, batch = dual_path(), a_batch()
    shared = played(system, batch)
    other = Batch(torch.where(batch.mask > 0, 1 - batch.image, batch.image), batch.mask, batch.ids)
    first, second = (system.loss_terms("generator", one, shared) for one in (batch, other))
    torch.testing.assert_close(first["l1_generation"], second["l1_generation"])
    assert first["l1_reconstruction"] != second["l1_reconstruction"]


def test_the_l1_is_the_sum_over_the_scales() -> None:
    system, batch = dual_path(), a_batch()
    shared = played(system, batch)
    expected = torch.zeros((), dtype=torch.float64)
    for scale, factor in enumerate((4, 2, 1)):
        picture = shared[f"generation.{scale}"].double()
        for n in range(2):
            for y in range(32 // factor):
                for x in range(32 // factor):
                    square = slice(y * factor, (y + 1) * factor), slice(x * factor, (x + 1) * factor)
                    target = (2 * batch.image.double() - 1)[n, :, *square].mean(dim=(1, 2))
                    known = 1 - batch.mask[n, 0, *square].double().mean()
                    expected += (known * (picture[n, :, y, x] - target)).abs().sum() / picture.numel()
    found = system.loss_terms("generator", batch, shared)["l1_generation"]
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_shared_weights_are_taught_by_both_paths_and_separate_ones_by_their_own() -> None:
    assert reached(dual_path(), "generator", "l1_reconstruction") == {"encoder", "posterior", "generator"}
    separate = dual_path(shared_weights=False)
    own = {"encoder_reconstruction", "posterior", "generator_reconstruction"}
    # Both paths paint on the features of the known part, so its encoder learns from both.
    assert reached(separate, "generator", "l1_reconstruction") == own | {"encoder"}
    assert reached(separate, "generator", "l1_generation") == {"encoder", "prior", "generator"}


def test_separate_weights_are_twice_the_encoder_and_generator_and_inpainting_needs_one_of_each() -> None:
    shared, separate = (dual_path(shared_weights=kind) for kind in (True, False))
    more = sum(p.numel() for network in (shared.encoder, shared.generator) for p in network.parameters())
    sizes = [sum(p.numel() for p in system.parameters_of("generator").values()) for system in (shared, separate)]
    assert sizes[1] - sizes[0] == more
    assert not any("reconstruction" in network for network in DualPath.inference_networks)


def test_the_prior_follows_the_posterior_which_does_not_come_to_meet_it() -> None:
    assert reached(dual_path(), "generator", "kl_generation") == {"encoder", "prior"}
    separate = dual_path(shared_weights=False)
    assert reached(separate, "generator", "kl_reconstruction") == {"encoder_reconstruction", "posterior"}


def test_each_divergence_is_measured_from_its_target_and_not_the_other_way_round() -> None:
    """PICNet's KL(target || path), against torch's own; the reverse would be another number."""
    system, batch = dual_path(), a_batch()
    shared = played(system, batch)
    terms = system.loss_terms("generator", batch, shared)
    found, prior = (Normal(shared[f"{path}.mean"], shared[f"{path}.std"]) for path in ("reconstruction", "generation"))
    width = hidden_std(batch.mask).expand_as(found.mean)
    wide = Normal(torch.zeros_like(width), width)
    for term, target, path in (("kl_reconstruction", wide, found), ("kl_generation", found, prior)):
        expected, reverse = kl_divergence(target, path).mean(), kl_divergence(path, target).mean()
        torch.testing.assert_close(terms[term], expected)
        assert (expected - reverse).abs() > 1e-4, "else this test would not see the direction"


def test_a_round_of_one_critic_plays_its_path_alone_and_leaves_the_generator_out() -> None:
    system, batch = dual_path(), a_batch()
    for path, other in (("reconstruction", "generation"), ("generation", "reconstruction")):
        player = f"critic_{path}"
        shared = played(system, batch, Round("adversarial", (player,)))
        assert not any(name.startswith(other) for name in shared)
        assert not shared[f"{path}.judged"].requires_grad
        terms = system.loss_terms(player, batch, shared)
        total = terms["distance"] + 10 * terms["penalty"]
        assert all(g.abs().max() > 0 for g in torch.autograd.grad(total, list(system.parameters_of(player).values())))


def test_matching_is_the_squared_distance_of_the_critic_s_answers() -> None:
    system, batch = dual_path(reconstruction_adversary="match"), a_batch()
    shared = played(system, batch)
    distance = (system.critic_reconstruction(2 * batch.image - 1) - shared["reconstruction.value"]).square().mean()
    terms = system.loss_terms("generator", batch, shared)
    torch.testing.assert_close(terms["adversarial_reconstruction"], distance)
    torch.testing.assert_close(terms["adversarial_generation"], -shared["generation.value"].mean())


def test_a_critic_learns_to_tell_originals_from_answers() -> None:
    system, batch = dual_path(), a_batch()
    round_ = Round("adversarial", ("critic_reconstruction",))
    parameters = system.parameters_of("critic_reconstruction")
    optimizer, distances = torch.optim.Adam(parameters.values(), lr=0.01), []
    for _ in range(15):
        terms = system.loss_terms("critic_reconstruction", batch, played(system, batch, round_))
        distances.append(terms["distance"].item())
        optimizer.zero_grad()
        (terms["distance"] + 10 * terms["penalty"]).backward()
        optimizer.step()
    assert distances[-1] < distances[0] - 0.1
    shared = played(system, batch, round_)
    assert system.critic_reconstruction(2 * batch.image - 1).mean() > shared["reconstruction.value"].mean()


def test_the_generator_overfits_two_pictures() -> None:
    system, batch = dual_path(), a_batch()
    smooth = torch.nn.functional.interpolate(batch.image[..., ::8, ::8], (32, 32), mode="bilinear")
    batch, round_ = Batch(smooth, batch.mask, batch.ids), Round("adversarial", ("generator",))
    optimizer, losses = torch.optim.Adam(system.parameters_of("generator").values(), lr=0.01), []
    for _ in range(40):
        terms = system.loss_terms("generator", batch, system.forward_shared(batch, round_))
        losses.append((terms["l1_reconstruction"] + terms["l1_generation"]).item())
        optimizer.zero_grad()
        (20 * (terms["l1_reconstruction"] + terms["l1_generation"]) + terms["kl_reconstruction"]).backward()
        optimizer.step()
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(("critic", "min_side"), [(PATCH, 32), (RESIDUAL | {"levels": 4}, 48), (RESIDUAL, 32)])
def test_the_contract_leaves_room_for_network_and_critic(critic: dict[str, Any], min_side: int) -> None:
    contract = DualPath.contract(options(critic=critic, networks=OPTIONS["networks"] | {"levels": 4}))
    assert contract.multiple == 16
    assert contract.min_side == min_side
    assert (contract.answers, contract.hole_fill) == ("many", 0)


@pytest.mark.parametrize("spectral", [True, False])
def test_the_paper_s_critic_sees_seventy_pixels_and_the_paper_s_own_strides_would_see_nineteen(spectral: bool) -> None:
    critic = dual_path(critic=PATCH | {"spectral_norm": spectral}).critic_generation.eval()
    image = torch.randn(1, 3, 256, 256, requires_grad=True)
    value = critic(image)
    assert value.shape == (1, 1, 30, 30), "the map is 30x30; 70 is the field"
    assert _field(value[0, 0, 15, 15], image) == [70, 70]
    strides = [torch.nn.Conv2d(c, 1, 4, stride=s, padding=1) for c, s in ((3, 1), (1, 1), (1, 1), (1, 2), (1, 2))]
    value = torch.nn.Sequential(*strides)(image)
    assert value.shape[-2:] == (63, 63)
    assert _field(value[0, 0, 30, 30], image) == [19, 19]


def _field(logit: torch.Tensor, image: torch.Tensor) -> list[int]:
    (slope,) = torch.autograd.grad(logit, image)
    seen = slope[0].abs().sum(0).nonzero()
    return [int(side) for side in seen.max(0).values - seen.min(0).values + 1]


def test_more_pictures_than_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="scales 4 is more than levels 3"):
        options(networks=OPTIONS["networks"] | {"scales": 4})


@pytest.mark.parametrize("critic", [PATCH, RESIDUAL], ids=["patch", "residual"])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_an_empty_and_a_full_mask_give_finite_terms_and_gradients(critic: dict[str, Any], ratio: float) -> None:
    system, batch = dual_path(critic=critic), a_batch()
    batch = Batch(batch.image, torch.full_like(batch.mask, ratio), batch.ids)
    shared = played(system, batch)
    for player in DualPath.roles:
        terms = system.loss_terms(player, batch, shared)
        assert tuple(terms) == DualPath.roles[player].terms
        total = torch.stack(list(terms.values())).sum()
        gradients = torch.autograd.grad(total, list(system.parameters_of(player).values()), retain_graph=True)
        assert all(g.isfinite().all() for g in gradients)

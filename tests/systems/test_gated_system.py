"""Gated convolution's players: what the generator is paid for, what the critic sees, and that it learns."""

import torch
from torch import nn

from rayfill.data.batch import Batch
from rayfill.systems.base import Round
from rayfill.systems.gated import Gated

BOTH = Round("adversarial", ("generator", "critic"))


def gated() -> Gated:
    torch.manual_seed(0)
    return Gated(Gated.Options.model_validate({"generator": {"width": 8}, "critic": {"width": 2}}))


def a_batch(size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    small = torch.rand(size, 3, 4, 4, generator=generator)
    mask = torch.zeros(size, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    mask[0, :, 24:, 24:] = 1
    return Batch(nn.functional.interpolate(small, (32, 32), mode="bilinear"), mask, tuple(map(str, range(size))))


def test_the_generator_is_paid_for_both_stages_over_the_whole_picture_from_minus_one_to_one() -> None:
    system, batch = gated(), a_batch()
    shared = system.forward_shared(batch, BOTH)
    terms = system.loss_terms("generator", batch, shared)
    target = batch.image.double() * 2 - 1
    for stage in ("coarse", "refined"):
        expected = (shared[stage].double() - target).abs().mean()
        torch.testing.assert_close(terms[f"{stage}_l1"].double(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(terms["adversarial"], -shared["fake"].mean())


def test_the_critic_sees_the_completed_picture_and_the_mask() -> None:
    system, batch = gated(), a_batch()
    seen: list[torch.Tensor] = []
    system.critic.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    shared = system.forward_shared(batch, BOTH)
    system.loss_terms("critic", batch, shared)
    fake, real = seen
    assert torch.equal(fake[:, :3], torch.where(batch.mask > 0, shared["refined"], batch.image * 2 - 1))
    assert torch.equal(real[:, :3], batch.image * 2 - 1)
    assert torch.equal(fake[:, 3:], batch.mask)
    assert torch.equal(real[:, 3:], batch.mask)


def test_the_adversarial_term_pays_for_the_holes_alone() -> None:
    system, batch = gated(), a_batch()
    shared = system.forward_shared(batch, BOTH)
    (gradient,) = torch.autograd.grad(system.loss_terms("generator", batch, shared)["adversarial"], shared["refined"])
    known = (batch.mask == 0).expand_as(gradient)
    assert (gradient[known] == 0).all()
    assert gradient[~known].abs().sum() > 0


def test_a_round_of_the_critic_alone_keeps_no_graph_of_the_generator() -> None:
    system, batch = gated(), a_batch()
    shared = system.forward_shared(batch, Round("adversarial", ("critic",)))
    assert not shared["refined"].requires_grad
    gradients = torch.autograd.grad(system.loss_terms("critic", batch, shared)["critic"], list(system.critic.parameters()))
    assert any(g.abs().sum() > 0 for g in gradients)


def test_the_raw_answer_is_the_refined_picture() -> None:
    system, batch = gated().eval(), a_batch()
    _, refined = system.generator(batch.image * 2 - 1, batch.mask, system.network_picture(batch.image, batch.mask))
    assert torch.equal(system.inpaint(batch.image, batch.mask).raw, (refined + 1) / 2)


def test_both_stages_learn_a_handful_of_pictures() -> None:
    system, batch = gated(), a_batch(4)
    optimizer = torch.optim.Adam(system.generator.parameters(), lr=3e-3)
    losses = []
    for _ in range(61):
        terms = system.loss_terms("generator", batch, system.forward_shared(batch, BOTH))
        optimizer.zero_grad()
        (terms["coarse_l1"] + terms["refined_l1"]).backward()
        optimizer.step()
        losses.append((terms["coarse_l1"].item(), terms["refined_l1"].item()))
    assert losses[-1][0] < 0.75 * losses[0][0]
    assert losses[-1][1] < 0.85 * losses[0][1]

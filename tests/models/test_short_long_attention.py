"""Short + long term attention against a literal transcription, and what its mask means."""

import pytest
import torch

from rayfill.models import short_long_attention
from rayfill.models.short_long_attention import SelfAttention, ShortLongAttention


def literal_flow(attention: SelfAttention, x: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Place by place, in float64: softmax_j(q_i . q_j) weighs the values of all places j."""
    queries = attention.query(x).detach().double().flatten(2)
    carried, out = values.double().flatten(2), torch.zeros_like(values, dtype=torch.float64).flatten(2)
    for sample in range(len(x)):
        for i in range(queries.shape[-1]):
            energy = [float(queries[sample, :, i] @ queries[sample, :, j]) for j in range(queries.shape[-1])]
            weight = torch.tensor(energy, dtype=torch.float64).softmax(0)
            out[sample, :, i] = sum(w * carried[sample, :, j] for j, w in enumerate(weight))
    return out.reshape(values.shape)


def test_the_flow_is_the_softmax_over_all_places() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(8)
    x, values = torch.randn(2, 8, 3, 4), torch.randn(2, 5, 3, 4)
    expected = literal_flow(attention, x, values)
    torch.testing.assert_close(attention.flow(x, values).double(), expected, rtol=1e-4, atol=1e-5)


def test_rows_in_pieces_are_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    attention, x = SelfAttention(8), torch.randn(2, 8, 6, 5)
    whole = attention.flow(x, x)
    monkeypatch.setattr(short_long_attention, "QUERIES", 7)
    torch.testing.assert_close(attention.flow(x, x), whole)


def test_attention_starts_as_the_identity_and_learns_its_share() -> None:
    attention, x = SelfAttention(4), torch.randn(1, 4, 3, 3)
    assert attention.gamma == 0
    assert torch.equal(attention(x), x)
    (slope,) = torch.autograd.grad(attention(x).square().sum(), attention.gamma)
    assert slope != 0


def joined_input(attention: ShortLongAttention, x: torch.Tensor, context: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    handle = attention.join.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    attention(x, context, hole)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_known_places_keep_the_encoder_s_features_and_holes_get_alpha_times_the_flow(alpha: float) -> None:
    attention = ShortLongAttention(4, 6, spectral=False)
    assert attention.alpha == attention.short.gamma == 0
    torch.nn.init.constant_(attention.alpha, alpha)
    torch.nn.init.constant_(attention.short.gamma, 0.3)
    x, context = torch.randn(1, 4, 4, 4), torch.randn(1, 6, 4, 4)
    hole = torch.zeros(1, 1, 4, 4)
    hole[..., :2, :] = 1
    short, long = joined_input(attention, x, context, hole).split([4, 6], dim=1)
    torch.testing.assert_close(short, 0.3 * attention.short.flow(x, x) + x)
    assert torch.equal(long[..., 2:, :], context[..., 2:, :])
    torch.testing.assert_close(long[..., :2, :], alpha * attention.short.flow(x, context)[..., :2, :])


def test_attention_computes_in_float32_under_autocast() -> None:
    attention, x = SelfAttention(4), 30 * torch.randn(1, 4, 4, 4)
    expected = attention.flow(x, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(attention.flow(x, x), expected)

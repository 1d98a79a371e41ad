"""Weights and cost of informed-mask's networks at the recipe's full width, as its page tells them."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems.informed_mask.system import InformedMask

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "systems" / "informed_mask.md").read_text()
SIDE = 256
CHANNELS = {
    "mask_predictor": (3,),
    "edge_predictor": (3,),
    "inpainter": (3, 1, 3, 1),
    "edge_critic": (2,),
    "inpaint_critic": (5,),
}


@pytest.fixture(scope="module")
def system() -> InformedMask:
    options = load_spec(ROOT / "jobs" / "recipes" / "informed-mask.yaml", Recipe).system.options
    with torch.device("meta"):
        return InformedMask(InformedMask.Options.model_validate(options)).eval()


@pytest.mark.parametrize("network", CHANNELS)
def test_the_page_tells_each_network_s_weights_and_gflop(system: InformedMask, network: str) -> None:
    part = system.get_submodule(network)
    inputs = [torch.empty(1, channels, SIDE, SIDE, device="meta") for channels in CHANNELS[network]]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        part(*inputs)
    weights = sum(p.numel() for p in part.parameters())
    assert f"{weights:,} and {counter.get_total_flops() / 1e9:.1f}" in " ".join(
        PAGE.replace(" weights", "").replace(" GFLOP (2 per multiply-add)", "").split()
    )

"""GDN: a generator against a detector whose answer is the loss weight (gdn; Zhang et al., Pacific Graphics 2020).

There is no adversarial term and no trade-off weight: the detector says where the picture looks repaired, and there the
reconstruction loss counts up to x times as much. Gradient flows through that weight, as in the authors' code, so the
generator is also paid for looking unrepaired; `detach_weight` turns that off.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from rayfill.data.batch import Batch
from rayfill.losses.detection import DetectionLoss, detection_loss
from rayfill.losses.reconstruction import weighted_l1
from rayfill.losses.weight_map import WeightMap
from rayfill.models.detector import DenseDetector
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.gdn.generator import GeneratorOptions, build_generator, generator_contract
from rayfill.systems.start_options import StartOptions


class DetectorOptions(Spec):
    """The detector's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 32 in the paper's code")


class GDNOptions(StartOptions):
    """GDN's own switches."""

    generator: GeneratorOptions
    detector: DetectorOptions
    detection_loss: DetectionLoss
    focusing: float = Field(ge=0, le=10, description="gamma of the focal loss; 2 in the paper")
    weight_map: WeightMap
    detach_weight: bool = Field(description="true stops the gradient through the weight map; the paper's code lets it flow")


class GDN(System):
    """Players: generator (weighted reconstruction, eq. 7) and detector (weakly supervised detection, eq. 4-6)."""

    Options = GDNOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("reconstruction",)),
        "detector": PlayerRole(networks=("detector",), terms=("detection",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "detector")}
    inference_networks = ("generator", "detector")

    def __init__(self, options: GDNOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = build_generator(options.generator)
        self.detector = DenseDetector(options.detector.width)
        for module in self.detector.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_normal_(module.weight)

    @classmethod
    def contract(cls, options: GDNOptions) -> ImageContract:
        return generator_contract(options.start)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        output = self.generator(self.picture_and_mask(batch.image, batch.mask, batch))
        return {"output": output, "logits": self.detector(output)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "detector":
            options = self.options
            return {"detection": detection_loss(shared["logits"], batch.mask, options.detection_loss, options.focusing)}
        valuation = _valuation(shared["logits"])
        weight = self.options.weight_map(valuation.detach() if self.options.detach_weight else valuation)
        return {"reconstruction": weighted_l1(shared["output"], batch.image, weight)}

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self.generator(self.picture_and_mask(image, mask)))

    def maps_of(self, raw: torch.Tensor) -> Mapping[str, torch.Tensor]:
        return {"detector": _valuation(self.detector(raw))}


def _valuation(logits: torch.Tensor) -> torch.Tensor:
    return logits.float().softmax(dim=1)[:, 1:]

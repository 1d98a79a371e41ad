"""Informed masks: a mask network, an edge network and an inpainting network in a row (informed-mask, section 3).

No mask is given: the first network predicts how much of each pixel survived, the second completes the edges
there, the third the picture. The paper's mask network speaks of what is intact (1) and its other two of holes (1); here every
mask has 1 = hole, and only the U-Net's own output is the other way round.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch

from rayfill.data.batch import Batch, SampleMap
from rayfill.losses.adversarial import critic_bce, generator_bce
from rayfill.losses.feature_matching import feature_matching
from rayfill.losses.hinge import critic_hinge, generator_hinge
from rayfill.losses.reconstruction import weighted_l1
from rayfill.losses.survival import mask_l1, survival_bce
from rayfill.models.edgeconnect import EdgeConnectGenerator
from rayfill.models.gated_generator import GatedGenerator
from rayfill.models.mask_unet import MaskUNet
from rayfill.models.patch_critic import PatchCritic
from rayfill.models.spectral_patch_critic import SpectralPatchCritic
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, OwnMetric, PlayerRole, Round, Shared, System, UInt8
from rayfill.systems.batch_inference import snapped
from rayfill.systems.informed_mask.corruption import corrupt
from rayfill.systems.informed_mask.edges import edge_maps, luminance
from rayfill.systems.informed_mask.metrics import OWN_METRICS, measure_answers
from rayfill.systems.informed_mask.options import InformedMaskOptions

_MAKERS = {"mask", "edge", "inpaint"}
_CRITIC_LAYERS = 5
EDGES = "edges"
"""Name of the map by which a batch carries the edges of its photographs."""


class InformedMask(System):
    """Players: mask, edge, inpaint, and a critic of the edges and one of the picture.

    Phases mask, edge and inpaint train one network each, with true masks. In edge_joint and joint the predicted mask feeds
    the networks behind it, and the mask network is paid for their success, too.
    """

    Options = InformedMaskOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "mask": PlayerRole(
            ("mask_predictor",),
            ("bce", "l1", "edge_adversarial", "edge_feature_matching", "inpaint_l1", "inpaint_adversarial"),
        ),
        "edge": PlayerRole(("edge_predictor",), ("adversarial", "feature_matching")),
        "edge_critic": PlayerRole(("edge_critic",), ("critic",)),
        "inpaint": PlayerRole(("inpainter",), ("coarse_l1", "refined_l1", "adversarial")),
        "inpaint_critic": PlayerRole(("inpaint_critic",), ("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "mask": ("mask",),
        "edge": ("edge", "edge_critic"),
        "edge_joint": ("mask", "edge", "edge_critic"),
        "inpaint": ("inpaint", "inpaint_critic"),
        "joint": ("mask", "edge", "edge_critic", "inpaint", "inpaint_critic"),
    }
    inference_networks = ("mask_predictor", "edge_predictor", "inpainter")
    continuous_masks = True
    own_metrics: ClassVar[tuple[OwnMetric, ...]] = OWN_METRICS

    def __init__(self, options: InformedMaskOptions) -> None:
        super().__init__(options)
        self.options = options
        edge = options.edge_predictor
        self.mask_predictor = MaskUNet(options.mask_predictor.width)
        self.edge_predictor = EdgeConnectGenerator(3, 1, edge.width, edge.blocks, edge.dilate, edges=True)
        self.edge_critic = PatchCritic(options.edge_critic.width, inputs=2)
        self.inpainter = GatedGenerator(options.inpainter.width, guided=True)
        self.inpaint_critic = SpectralPatchCritic(5, options.inpaint_critic.width)

    @classmethod
    def contract(cls, options: InformedMaskOptions) -> ImageContract:
        return ImageContract(
            value_range="minus_one_one", hole_fill=0.0, multiple=8, min_side=32, mask="optional", start=options.start
        )

    @classmethod
    def sample_maps(cls, options: InformedMaskOptions, phase: str) -> Mapping[str, SampleMap]:
        """The photographs' edges: Canny's detector runs on the CPU, and inside the step a GPU would wait for it.

        The start is not among them: what stands around a hole is drawn in the step.
        """
        playing = cls.phases[phase]
        if "edge" not in playing and ("mask" in playing or options.known_edges == "damaged"):
            return {}

        def edges(pixels: UInt8, _: UInt8) -> torch.Tensor:
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div_(255)
            return edge_maps(luminance(image), options.canny_sigma)[0].mul(255).to(torch.uint8)

        return {EDGES: SampleMap(channels=1, dtype=torch.uint8, make=edges)}

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        shared: dict[str, torch.Tensor] = {}
        # A round of critics alone needs no graph through the networks that they judge, the larger part of the memory.
        with torch.set_grad_enabled(not _MAKERS.isdisjoint(round_.players)):
            damaged, mask = corrupt(batch.image, batch.mask, self.options.damage), batch.mask
            if "mask" in self.phases[round_.phase]:
                shared["mask_logits"] = self.mask_predictor(damaged)
            if round_.phase == "mask":
                return shared
            if "mask_logits" in shared:
                mask = _passing_gradient(_hole_share(shared["mask_logits"]))
            start = self.filled_holes(damaged, mask)
            shared |= self._completed_edges(batch, damaged, mask, start, round_)
            if "inpaint" in self.phases[round_.phase]:
                shared |= self._completed_picture(damaged, mask, start, shared["edges"])
        if "edge" in self.phases[round_.phase]:
            shared |= self._judged_edges(batch, shared)
        if "inpaint" in self.phases[round_.phase]:
            shared |= self._judged_picture(batch, mask, shared)
        return shared

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "mask":
            return self._mask_terms(batch, shared)
        if player == "edge":
            return _edge_terms(shared)
        last = _CRITIC_LAYERS - 1
        if player == "edge_critic":
            return {"critic": critic_bce(shared[f"real_edges.{last}"], shared[f"fake_edges.{last}"])}
        if player == "inpaint_critic":
            return {"critic": critic_hinge(shared["real_picture"], shared["fake_picture"])}
        target = _to_network(batch.image)
        return {
            "coarse_l1": _l1(shared["coarse"], target),
            "refined_l1": _l1(shared["refined"], target),
            "adversarial": generator_hinge(shared["fake_picture"]),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        known = edge_maps(luminance(image), self.options.canny_sigma, mask < 0.5)
        start = self.filled_holes(image, mask)
        _, edges = self._edges(image, mask, start, known)
        _, refined = self.inpainter(_to_network(image), mask, _to_network(start), edges)
        return Filled((refined + 1) / 2, {"edge": edges})

    def predict_mask(self, image: torch.Tensor) -> torch.Tensor:
        return snapped(_hole_share(self.mask_predictor(image)))

    def measure(self, image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        return measure_answers(self, self.contract(self.options), self.options.canny_sigma, image, mask)

    def _edges(
        self, image: torch.Tensor, mask: torch.Tensor, start: torch.Tensor, known: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The edge network's map, and its composite with the known edges (B,1,H,W).

        It sees luminance, with holes as in `start` or, where that is a constant, white as in EdgeConnect.
        """
        in_holes = torch.ones_like(mask) if self.image_contract.start == "constant" else luminance(start)
        gray = luminance(image) * (1 - mask) + in_holes * mask
        raw = self.edge_predictor(torch.cat([gray, known * (1 - mask), mask], dim=1))
        return raw, raw * mask + known * (1 - mask)

    def _completed_edges(
        self, batch: Batch, damaged: torch.Tensor, mask: torch.Tensor, start: torch.Tensor, round_: Round
    ) -> dict[str, torch.Tensor]:
        sigma, playing = self.options.canny_sigma, self.phases[round_.phase]
        as_at_inference = "mask" in playing or self.options.known_edges == "damaged"
        found: dict[str, torch.Tensor] = {}
        if "edge" in playing or not as_at_inference:
            carried = batch.maps.get(EDGES)
            found["true_edges"] = edge_maps(luminance(batch.image), sigma) if carried is None else carried
        known = edge_maps(luminance(damaged), sigma, mask < 0.5) if as_at_inference else found["true_edges"]
        with torch.set_grad_enabled(torch.is_grad_enabled() and "edge" in playing):
            found["raw_edges"], found["edges"] = self._edges(damaged, mask, start, known)
        return found

    def _completed_picture(
        self, damaged: torch.Tensor, mask: torch.Tensor, start: torch.Tensor, edges: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        picture = _to_network(damaged)
        coarse, refined = self.inpainter(picture, mask, _to_network(start), edges)
        return {"coarse": coarse, "refined": refined, "completed": refined * mask + picture * (1 - mask)}

    def _judged_edges(self, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        gray, judged = luminance(batch.image), dict[str, torch.Tensor]()
        for kind, edges in (("real", shared["true_edges"]), ("fake", shared["raw_edges"])):
            layers = self.edge_critic.features(torch.cat([gray, edges], dim=1))
            judged |= {f"{kind}_edges.{i}": layer for i, layer in enumerate(layers)}
        return judged

    def _judged_picture(self, batch: Batch, mask: torch.Tensor, shared: Shared) -> dict[str, torch.Tensor]:
        condition = [mask, shared["edges"]]
        return {
            "real_picture": self.inpaint_critic(torch.cat([_to_network(batch.image), *condition], dim=1)),
            "fake_picture": self.inpaint_critic(torch.cat([shared["completed"], *condition], dim=1)),
        }

    def _mask_terms(self, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        logits = shared["mask_logits"]
        terms = {"bce": survival_bce(logits, batch.mask), "l1": mask_l1(_hole_share(logits), batch.mask)}
        if "raw_edges" in shared:
            terms |= {f"edge_{name}": value for name, value in _edge_terms(shared).items()}
        if "completed" in shared:
            terms["inpaint_l1"] = _l1(shared["completed"], _to_network(batch.image))
            terms["inpaint_adversarial"] = generator_hinge(shared["fake_picture"])
        return terms


def _edge_terms(shared: Shared) -> dict[str, torch.Tensor]:
    real, fake = ([shared[f"{kind}_edges.{i}"] for i in range(_CRITIC_LAYERS)] for kind in ("real", "fake"))
    return {"adversarial": generator_bce(fake[-1]), "feature_matching": feature_matching(real, fake)}


def _l1(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return weighted_l1(output, target, torch.ones_like(target[:, :1]))


def _hole_share(logits: torch.Tensor) -> torch.Tensor:
    """1 - keep, the mask, from the U-Net's logits of what survived."""
    return torch.sigmoid(-logits.float())


def _passing_gradient(mask: torch.Tensor) -> torch.Tensor:
    """The snapped mask with the plain one's gradient: attention needs exact zeros, and learning a slope there."""
    return mask + (snapped(mask) - mask).detach()


def _to_network(image: torch.Tensor) -> torch.Tensor:
    return image * 2 - 1

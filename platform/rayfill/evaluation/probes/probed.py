"""Probe models on this machine for what scorecards do not tell."""

from dataclasses import dataclass
from pathlib import Path

from rayfill.spec.recipe import AskedPrecision
from rayfill.spec.release import Release


@dataclass(frozen=True)
class Probed:
    """What was found of challenger and champion on this machine; None where it was not asked for.

    Attributes:
        device: `cpu` or `cuda`.
        odd_masks: what went wrong on odd masks, a sentence each.
        latency_ms, memory_mib: of the challenger and, where there is one, of the champion.
    """

    device: str
    odd_masks: tuple[str, ...] | None = None
    latency_ms: tuple[float, float | None] | None = None
    memory_mib: tuple[float, float | None] | None = None


def probe(challenger: Path, champion: Path | None, release: Release, precision: AskedPrecision) -> Probed:
    """What a release asks for of the models in these folders."""
    import torch  # not with the file: registry commands that probe nothing import it

    from rayfill.evaluation.probes.cost import device_kind, latencies, peak_memory
    from rayfill.evaluation.probes.odd_masks import odd_mask_failures
    from rayfill.hardware.precision import resolve_precision
    from rayfill.inference.model_folder import load_model

    kind = device_kind()
    device = torch.device(kind)
    resolved = resolve_precision(precision, device)
    folders = [challenger, champion] if champion is not None else [challenger]
    models = [load_model(folder, device, resolved) for folder in folders]
    times = latencies(models, release.latency.size) if release.latency else []
    memory = [peak_memory(folder, release.memory.size, resolved) for folder in folders] if release.memory else []
    return Probed(
        device=kind,
        odd_masks=tuple(odd_mask_failures(models[0])) if release.odd_masks else None,
        latency_ms=_both(times),
        memory_mib=_both(memory),
    )


def _both(values: list[float]) -> tuple[float, float | None] | None:
    return (values[0], values[1] if len(values) > 1 else None) if values else None

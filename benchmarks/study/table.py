"""A study's table, in Markdown: a line an entry, and lines for what needs no training."""

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.study.spec import Study
from rayfill.evaluation.measured import MODEL, OWN
from rayfill.evaluation.scorecard import Scorecard, read_scorecard, score
from rayfill.inference.model_card import load_card
from rayfill.spec.release import ALL

BASELINES = ("harmonic", "navier_stokes", "telea", "mean_fill")


def format_study(study: Study, folders: Mapping[str, Path]) -> str:
    """Hole PSNR by bucket, SSIM and L1 over all holes, PSNR of the raw picture; then what the systems measure of themselves."""
    cards = {name: read_scorecard((folder / "scorecard.json").read_text(), str(folder)) for name, folder in folders.items()}
    if not cards:
        return "nothing is there yet"
    first = next(iter(cards.values()))
    buckets = first.protocol.buckets
    digests = {card.protocol.digest() for card in cards.values()}
    same = f"protocol {first.protocol.digest()[:12]}" if len(digests) == 1 else "NOT ONE PROTOCOL: lines cannot be compared"
    protocol = first.protocol
    lines = [
        f"{study.title}: {study.cpu_seconds:g} CPU seconds of training each; {protocol.images} photographs of "
        f"{protocol.split} at {protocol.size} px, six masks each, {same}",
        "",
        "| | steps | CPU s | weights | "
        + " | ".join(f"hole PSNR {b}" for b in buckets)
        + " | all | SSIM hole | L1 hole | raw PSNR, whole |",
        "|---|" + "---:|" * (len(buckets) + 7),
    ]
    for name, card in cards.items():
        result = json.loads((folders[name] / "result.json").read_text())
        steps = " + ".join(f"{n:,}" for n in result["steps"].values())
        weights = load_card(folders[name] / "model").parameters
        raw = score(card, MODEL, "psnr", form="raw")
        spent = result["train_cpu_s"]
        lines.append(f"| {name} | {steps} | {spent:.0f} | {weights:,} | {_numbers(card, MODEL)} | {raw:.2f} |")
    lines += [f"| *{method}* | | | | {_numbers(first, method)} | |" for method in BASELINES]
    own = [
        f"| {name} | {metric.name} | {' | '.join(_own(card, metric.name, bucket) for bucket in (*buckets, ALL))} |"
        for name, card in cards.items()
        for metric in card.own_metrics
    ]
    if own:
        heads = " | ".join((*buckets, "all"))
        lines += ["", f"| | own metric | {heads} |", "|---|---|" + "---:|" * (len(buckets) + 1), *own]
    return "\n".join(lines)


def _own(card: Scorecard, metric: str, bucket: str) -> str:
    return f"{score(card, OWN, metric, bucket, form='raw'):.4f}"


def _numbers(card: Scorecard, method: str) -> str:
    values = [f"{score(card, method, 'psnr', bucket, area='hole'):.2f}" for bucket in (*card.protocol.buckets, ALL)]
    values.append(f"{score(card, method, 'ssim', area='hole'):.4f}")
    values.append(f"{score(card, method, 'l1_hole', area='hole'):.4f}")
    return " | ".join(values)

"""The match as numbers, and these as tables."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.loader.match import BARE, OURS, Row

NEAR = ("loader", "decoded by", "images/s a core", "of the bare loop", "of ours", "first batch, s", "resume, s", "peak MiB")
FAR = (
    "over S3",
    "decoded by",
    "first batch, s",
    "images/s a core: first epoch",
    "later",
    "later, of its local rate",
    "of ours",
)

Numbers = Mapping[str, Any]


def numbers(rows: Sequence[Row], threads: int) -> list[dict[str, Any]]:
    """Medians over the rounds; ratios are medians of each round's own, so that a drifting machine slows both sides alike."""
    bare = next((row.near["rate"] for row in rows if row.name == BARE and "rate" in row.near), [])
    ours = next((row for row in rows if row.name == OURS), Row(OURS, ""))
    return [_of(row, bare, ours, threads) for row in rows]


def _of(row: Row, bare: list[float], ours: Row, threads: int) -> dict[str, Any]:
    near, far = row.near, row.far
    found: dict[str, Any] = {"loader": row.name, "decoder": row.decoder, "resumes": row.resumes, **row.facts}
    for name in ("rate", "whole", "decode"):
        if name in near:
            found[name] = statistics.median(near[name]) / threads
    for name in ("first", "resume"):
        if name in near:
            found[name] = statistics.median(near[name])
    if row.name != BARE and near.get("rate"):
        found["of_bare"] = _ratios(near["rate"], bare)
        found["of_ours"] = _ratios(near["rate"], ours.near.get("rate", []))
    if "whole" in near:
        found["whole_of_bare"] = _ratios(near["whole"], bare)
    if far:
        found["far_first"] = statistics.median(far["first"])
        found["far_cold"], found["far_rate"] = (statistics.median(far[name]) / threads for name in ("cold", "rate"))
        found["far_of_near"] = _ratios(far["rate"], near["rate"])
        found["far_of_ours"] = _ratios(far["rate"], ours.far.get("rate", []))
    return found | ({"stopped": dict(row.stopped)} if row.stopped else {})


def _ratios(ones: Sequence[float], others: Sequence[float]) -> dict[str, float] | None:
    ratios = [one / other for one, other in zip(ones, others, strict=False)]
    return {"median": statistics.median(ratios), "worst": min(ratios), "best": max(ratios)} if ratios else None


def as_markdown(found: Sequence[Numbers], store: str | None) -> str:
    """A table of the local run, one of S3 where there was one, and what they cannot hold."""
    tables = [_table(NEAR, [_near(one) for one in found])]
    if store:
        tables.append(f"S3 was {store}.\n\n{_table(FAR, [_far(one) for one in found if one['loader'] != BARE])}")
    return "\n\n".join([*tables, *_sentences(found)])


def _near(one: Numbers) -> list[str]:
    return [
        one["loader"], one["decoder"], _number(one.get("rate")), _spread(one.get("of_bare")), _ratio(one.get("of_ours")),
        _number(one.get("first")), _number(one.get("resume")), _number(one.get("peak_mib")),
    ]  # fmt: skip


def _far(one: Numbers) -> list[str]:
    return [
        one["loader"], one["decoder"], _number(one.get("far_first")), _number(one.get("far_cold")),
        _number(one.get("far_rate")), _spread(one.get("far_of_near")), _ratio(one.get("far_of_ours")),
    ]  # fmt: skip


def _sentences(found: Sequence[Numbers]) -> list[str]:
    said = []
    for one in found:
        name = f"{one['loader']} ({one['decoder']})" if one["loader"] not in (BARE, OURS) else one["loader"]
        if one["loader"] == BARE and "decode" in one:
            said.append(f"Decoding alone: {_number(one['decode'])} images/s a core.")
        if one.get("whole_of_bare"):
            said.append(f"Ours with opening and closing the loader counted: {_spread(one['whole_of_bare'])} of the bare loop.")
        if "resume_large" in one:
            where = f"an epoch of {one['large']:,.0f} photographs"
            said.append(f"Ours resumed in the middle of {where} in {_number(one['resume_large'])} s.")
        for where, why in one.get("stopped", {}).items():
            said.append(f"{' '.join(filter(None, (one['loader'] if one['decoder'] == '–' else name, where)))}: {why}.")
    hows = {one["loader"]: one["resumes"] for one in found if one.get("resumes", "–") != "–"}
    costs = {one["loader"]: one for one in found if "prepare" in one}
    said.append(f"How each resumes: {'; '.join(f'{name} {how}' for name, how in hows.items())}.")
    seconds = "; ".join(f"{name} {_number(one['import'])} + {_number(one['prepare'])}" for name, one in costs.items())
    return [*said, f"Not in the table, seconds to import and to make its own format: {seconds}."]


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", "---", *["---:"] * (len(header) - 2)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *lines])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _ratio(ratio: Numbers | None) -> str:
    return "–" if ratio is None else f"{ratio['median']:.2f}"


def _spread(ratio: Numbers | None) -> str:
    return "–" if ratio is None else f"{ratio['median']:.2f} ({ratio['worst']:.2f} to {ratio['best']:.2f})"
